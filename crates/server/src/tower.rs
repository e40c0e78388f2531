//! The bridge to tower services: `http::Request` in, `http::Response` out.

use std::cell::Cell;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use http::{HeaderMap, HeaderValue, StatusCode, Uri};
use http_body::Body;
use pin_project_lite::pin_project;
use tower_service::Service;
use wirelace_http_semantics::target::TargetForm;
use wirelace_http_semantics::{FieldId, Fields, RequestHead, ResponseHead};

use crate::call::Call;
use crate::context::{RawFields, RequestContext};
use crate::request::Request;
use crate::request_body::RequestBody;
use crate::response::Response;
use crate::response_body::{BoxError, ResponseBody};
use crate::trace;

/// What the bridge puts into requests.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct BridgeOptions {
    pub(crate) raw_fields: bool,
    pub(crate) context: bool,
}

/// A service as one connection uses it: a clone of its own.
pub(crate) struct TowerCall<S> {
    pub(crate) service: S,
    pub(crate) options: BridgeOptions,
}

impl<S, B> Call for TowerCall<S>
where
    S: Service<http::Request<RequestBody>, Response = http::Response<B>> + Clone + Send + 'static,
    S::Future: Send + 'static,
    S::Error: Into<BoxError>,
    B: Body + Send + 'static,
    B::Error: Into<BoxError>,
{
    type Future = TowerFuture<S, S::Future>;

    #[inline]
    fn call(&mut self, cx: &mut Context<'_>, request: Request, mut place: Pin<&mut Option<Self::Future>>) {
        let refused = |status| Some(TowerFuture::Failed { status });
        match self.service.poll_ready(cx) {
            Poll::Ready(Ok(())) => match to_http(request, self.options) {
                Some((request, fields)) => {
                    place.set(Some(TowerFuture::Called { future: self.service.call(request), fields }));
                }
                None => place.set(refused(StatusCode::BAD_REQUEST)),
            },
            // The service that was found ready is the one to call: this one is asked again, apart from others.
            Poll::Pending => match to_http(request, self.options) {
                Some((request, _)) => {
                    let (service, request) = (self.service.clone(), Some(Box::new(request)));
                    place.set(Some(TowerFuture::Waiting { service, request }));
                }
                None => place.set(refused(StatusCode::BAD_REQUEST)),
            },
            Poll::Ready(Err(error)) => {
                trace::service_failed(error);
                place.set(refused(StatusCode::INTERNAL_SERVER_ERROR));
            }
        }
    }
}

pin_project! {
    /// From the request to the response.
    #[project = TowerProjection]
    #[allow(missing_docs)]
    pub(crate) enum TowerFuture<S, F> {
        Waiting { service: S, request: Option<Box<http::Request<RequestBody>>> },
        // The fields are empty: memory for those of the response.
        Called { #[pin] future: F, fields: Fields },
        Failed { status: StatusCode },
    }
}

impl<S, B> Future for TowerFuture<S, S::Future>
where
    S: Service<http::Request<RequestBody>, Response = http::Response<B>>,
    S::Error: Into<BoxError>,
    B: Body + Send + 'static,
    B::Error: Into<BoxError>,
{
    type Output = Response;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Response> {
        loop {
            let next = match self.as_mut().project() {
                TowerProjection::Waiting { service, request } => match ready!(service.poll_ready(cx)) {
                    Ok(()) => match request.take() {
                        Some(request) => {
                            TowerFuture::Called { future: service.call(*request), fields: Fields::new() }
                        }
                        None => TowerFuture::Failed { status: StatusCode::INTERNAL_SERVER_ERROR },
                    },
                    Err(error) => {
                        trace::service_failed(error);
                        TowerFuture::Failed { status: StatusCode::INTERNAL_SERVER_ERROR }
                    }
                },
                TowerProjection::Called { future, fields } => {
                    return Poll::Ready(match ready!(future.poll(cx)) {
                        Ok(response) => from_http(response, std::mem::take(fields), cx),
                        Err(error) => {
                            trace::service_failed(error);
                            failed(StatusCode::INTERNAL_SERVER_ERROR)
                        }
                    });
                }
                TowerProjection::Failed { status } => return Poll::Ready(failed(*status)),
            };
            self.set(next);
        }
    }
}

/// A service that fails may have left anything behind: the connection ends, too.
fn failed(status: StatusCode) -> Response {
    let mut response = Response::new(status);
    // The value is known to be valid.
    let _ = response.head.fields.push(FieldId::CONNECTION, "close");
    response
}

thread_local! {
    /// The memory of the last response's header map, for the next request's.
    static SPARE_MAP: Cell<Option<HeaderMap>> = const { Cell::new(None) };
}

/// Larger maps are not kept.
const SPARE_MAP_CAPACITY: usize = 64;

/// The request, and the memory of its fields; `None` where the `http` crate refuses the target.
#[inline]
fn to_http(request: Request, options: BridgeOptions) -> Option<(http::Request<RequestBody>, Fields)> {
    let early = request.early_data();
    let Request { head, body, tunnel, link, stream, early: _ } = request;
    // What such a target names replaces what the peer put into Host (RFC 9112 §3.2.2).
    let host = match head.form {
        TargetForm::Absolute => head.authority().and_then(|host| HeaderValue::from_bytes(host).ok()),
        _ => None,
    };
    let RequestHead { method, target, version, mut fields, .. } = *head;
    let uri = Uri::from_maybe_shared(target).ok()?;
    let mut converted = http::Request::new(body);
    *converted.method_mut() = method;
    *converted.uri_mut() = uri;
    *converted.version_mut() = version;
    let mut map = SPARE_MAP.take().unwrap_or_else(|| HeaderMap::with_capacity(fields.len()));
    fields.extend_header_map(&mut map);
    if let Some(host) = host {
        map.insert(http::header::HOST, host);
    }
    *converted.headers_mut() = map;
    let extensions = converted.extensions_mut();
    #[cfg(feature = "axum")]
    extensions.insert(axum::extract::ConnectInfo(link.info.peer));
    #[cfg(feature = "tls")]
    if let Some(client) = link.secured.client() {
        extensions.insert(client);
    }
    if options.context || tunnel.is_some() {
        extensions.insert(RequestContext::new(link, stream, early, tunnel.map(|tunnel| *tunnel)));
    }
    if options.raw_fields {
        extensions.insert(RawFields(Arc::new(std::mem::take(&mut fields))));
    }
    // Lets go of the read buffer, too.
    fields.clear();
    Some((converted, fields))
}

fn from_http<B>(response: http::Response<B>, mut fields: Fields, cx: &mut Context<'_>) -> Response
where
    B: Body + Send + 'static,
    B::Error: Into<BoxError>,
{
    let (parts, body) = response.into_parts();
    let mut map = parts.headers;
    if fields.extend_from_header_map(&map).is_err() {
        return failed(StatusCode::INTERNAL_SERVER_ERROR);
    }
    if map.capacity() <= SPARE_MAP_CAPACITY {
        map.clear();
        SPARE_MAP.set(Some(map));
    }
    let mut head = ResponseHead::new(parts.status);
    head.fields = fields;
    Response { head, body: ResponseBody::begin(body, cx) }
}
