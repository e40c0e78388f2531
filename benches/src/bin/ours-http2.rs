//! Our server over HTTP/2 in the clear: `ours-http2 ADDR native|tower`.

use std::convert::Infallible;
use std::io;
use std::sync::LazyLock;

use bytes::Bytes;
use http::header::{CONTENT_TYPE as CONTENT_TYPE_NAME, HeaderValue};
use http::{Request, Response};
use http_body_util::Full;
use wirelace_benches::{BODY, CONTENT_TYPE, LARGE, run};
use wirelace_server::{RequestBody, Server};

static BULK: LazyLock<Bytes> = LazyLock::new(|| vec![b'x'; LARGE].into());

fn body(path: &str) -> Bytes {
    if path == "/bulk" { BULK.clone() } else { Bytes::from_static(BODY.as_bytes()) }
}

async fn native(request: wirelace_server::Request) -> wirelace_server::Response {
    let body = body(request.head.path());
    wirelace_server::Response::of_type(CONTENT_TYPE, body).expect("the media type is valid")
}

async fn hello(request: Request<RequestBody>) -> Result<Response<Full<Bytes>>, Infallible> {
    let mut response = Response::new(Full::new(body(request.uri().path())));
    response.headers_mut().insert(CONTENT_TYPE_NAME, HeaderValue::from_static(CONTENT_TYPE));
    Ok(response)
}

fn main() -> io::Result<()> {
    match std::env::args().nth(2).as_deref() {
        Some("tower") => run(Server::builder_tower(tower::service_fn(hello)).request_context(false)),
        _ => run(Server::builder(native)),
    }
}
