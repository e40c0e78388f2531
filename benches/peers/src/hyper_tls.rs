//! hyper over tokio-rustls, as tokio-rustls's own example server has it: one acceptor, a task for each connection.

use crate::{BODY, BULK, CONTENT_TYPE, accept, block_on};
use bytes::Bytes;
use http::header::{CONTENT_TYPE as CONTENT_TYPE_NAME, HeaderValue};
use http::{Method, Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1::Builder;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use std::io;
use std::path::Path;
use std::sync::{Arc, LazyLock};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _};
use tokio_rustls::rustls::version::TLS13;

static LARGE: LazyLock<Bytes> = LazyLock::new(|| vec![b'x'; BULK].into());

/// Serves in the clear without `certificate`, a chain and a key in PEM. `tickets`: sessions are kept by clients,
/// which is not rustls's default.
pub fn run(certificate: Option<(&Path, &Path)>, tickets: bool) -> io::Result<()> {
    let acceptor = match certificate {
        Some((chain, key)) => Some(TlsAcceptor::from(Arc::new(config(chain, key, tickets)?))),
        None => None,
    };
    block_on(accept(move |stream| {
        match acceptor.clone() {
            None => drop(tokio::spawn(serve(stream))),
            Some(acceptor) => drop(tokio::spawn(async move {
                // A client that fails is its own affair.
                if let Ok(stream) = acceptor.accept(stream).await {
                    serve(stream).await;
                }
            })),
        };
    }))
}

fn config(chain: &Path, key: &Path, tickets: bool) -> io::Result<ServerConfig> {
    let chain = CertificateDer::pem_file_iter(chain).map_err(io::Error::other)?;
    let chain: Vec<_> = chain.collect::<Result<_, _>>().map_err(io::Error::other)?;
    let key = PrivateKeyDer::from_pem_file(key).map_err(io::Error::other)?;
    let builder = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let builder = builder.with_protocol_versions(&[&TLS13]).map_err(io::Error::other)?;
    let mut config = builder.with_no_client_auth().with_single_cert(chain, key).map_err(io::Error::other)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    if tickets {
        config.ticketer = ring::Ticketer::new().map_err(io::Error::other)?;
    }
    Ok(config)
}

async fn serve(stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) {
    // A connection that ends badly is the client's affair.
    let _ = Builder::new().serve_connection(TokioIo::new(stream), service_fn(answer)).await;
}

async fn answer(mut request: Request<Incoming>) -> Result<Response<Full<Bytes>>, hyper::Error> {
    if request.method() == Method::POST {
        while let Some(frame) = request.body_mut().frame().await {
            frame?;
        }
    }
    let large = request.uri().path() == "/bulk";
    let body = if large { LARGE.clone() } else { Bytes::from_static(BODY.as_bytes()) };
    let mut response = Response::new(Full::new(body));
    response.headers_mut().insert(CONTENT_TYPE_NAME, HeaderValue::from_static(CONTENT_TYPE));
    Ok(response)
}
