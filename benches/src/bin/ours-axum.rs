//! Our server under the axum router that runs on hyper in `benches/peers`, as there without a request extension.

use axum::Router;
use axum::routing::get;
use http::header::CONTENT_TYPE as CONTENT_TYPE_NAME;
use wirelace_benches::{BODY, CONTENT_TYPE};
use wirelace_server::Server;

async fn hello() -> ([(http::HeaderName, &'static str); 1], &'static str) {
    ([(CONTENT_TYPE_NAME, CONTENT_TYPE)], BODY)
}

fn main() -> std::io::Result<()> {
    wirelace_benches::run(Server::builder_tower(Router::new().route("/", get(hello))).request_context(false))
}
