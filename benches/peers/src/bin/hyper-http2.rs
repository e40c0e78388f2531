//! hyper's HTTP/2 server as it comes, in the clear by prior knowledge: `hyper-http2 ADDR`.
//!
//! No timer is set, which is hyper's default and its fastest form; nothing then has a deadline.

use bytes::Bytes;
use http::header::{CONTENT_TYPE as CONTENT_TYPE_NAME, HeaderValue};
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http2::Builder;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use std::convert::Infallible;
use std::sync::LazyLock;
use wirelace_peers::{BODY, CONTENT_TYPE, LARGE, accept, block_on};

static BULK: LazyLock<Bytes> = LazyLock::new(|| vec![b'x'; LARGE].into());

async fn hello(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let large = request.uri().path() == "/bulk";
    let body = if large { BULK.clone() } else { Bytes::from_static(BODY.as_bytes()) };
    let mut response = Response::new(Full::new(body));
    response.headers_mut().insert(CONTENT_TYPE_NAME, HeaderValue::from_static(CONTENT_TYPE));
    Ok(response)
}

fn main() -> std::io::Result<()> {
    block_on(accept(|stream| {
        let connection =
            Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), service_fn(hello));
        // A connection that ends badly is the client's affair.
        tokio::spawn(async move { drop(connection.await) });
    }))
}
