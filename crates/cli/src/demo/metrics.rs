//! Counters over all requests, and `/metrics`.

use std::convert::Infallible;
use std::fmt::Write;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, ready};

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use axum::routing::future::RouteFuture;
use bytes::Bytes;
use http::{Method, Request, header};
use http_body::{Body as _, Frame, SizeHint};
use pin_project_lite::pin_project;
use tower_service::Service;
use wirelace::server::{RequestBody, RequestContext, Tracker};

use super::inspect::target;
use crate::voice::Voice;

/// Status classes, from 1xx to 5xx.
const CLASSES: usize = 5;

/// The counters.
#[derive(Debug, Default)]
pub(super) struct Metrics {
    requests: [AtomicU64; CLASSES],
    received: AtomicU64,
    sent: AtomicU64,
    /// Set when the server listens.
    pub(super) connections: OnceLock<Tracker>,
}

impl Metrics {
    fn answered(&self, status: http::StatusCode) {
        let class = usize::from(status.as_u16() / 100).clamp(1, CLASSES) - 1;
        if let Some(counter) = self.requests.get(class) {
            counter.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// The counters in the text format of Prometheus.
    pub(super) fn response(&self) -> Response {
        let mut text = String::with_capacity(1024);
        let mut family = |name: &str, kind: &str, help: &str, samples: &[(String, u64)]| {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}");
            for (labels, value) in samples {
                let _ = writeln!(text, "{name}{labels} {value}");
            }
        };
        let one = |value: u64| [(String::new(), value)];
        let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let classes: Vec<_> = (1..)
            .zip(&self.requests)
            .map(|(class, counter)| (format!("{{class=\"{class}xx\"}}"), load(counter)))
            .collect();
        family("wirelace_requests_total", "counter", "Requests answered, by status class.", &classes);
        family(
            "wirelace_received_bytes_total",
            "counter",
            "Bytes of request bodies.",
            &one(load(&self.received)),
        );
        family("wirelace_sent_bytes_total", "counter", "Bytes of response bodies.", &one(load(&self.sent)));
        if let Some(connections) = self.connections.get() {
            let open = connections.open() as u64;
            family("wirelace_connections_open", "gauge", "Connections open now.", &one(open));
            let accepted = connections.accepted();
            family("wirelace_connections_total", "counter", "Connections accepted.", &one(accepted));
        }
        ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text).into_response()
    }
}

/// A router whose requests are counted.
#[derive(Clone)]
pub(super) struct Counted {
    pub(super) router: axum::Router,
    pub(super) metrics: Arc<Metrics>,
    pub(super) voice: Voice,
}

impl Service<Request<RequestBody>> for Counted {
    type Response = Response;
    type Error = Infallible;
    type Future = CountedFuture;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Service::<Request<RequestBody>>::poll_ready(&mut self.router, cx)
    }

    fn call(&mut self, request: Request<RequestBody>) -> CountedFuture {
        let log = self.voice.is_verbose().then(|| {
            let peer = request.extensions().get::<RequestContext>().map(|context| context.peer().to_string());
            let target = target(request.version(), request.uri());
            let line = (peer.unwrap_or_default(), request.method().clone(), target);
            Box::new((self.voice, line))
        });
        let metrics = Arc::clone(&self.metrics);
        let future = if request.body().is_end_stream() {
            self.router.call(request)
        } else {
            let metrics = Arc::clone(&self.metrics);
            self.router.call(request.map(|body| Counting {
                body,
                metrics,
                counter: |metrics| &metrics.received,
            }))
        };
        CountedFuture { future, metrics, log }
    }
}

pin_project! {
    pub(super) struct CountedFuture {
        #[pin]
        future: RouteFuture<Infallible>,
        metrics: Arc<Metrics>,
        log: Option<Box<(Voice, (String, Method, String))>>,
    }
}

impl Future for CountedFuture {
    type Output = Result<Response, Infallible>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let response = match ready!(this.future.poll(cx)) {
            Ok(response) => response,
            Err(never) => match never {},
        };
        this.metrics.answered(response.status());
        if let Some(log) = this.log.take() {
            let (voice, (peer, method, target)) = *log;
            voice.detail(format_args!("{peer} {method} {target} {}", response.status().as_u16()));
        }
        // What is small and known is counted at once; wrapping it would cost more than sending it.
        Poll::Ready(Ok(match response.body().size_hint().exact() {
            Some(small) if small <= 64 * 1024 => {
                this.metrics.sent.fetch_add(small, Ordering::Relaxed);
                response
            }
            _ => {
                let metrics = Arc::clone(this.metrics);
                response.map(|body| Body::new(Counting { body, metrics, counter: |metrics| &metrics.sent }))
            }
        }))
    }
}

pin_project! {
    /// A body whose bytes are counted as they go by.
    struct Counting<B> {
        #[pin]
        body: B,
        metrics: Arc<Metrics>,
        counter: fn(&Metrics) -> &AtomicU64,
    }
}

impl<B: http_body::Body<Data = Bytes>> http_body::Body for Counting<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let this = self.project();
        let frame = ready!(this.body.poll_frame(cx));
        if let Some(Ok(frame)) = &frame
            && let Some(data) = frame.data_ref()
        {
            (this.counter)(this.metrics).fetch_add(data.len() as u64, Ordering::Relaxed);
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
