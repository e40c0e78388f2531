//! The bridge to tower services: `http::Request` in, `http::Response` out.

use std::cell::Cell;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{HeaderMap, HeaderValue, StatusCode, Uri, Version};
use http_body::Body;
use pin_project_lite::pin_project;
use tower_service::Service;
use wirelace_http_semantics::target::TargetForm;
use wirelace_http_semantics::{FieldId, Fields, RequestHead, ResponseHead};

use crate::call::Call;
use crate::context::{Protocol, RawFields, RequestContext};
use crate::info::Transport;
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
    /// HTTP/2: of the last request. That of the next is most often the same.
    pub(crate) authority: Option<Authority>,
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
            Poll::Ready(Ok(())) => match to_http(request, self.options, &mut self.authority) {
                Some((request, fields)) => {
                    place.set(Some(TowerFuture::Called { future: self.service.call(request), fields }));
                }
                None => place.set(refused(StatusCode::BAD_REQUEST)),
            },
            // The service that was found ready is the one to call: this one is asked again, apart from others.
            Poll::Pending => match to_http(request, self.options, &mut self.authority) {
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

/// A service that fails may have left anything behind: an HTTP/1 connection ends, too.
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

/// The target as `http` has it. HTTP/1 leaves it as it came; HTTP/2 says by itself where it leads, and so does this.
fn to_uri(head: &mut RequestHead, transport: Transport, last: &mut Option<Authority>) -> Option<Uri> {
    let target = std::mem::take(&mut head.target);
    let host = match head.fields.get(FieldId::HOST) {
        Some(host) if head.version == Version::HTTP_2 && head.form != TargetForm::Authority => host,
        _ => return Uri::from_maybe_shared(target).ok(),
    };
    let authority = match last {
        Some(last) if last.as_str().as_bytes() == host => last.clone(),
        _ => last.insert(Authority::try_from(host).ok()?).clone(),
    };
    let mut parts = http::uri::Parts::default();
    parts.scheme = Some(if transport.is_secure() { Scheme::HTTPS } else { Scheme::HTTP });
    parts.authority = Some(authority);
    parts.path_and_query = Some(PathAndQuery::from_maybe_shared(target).ok()?);
    Uri::from_parts(parts).ok()
}

/// The request, and the memory of its fields; `None` where the `http` crate refuses the target.
#[inline]
fn to_http(
    request: Request,
    options: BridgeOptions,
    authority: &mut Option<Authority>,
) -> Option<(http::Request<RequestBody>, Fields)> {
    let Request { mut head, body, tunnel, link, stream, mut known } = request;
    known.early |= head.fields.contains(FieldId::EARLY_DATA);
    // What such a target names replaces what the peer put into Host (RFC 9112 §3.2.2).
    let host = match head.form {
        TargetForm::Absolute => head.authority().and_then(|host| HeaderValue::from_bytes(host).ok()),
        _ => None,
    };
    let pushes = known.may_push.then(|| head.authority().map(Bytes::copy_from_slice)).flatten();
    let uri = to_uri(&mut head, link.info.transport, authority)?;
    let RequestHead { method, version, mut fields, protocol, .. } = *head;
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
        let tunnel = tunnel.map(|tunnel| *tunnel);
        extensions.insert(RequestContext::new(link, stream, known, pushes, tunnel));
    }
    if let Some(protocol) = protocol {
        extensions.insert(Protocol(protocol));
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
