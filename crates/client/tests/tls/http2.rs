//! HTTP/2 within TLS.

use std::net::SocketAddr;
use std::task::Context;
use std::time::Instant;

use http::{Request, StatusCode, Version};
use http_body_util::{BodyExt, Empty};
use wirelace_client::{Connection, Error, HttpVersion, Options};
use wirelace_http_semantics::{Event, Head, HttpMachine, ResponseHead};
use wirelace_http2::{Connection as Machine, Limits};
use wirelace_runtime::{Application, DriverOptions, Outcome, Step};
use wirelace_tls_glue::ServerTls;

use crate::world::{Authority, body, connect, listen};

/// Answers with the method.
struct Answers;

impl Application<Machine> for Answers {
    fn on_event(&mut self, _: &mut Context<'_>, machine: &mut Machine, event: Event, _: Instant) {
        if let Event::Head { stream, head: Head::Request(head), .. } = event {
            let method = head.method.as_str().to_owned().into();
            machine.send_message(stream, ResponseHead::new(StatusCode::OK), method).unwrap();
        }
    }
    fn poll(&mut self, _: &mut Context<'_>, _: &mut Machine, _: Instant) -> Step {
        Step::Wait
    }
    fn shut_down(&mut self, machine: &mut Machine, _: Instant) {
        machine.shut_down();
    }
    fn on_close(&mut self, _: Outcome<wirelace_http2::Error>) {}
}

async fn serve(tls: ServerTls) -> SocketAddr {
    listen("127.0.0.1", move |stream| {
        let tls = tls.clone();
        async move {
            let Ok(stream) = wirelace_runtime::tls::accept(stream, &tls).await else { return };
            let machine = Machine::server(Limits::default(), true, Instant::now());
            let driver = DriverOptions::default();
            wirelace_runtime::Connection::new(stream, machine, Answers, driver, None).await;
        }
    })
    .await
}

#[tokio::test]
async fn the_server_chooses_it() {
    let authority = Authority::new();
    let server = authority.server(&["example.com"]).alpn(["h2", "http/1.1"]).build().unwrap();
    let address = serve(server).await;
    let client = authority.client().alpn(["h2", "http/1.1"]).build().unwrap();
    for version in [HttpVersion::Best, HttpVersion::Http2] {
        let options = Options::default().version(version);
        let mut connection = Connection::connect_tls(address, "example.com", &client, options).await.unwrap();
        assert_eq!(connection.version(), Version::HTTP_2);
        assert_eq!(connection.handshake().unwrap().alpn.as_deref(), Some(&b"h2"[..]));
        assert_eq!(body(&mut connection).await.unwrap(), "GET");
        let handle = connection.handle().unwrap();
        assert_eq!(handle.handshake(), connection.handshake());
        drop(connection);
        let request = Request::put("https://example.com/").body(Empty::<bytes::Bytes>::new()).unwrap();
        let response = handle.send(request).await.unwrap();
        assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), "PUT");
    }
    let options = Options::default().version(HttpVersion::Http1);
    let error = Connection::connect_tls(address, "example.com", &client, options).await.unwrap_err();
    assert!(matches!(error, Error::Alpn(chosen) if chosen == "h2"));
}

#[tokio::test]
async fn a_safe_request_goes_out_with_the_handshake() {
    let authority = Authority::new();
    let server = authority.server(&["example.com"]).alpn(["h2"]).early_data(16_384).build().unwrap();
    let address = serve(server).await;
    let client = authority.client().alpn(["h2", "http/1.1"]).early_data(true).build().unwrap();
    let mut first = connect(address, "example.com", &client).await.unwrap();
    body(&mut first).await.unwrap();

    let mut connection = connect(address, "example.com", &client).await.unwrap();
    assert!(connection.is_early() && connection.version() == Version::HTTP_2);
    assert_eq!(body(&mut connection).await.unwrap(), "GET");
    let with_request = connection.handshake().unwrap().early_data;
    // The tickets come after the handshake.
    assert_eq!(body(&mut connection).await.unwrap(), "GET");

    let connection = connect(address, "example.com", &client).await.unwrap();
    let handle = connection.handle().unwrap();
    assert!(handle.is_early());
    let request = Request::delete("https://example.com/").body(Empty::<bytes::Bytes>::new()).unwrap();
    let response = handle.send(request).await.unwrap();
    assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), "DELETE");
    let report = handle.handshake().unwrap();
    // What begins every connection may go out early.
    assert!(report.resumed && report.early_data < with_request && !report.early_data_refused);
}
