//! Our server with a tower service on `http::Request`, as hyper's is: without the request extension (peer address,
//! interim responses, tunnels) that hyper has no counterpart of.

use std::convert::Infallible;

use bytes::Bytes;
use http::header::{CONTENT_TYPE as CONTENT_TYPE_NAME, HeaderValue};
use http::{Request, Response};
use http_body_util::Full;
use wirelace_benches::{BODY, CONTENT_TYPE};
use wirelace_server::{RequestBody, Server};

async fn hello(_: Request<RequestBody>) -> Result<Response<Full<Bytes>>, Infallible> {
    let mut response = Response::new(Full::new(Bytes::from_static(BODY.as_bytes())));
    response.headers_mut().insert(CONTENT_TYPE_NAME, HeaderValue::from_static(CONTENT_TYPE));
    Ok(response)
}

fn main() -> std::io::Result<()> {
    wirelace_benches::run(Server::builder_tower(tower::service_fn(hello)).request_context(false))
}
