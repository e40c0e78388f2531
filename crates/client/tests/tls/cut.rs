//! Connections that end in the middle: with TLS an end that nobody announced is told apart from one that was meant.

use bytes::Bytes;
use http_body_util::BodyExt;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use wirelace_client::Error;
use wirelace_tls_glue::TlsError;

use crate::world::{Authority, OK, answering, body, connect, get, once, read_head};

/// Answers with `answer` and ends: with a close_notify or without.
async fn ended(answer: &'static str, announced: bool) -> Result<Bytes, Error> {
    let authority = Authority::new();
    let server = authority.server(&["example.com"]).build().unwrap();
    let (address, running) = once(&server, async move |mut stream| {
        read_head(&mut stream).await.unwrap();
        stream.write_all(answer.as_bytes()).await.unwrap();
        stream.flush().await.unwrap();
        if announced {
            stream.shutdown().await.unwrap();
        }
    })
    .await;
    let mut connection = connect(address, "example.com", &authority.client().build().unwrap()).await.unwrap();
    let ended = body(&mut connection).await;
    running.await.unwrap().unwrap();
    ended
}

#[tokio::test]
async fn a_body_until_the_end_needs_an_announced_end() {
    const ANSWER: &str = "HTTP/1.1 200 OK\r\n\r\nall that there is";
    assert_eq!(ended(ANSWER, true).await.unwrap(), "all that there is");
    let error = ended(ANSWER, false).await.unwrap_err();
    assert!(matches!(error, Error::Tls(TlsError::Truncated)), "{error:?}");
    assert_eq!(
        error.to_string(),
        "TLS: the connection was closed without a close_notify, data may be missing"
    );
}

#[tokio::test]
async fn a_body_with_a_length_needs_none() {
    assert_eq!(ended(OK, false).await.unwrap(), "yes");
    let cut = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nyes";
    assert!(matches!(ended(cut, false).await.unwrap_err(), Error::Tls(TlsError::Truncated)));
    // Here it was the server that said less than it had announced.
    assert!(!matches!(ended(cut, true).await.unwrap_err(), Error::Tls(_)));
}

#[tokio::test]
async fn no_answer_at_all() {
    assert!(matches!(ended("", true).await.unwrap_err(), Error::Closed));
    assert!(matches!(ended("", false).await.unwrap_err(), Error::Tls(TlsError::Truncated)));
    assert!(matches!(ended("HTTP/1.1 200", false).await.unwrap_err(), Error::Tls(TlsError::Truncated)));
}

#[tokio::test]
async fn what_was_changed_on_its_way_is_not_taken() {
    let authority = Authority::new();
    let server = authority.server(&["example.com"]).build().unwrap();
    const ANSWER: &str = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n";
    let real = answering("127.0.0.1", server, ANSWER).await;
    // Passes all on, and something of its own once the head has come.
    let between = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = between.local_addr().unwrap();
    let (head, came) = tokio::sync::oneshot::channel();
    tokio::spawn(async move {
        let (client, _) = between.accept().await.unwrap();
        let server = TcpStream::connect(real).await.unwrap();
        let ((mut from_client, mut to_client), (mut from_server, mut to_server)) =
            (client.into_split(), server.into_split());
        tokio::spawn(async move { tokio::io::copy(&mut from_client, &mut to_server).await });
        let mut came = came;
        let mut octets = [0; 4096];
        loop {
            tokio::select! {
                read = from_server.read(&mut octets) => {
                    let read = read.unwrap();
                    to_client.write_all(&octets[..read]).await.unwrap();
                }
                _ = &mut came => break,
            }
        }
        // A record of application data, encrypted by nobody.
        let mut record = vec![23, 3, 3, 0, 20];
        record.extend_from_slice(&[7; 20]);
        to_client.write_all(&record).await.unwrap();
        // Until the client is gone.
        let _ = from_server.read(&mut octets).await;
    });
    let mut connection = connect(address, "example.com", &authority.client().build().unwrap()).await.unwrap();
    let response = get(&mut connection).await.unwrap();
    head.send(()).unwrap();
    let error = response.into_body().collect().await.unwrap_err();
    assert!(matches!(error, Error::Tls(TlsError::Decrypt)), "{error:?}");
}
