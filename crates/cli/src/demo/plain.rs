//! The endpoints that say no more than their names: `/hello`, `/delay`, `/status`, `/redirect`, `/cache`, `/early`.

use std::sync::LazyLock;
use std::time::{Duration, SystemTime};

use axum::Extension;
use axum::extract::{Path, Request};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::{HeaderValue, StatusCode, header};
use wirelace::server::RequestContext;

use super::pattern;
use crate::partial::{Piece, Plan, Representation};

/// Since when the cacheable pages are as they are.
static STARTED: LazyLock<SystemTime> = LazyLock::new(SystemTime::now);

pub(super) async fn hello() -> &'static str {
    "hello, world\n"
}

pub(super) async fn early(context: Option<Extension<RequestContext>>) -> Response {
    if context.is_some_and(|Extension(context)| context.early_data()) {
        return (StatusCode::TOO_EARLY, "early data\n").into_response();
    }
    "not early data\n".into_response()
}

pub(super) async fn delay(Path(milliseconds): Path<String>) -> Response {
    let Ok(milliseconds) = milliseconds.parse::<u32>() else {
        return (StatusCode::BAD_REQUEST, "MS is a number of milliseconds\n").into_response();
    };
    tokio::time::sleep(Duration::from_millis(milliseconds.into())).await;
    format!("{milliseconds} ms later\n").into_response()
}

pub(super) async fn status(Path(code): Path<String>) -> Response {
    // 1xx are no final responses; the RFC knows no class from 6xx on (RFC 9110 §15).
    let Some(status) = code
        .parse::<u16>()
        .ok()
        .filter(|code| (200..600).contains(code))
        .and_then(|code| StatusCode::from_u16(code).ok())
    else {
        return (StatusCode::BAD_REQUEST, "CODE is a status from 200 to 599\n").into_response();
    };
    let bodyless =
        matches!(status, StatusCode::NO_CONTENT | StatusCode::RESET_CONTENT | StatusCode::NOT_MODIFIED);
    let mut response = if bodyless {
        status.into_response()
    } else {
        let reason = status.canonical_reason().unwrap_or("a status without a name");
        (status, format!("{} {reason}\n", status.as_u16())).into_response()
    };
    // Fields that these statuses must have (RFC 9110 §15.5). The scheme is one for which no browser asks.
    let (name, value) = match status {
        StatusCode::UNAUTHORIZED => (header::WWW_AUTHENTICATE, "Demo realm=\"wirelace\""),
        StatusCode::PROXY_AUTHENTICATION_REQUIRED => (header::PROXY_AUTHENTICATE, "Demo realm=\"wirelace\""),
        StatusCode::METHOD_NOT_ALLOWED => (header::ALLOW, "GET, HEAD"),
        _ => return response,
    };
    response.headers_mut().insert(name, HeaderValue::from_static(value));
    response
}

pub(super) async fn redirect(Path(count): Path<String>) -> Response {
    match count.parse::<u32>() {
        Ok(0) => "the end of the redirects\n".into_response(),
        Ok(count) => {
            let location = format!("/redirect/{}", count - 1);
            (StatusCode::FOUND, [(header::LOCATION, location)], "further\n").into_response()
        }
        Err(_) => (StatusCode::BAD_REQUEST, "N is a number of redirects\n").into_response(),
    }
}

pub(super) async fn cache(Path(seconds): Path<String>, request: Request) -> Response {
    let Ok(seconds) = seconds.parse::<u32>() else {
        return (StatusCode::BAD_REQUEST, "SECONDS is a number\n").into_response();
    };
    let text = Bytes::from(format!("fresh for {seconds} s\n"));
    let representation = Representation {
        length: text.len() as u64,
        content_type: "text/plain; charset=utf-8".to_owned(),
        etag: Some(format!("cache-{seconds}")),
        last_modified: Some(*STARTED),
    };
    let mut plan = Plan::of(&request, &representation);
    plan.fields.push((header::CACHE_CONTROL, format!("max-age={seconds}")));
    for piece in &mut plan.body {
        if let Piece::Span(range) = piece {
            *piece = Piece::Literal(text.slice(range.first() as usize..=range.last() as usize));
        }
    }
    pattern::response(plan)
}
