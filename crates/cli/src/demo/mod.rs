//! `wirelace demo`: the test endpoints and the live page, as an axum `Router`.

mod inspect;
mod metrics;
mod pattern;
mod plain;
mod push;
mod stream;
mod tiles;

use std::sync::Arc;

use axum::Router;
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{any, get, post};
use clap::Args;
use http::{Method, StatusCode, Uri, header};
use wirelace::server::Server;

use crate::failure::Failure;
use crate::listen::ListenArgs;
use crate::voice::Voice;
use metrics::{Counted, Metrics};

/// Options of the demo.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct DemoArgs {
    #[command(flatten)]
    listen: ListenArgs,
}

const EXAMPLES: &str = "\
Endpoints: / /hello /echo /headers /bytes/N /stream/N/MS /upload /delay/MS /status/CODE /redirect/N \
/cache/SECONDS /hints /push /tiles /early /metrics

Examples:
  wirelace demo
  wirelace demo --plain 127.0.0.1:0 --workers 1
  wirelace demo --http 2
  wirelace demo --plain '[::]:8080' --max-body 1000000";

const PAGE: &str = include_str!("page.html");

/// Runs the command.
pub(crate) fn run(args: &DemoArgs, voice: Voice) -> Result<(), Failure> {
    let metrics = Arc::<Metrics>::default();
    let service = Counted { router: router(&metrics), metrics: Arc::clone(&metrics), voice };
    let builder = Server::builder_tower(service).raw_fields(true);
    args.listen.serve(builder, voice, |tracker| {
        // Set once: there is one listener.
        let _ = metrics.connections.set(tracker);
    })
}

/// All endpoints.
fn router(metrics: &Arc<Metrics>) -> Router {
    let metrics = Arc::clone(metrics);
    let page = PAGE.replace("VERSION", env!("CARGO_PKG_VERSION"));
    let page: bytes::Bytes = page.into();
    let tiles = tiles::page();
    Router::new()
        .route("/", get(async move || Html(page)))
        .route("/hello", get(plain::hello))
        .route("/echo", any(inspect::echo))
        .route("/headers", any(inspect::headers))
        .route("/bytes/{length}", get(pattern::bytes))
        .route("/stream/{count}/{pause}", get(stream::stream))
        .route("/upload", post(inspect::upload).put(inspect::upload))
        .route("/delay/{milliseconds}", get(plain::delay))
        .route("/status/{code}", any(plain::status))
        .route("/redirect/{count}", any(plain::redirect))
        .route("/cache/{seconds}", get(plain::cache))
        .route("/hints", get(inspect::hints))
        .route("/push", get(push::page))
        .route("/push/a.css", get(push::style))
        .route("/push/b.js", get(push::script))
        .route("/tiles", get(async move || Html(tiles)))
        .route("/tiles/{tile}", get(tiles::tile))
        .route("/tiles/large/{length}", get(tiles::large))
        .route("/early", get(plain::early))
        .route("/metrics", get(async move || metrics.response()))
        .fallback(fallback)
}

async fn fallback(method: Method, uri: Uri) -> Response {
    // About the server as a whole (RFC 9110 §9.3.7).
    if method == Method::OPTIONS && uri.path() == "*" {
        let allow = "GET, HEAD, POST, PUT, OPTIONS";
        return (StatusCode::NO_CONTENT, [(header::ALLOW, allow)]).into_response();
    }
    (StatusCode::NOT_FOUND, "not found\n").into_response()
}
