//! Our server with TLS: `ours-tls ADDR native|tower [CERTIFICATE KEY]`; in the clear without a certificate.

use std::convert::Infallible;
use std::io;
use std::path::Path;
use std::sync::LazyLock;

use bytes::Bytes;
use http::header::{CONTENT_TYPE as CONTENT_TYPE_NAME, HeaderValue};
use http::{Method, Request, Response};
use http_body_util::{BodyExt as _, Full};
use wirelace_benches::{BODY, BULK, CONTENT_TYPE, run};
use wirelace_server::{Builder, RequestBody, Serve, Server};
use wirelace_tls_glue::{CertificateStore, Identity, ServerTls};

static LARGE: LazyLock<Bytes> = LazyLock::new(|| vec![b'x'; BULK].into());

fn body(path: &str) -> Bytes {
    if path == "/bulk" { LARGE.clone() } else { Bytes::from_static(BODY.as_bytes()) }
}

async fn native(mut request: wirelace_server::Request) -> wirelace_server::Response {
    if request.head.method == Method::POST {
        while let Some(Ok(_)) = request.body.chunk().await {}
    }
    let body = body(request.head.path());
    wirelace_server::Response::of_type(CONTENT_TYPE, body).expect("the media type is valid")
}

async fn hello(mut request: Request<RequestBody>) -> Result<Response<Full<Bytes>>, Infallible> {
    if request.method() == Method::POST {
        while let Some(Ok(_)) = request.body_mut().frame().await {}
    }
    let mut response = Response::new(Full::new(body(request.uri().path())));
    response.headers_mut().insert(CONTENT_TYPE_NAME, HeaderValue::from_static(CONTENT_TYPE));
    Ok(response)
}

/// As it comes: TLS 1.2 and 1.3, tickets, all limits and timeouts on.
fn serve<S: Serve>(builder: Builder<S>, certificate: Option<(&Path, &Path)>) -> io::Result<()> {
    let Some((chain, key)) = certificate else { return run(builder) };
    let identity = Identity::from_pem_files(chain, key).map_err(io::Error::other)?;
    let tls = ServerTls::builder(CertificateStore::new(vec![identity])).alpn(["http/1.1"]).build();
    run(builder.tls(tls.map_err(io::Error::other)?))
}

fn main() -> io::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(2).collect();
    let certificate = match &arguments[..] {
        [_, chain, key] => Some((Path::new(chain), Path::new(key))),
        _ => None,
    };
    match arguments.first().map(String::as_str) {
        Some("tower") => {
            serve(Server::builder_tower(tower::service_fn(hello)).request_context(false), certificate)
        }
        _ => serve(Server::builder(native), certificate),
    }
}
