//! The endpoints that show what arrived, or how an answer may begin: `/echo`, `/headers`, `/upload`, `/hints`.

use std::fmt::Write;
use std::pin::pin;

use axum::body::Body;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, Uri, Version, header};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use wirelace::semantics::Fields;
use wirelace::server::{ClientIdentity, RawFields, RequestContext};
use wirelace::tls_glue::{CertificateReport, HandshakeReport};

pub(super) async fn echo(request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let mut response = Response::new(body);
    let content_type = parts.headers.get(header::CONTENT_TYPE).cloned();
    let content_type = content_type.unwrap_or(HeaderValue::from_static("application/octet-stream"));
    response.headers_mut().insert(header::CONTENT_TYPE, content_type);
    // A page elsewhere could send anything here: what comes back is what it says it is.
    response.headers_mut().insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

pub(super) async fn upload(body: Body) -> Response {
    let mut body = pin!(body);
    let mut hash = Sha256::new();
    let mut bytes = 0u64;
    while let Some(frame) = body.frame().await {
        match frame {
            Ok(frame) => {
                if let Some(data) = frame.data_ref() {
                    bytes += data.len() as u64;
                    hash.update(data);
                }
            }
            Err(error) => return (StatusCode::BAD_REQUEST, format!("body: {error}\n")).into_response(),
        }
    }
    let mut sha256 = String::with_capacity(64);
    for byte in hash.finalize() {
        // Writing to a String cannot fail.
        let _ = write!(sha256, "{byte:02x}");
    }
    json_response(format!("{{\"bytes\": {bytes}, \"sha256\": \"{sha256}\"}}\n"))
}

pub(super) async fn headers(request: Request) -> Response {
    let extensions = request.extensions();
    let mut lines = String::new();
    let mut line = |name: &[u8], value: &[u8]| {
        let comma = if lines.is_empty() { "" } else { "," };
        // Writing to a String cannot fail.
        let _ = write!(lines, "{comma}\n    [{}, {}]", json_text(name), json_text(value));
    };
    match extensions.get::<RawFields>() {
        Some(RawFields(fields)) => fields.iter().for_each(|field| line(field.name, field.value)),
        // On no connection of ours: what the map has kept.
        None => request
            .headers()
            .iter()
            .for_each(|(name, value)| line(name.as_str().as_bytes(), value.as_bytes())),
    }
    let context = extensions.get::<RequestContext>();
    let remote = context.map(|context| context.peer().to_string());
    let client = extensions.get::<ClientIdentity>();
    let tls = context.and_then(RequestContext::tls).map(|report| tls(report, client));
    json_response(format!(
        "{{\n  \"method\": {},\n  \"target\": {},\n  \"version\": {},\n  \"headers\": [{lines}\n  ],\n  \
         \"remote\": {},\n  \"tls\": {},\n  \"early_data\": {}\n}}\n",
        json_text(request.method().as_str().as_bytes()),
        json_text(target(request.version(), request.uri()).as_bytes()),
        json_text(version(request.version()).as_bytes()),
        Value::from(remote),
        Value::from(tls),
        context.is_some_and(RequestContext::early_data),
    ))
}

/// The target as it came: HTTP/2 has scheme and authority apart.
pub(super) fn target(version: Version, uri: &Uri) -> String {
    match uri.path_and_query() {
        Some(path) if version == Version::HTTP_2 => path.to_string(),
        _ => uri.to_string(),
    }
}

/// As the RFCs write it.
fn version(version: Version) -> String {
    match version {
        Version::HTTP_2 => "HTTP/2".to_owned(),
        other => format!("{other:?}"),
    }
}

/// What the connection agreed on, and the subject of the certificate by which the client is known.
fn tls(report: &HandshakeReport, client: Option<&ClientIdentity>) -> Value {
    let subject = |client: &ClientIdentity| {
        let report = CertificateReport::new(client.certificate(), 0);
        // It was good enough to be verified.
        report.map(|report| report.subject).unwrap_or_default()
    };
    json!({
        "version": report.version.to_string(),
        "cipher": report.cipher_suite,
        "alpn": report.alpn.as_deref().map(json_text),
        "server_name": report.server_name,
        "resumed": report.resumed,
        "client": client.map(subject),
    })
}

fn json_text(bytes: &[u8]) -> Value {
    String::from_utf8_lossy(bytes).into()
}

pub(super) async fn hints(request: Request) -> Response {
    const LINK: &str = "</hello>; rel=preload; as=fetch";
    if let Some(context) = request.extensions().get::<RequestContext>() {
        let mut fields = Fields::new();
        if fields.push("link", LINK).is_ok() {
            context.interim().early_hints(fields);
        }
    }
    ([(header::LINK, LINK)], "after the hints\n").into_response()
}

fn json_response(text: String) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], text).into_response()
}
