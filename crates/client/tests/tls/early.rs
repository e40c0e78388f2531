//! Requests that go out with the handshake.

use http::Request;
use http_body_util::{BodyExt, Empty, Full};
use wirelace_client::Error;
use wirelace_tls_glue::TlsError;

use crate::world::{Authority, OK, answering, body, connect, once, read_head};

#[tokio::test]
async fn a_safe_one_goes_out_at_once_and_others_wait() {
    let authority = Authority::new();
    let server = authority.server(&["example.com"]).early_data(1000).build().unwrap();
    let client = authority.client().early_data(true).build().unwrap();
    let address = answering("127.0.0.1", server, OK).await;
    let mut first = connect(address, "example.com", &client).await.unwrap();
    assert!(!first.is_early());
    body(&mut first).await.unwrap();

    let mut connection = connect(address, "example.com", &client).await.unwrap();
    assert!(connection.is_early() && connection.handshake().is_none());
    // However long that takes, the request is in the first flight.
    tokio::task::yield_now().await;
    assert_eq!(body(&mut connection).await.unwrap(), "yes");
    assert!(!connection.is_early());
    assert!(connection.handshake().unwrap().early_data > 0);
    assert_eq!(body(&mut connection).await.unwrap(), "yes");

    let mut connection = connect(address, "example.com", &client).await.unwrap();
    assert!(connection.is_early());
    let request = Request::delete("https://example.com/").body(Empty::<bytes::Bytes>::new()).unwrap();
    let response = connection.send(request).await.unwrap();
    assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), "yes");
    let report = connection.handshake().unwrap();
    assert!(report.resumed && report.early_data == 0 && !report.early_data_refused);
}

#[tokio::test]
async fn one_that_is_refused_comes_again_by_itself() {
    let authority = Authority::new();
    let client = authority.client().early_data(true).build().unwrap();
    let [knows, forgot] = [0, 1].map(|_| authority.server(&["example.com"]).early_data(16_384));
    let address = answering("127.0.0.1", knows.build().unwrap(), OK).await;
    body(&mut connect(address, "example.com", &client).await.unwrap()).await.unwrap();
    let (address, served) = once(&forgot.build().unwrap(), async |mut stream| {
        use tokio::io::AsyncWriteExt as _;
        // Once.
        assert!(read_head(&mut stream).await.unwrap().starts_with("GET / "));
        stream.write_all(OK.as_bytes()).await.unwrap();
        stream.flush().await.unwrap();
        assert!(read_head(&mut stream).await.is_none());
    })
    .await;
    let mut connection = connect(address, "example.com", &client).await.unwrap();
    assert!(connection.is_early());
    assert_eq!(body(&mut connection).await.unwrap(), "yes");
    assert!(connection.handshake().unwrap().early_data_refused);
    drop(connection);
    served.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_handshake_that_fails_is_the_requests_error() {
    let authority = Authority::new();
    let knows = authority.server(&["example.com"]).early_data(1000).build().unwrap();
    let address = answering("127.0.0.1", knows, OK).await;
    let impostor = Authority::new().server(&["example.com"]).early_data(1000).build().unwrap();
    for safe in [true, false] {
        let client = authority.client().early_data(true).build().unwrap();
        body(&mut connect(address, "example.com", &client).await.unwrap()).await.unwrap();
        let impostor = answering("127.0.0.1", impostor.clone(), OK).await;
        let mut connection = connect(impostor, "example.com", &client).await.unwrap();
        assert!(connection.is_early());
        let request = Request::builder().method(if safe { "GET" } else { "POST" });
        let request = request.uri("https://example.com/").body(Full::<bytes::Bytes>::from("x")).unwrap();
        let error = connection.send(request).await.unwrap_err();
        match error {
            Error::Tls(TlsError::Certificate(_)) => assert!(safe),
            // It was never given to the connection.
            Error::Refused | Error::Closed => assert!(!safe),
            error => panic!("{error}"),
        }
        assert!(connection.handshake().is_none());
    }
}

#[tokio::test]
async fn without_it_nothing_is_early() {
    let authority = Authority::new();
    let server = authority.server(&["example.com"]).early_data(1000).build().unwrap();
    let address = answering("127.0.0.1", server, OK).await;
    let client = authority.client().early_data(true).build().unwrap().without_early_data();
    for resumed in [false, true] {
        let mut connection = connect(address, "example.com", &client).await.unwrap();
        assert!(!connection.is_early());
        assert_eq!(body(&mut connection).await.unwrap(), "yes");
        assert_eq!(connection.handshake().unwrap().resumed, resumed);
    }
}
