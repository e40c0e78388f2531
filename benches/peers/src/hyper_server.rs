//! hyper around any of its services, over HTTP/1 alone.

use crate::{BODY, CONTENT_TYPE, accept, block_on};
use bytes::Bytes;
use http::header::{CONTENT_TYPE as CONTENT_TYPE_NAME, HeaderValue};
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::{Body, Incoming};
use hyper::server::conn::http1::Builder;
use hyper::service::{HttpService, service_fn};
use hyper_util::rt::TokioIo;
use std::convert::Infallible;
use std::error::Error;
use std::io;

/// hyper's own service, with or without `pipeline_flush`.
///
/// No timer is set, which is hyper's default and its fastest form; slow heads then have no deadline.
pub fn run_plain(pipeline_flush: bool) -> io::Result<()> {
    run(service_fn(hello), pipeline_flush)
}

/// An axum router over hyper.
pub fn run_axum(pipeline_flush: bool) -> io::Result<()> {
    async fn hello() -> ([(http::HeaderName, &'static str); 1], &'static str) {
        ([(CONTENT_TYPE_NAME, CONTENT_TYPE)], BODY)
    }
    let router = axum::Router::new().route("/", axum::routing::get(hello));
    run(hyper_util::service::TowerToHyperService::new(router), pipeline_flush)
}

async fn hello(_: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let mut response = Response::new(Full::new(Bytes::from_static(BODY.as_bytes())));
    response.headers_mut().insert(CONTENT_TYPE_NAME, HeaderValue::from_static(CONTENT_TYPE));
    Ok(response)
}

fn run<S>(service: S, pipeline_flush: bool) -> io::Result<()>
where
    S: HttpService<Incoming> + Clone + Send + 'static,
    S::Future: Send,
    S::ResBody: Send + 'static,
    <S::ResBody as Body>::Data: Send,
    <S::ResBody as Body>::Error: Into<Box<dyn Error + Send + Sync>>,
{
    block_on(async {
        let mut builder = Builder::new();
        builder.pipeline_flush(pipeline_flush);
        accept(|stream| {
            let connection = builder.serve_connection(TokioIo::new(stream), service.clone());
            // A connection that ends badly is the client's affair.
            tokio::spawn(async move { drop(connection.await) });
        })
        .await
    })
}
