//! `/push`: a page that promises what it needs, where the client takes promises (RFC 9113 §8.4).

use axum::extract::Request;
use axum::response::{Html, IntoResponse, Response};
use http::header;
use wirelace::server::RequestContext;

const PAGE: &str = include_str!("push.html");
const STYLE: &str = "#style::after { content: 'arrived'; }\n";
const SCRIPT: &str = "document.getElementById('script').textContent = 'arrived';\n";

/// What the page needs.
const PROMISED: [&str; 2] = ["/push/a.css", "/push/b.js"];

pub(super) async fn page(request: Request) -> Response {
    let pusher = request.extensions().get::<RequestContext>().and_then(RequestContext::pusher);
    let promised = pusher.map_or(0, |pusher| {
        // Who takes no more of them asks by itself.
        PROMISED.into_iter().filter(|path| pusher.push(*path).is_ok()).count()
    });
    let page = PAGE.replace("PROMISED", &promised.to_string());
    ([(header::CACHE_CONTROL, "no-store")], Html(page)).into_response()
}

pub(super) async fn style(request: Request) -> Response {
    resource(&request, "text/css; charset=utf-8", STYLE)
}

pub(super) async fn script(request: Request) -> Response {
    resource(&request, "text/javascript; charset=utf-8", SCRIPT)
}

fn resource(request: &Request, content_type: &'static str, text: &'static str) -> Response {
    let pushed = request.extensions().get::<RequestContext>().is_some_and(RequestContext::is_pushed);
    let fields = [
        (header::CONTENT_TYPE.as_str(), content_type),
        // What must not be stored is of no use when it comes unasked.
        (header::CACHE_CONTROL.as_str(), "max-age=60"),
        ("x-pushed", if pushed { "yes" } else { "no" }),
    ];
    (fields, text).into_response()
}
