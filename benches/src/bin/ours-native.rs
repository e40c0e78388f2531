//! Our server with a native handler: no `http` types are built.

use bytes::Bytes;
use wirelace_benches::{BODY, CONTENT_TYPE};
use wirelace_server::{Request, Response, Server};

async fn hello(_: Request) -> Response {
    Response::of_type(CONTENT_TYPE, Bytes::from_static(BODY.as_bytes())).expect("the media type is valid")
}

fn main() -> std::io::Result<()> {
    wirelace_benches::run(Server::builder(hello))
}
