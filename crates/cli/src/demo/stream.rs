//! `/stream/N/MS`: N chunks, MS milliseconds apart, then a trailer that counts them.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::Body;
use axum::extract::Path;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use http_body::Frame;
use tokio::time::{Instant, Sleep};

const TRAILER: HeaderName = HeaderName::from_static("x-chunks");

pub(super) async fn stream(Path((count, pause)): Path<(String, String)>) -> Response {
    let (Ok(count), Ok(pause)) = (count.parse::<u64>(), pause.parse::<u32>()) else {
        return (StatusCode::BAD_REQUEST, "N and MS are numbers: how many chunks, how far apart\n")
            .into_response();
    };
    let mut response = Response::new(Body::new(Ticks {
        sent: 0,
        count,
        pause: Duration::from_millis(pause.into()),
        timer: Box::pin(tokio::time::sleep_until(Instant::now())),
        trailer_sent: false,
    }));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::TRAILER, HeaderValue::from_static("x-chunks"));
    response
}

struct Ticks {
    sent: u64,
    count: u64,
    pause: Duration,
    timer: Pin<Box<Sleep>>,
    trailer_sent: bool,
}

impl http_body::Body for Ticks {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if self.sent == self.count {
            if std::mem::replace(&mut self.trailer_sent, true) {
                return Poll::Ready(None);
            }
            let trailers = HeaderMap::from_iter([(TRAILER, HeaderValue::from(self.count))]);
            return Poll::Ready(Some(Ok(Frame::trailers(trailers))));
        }
        ready!(self.timer.as_mut().poll(cx));
        self.sent += 1;
        // From the last due time on, not from now: the pace does not drift.
        let due = self.timer.deadline() + self.pause;
        self.timer.as_mut().reset(due);
        let text = format!("chunk {} of {}\n", self.sent, self.count);
        Poll::Ready(Some(Ok(Frame::data(text.into()))))
    }

    fn is_end_stream(&self) -> bool {
        self.trailer_sent
    }
}
