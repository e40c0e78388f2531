//! Bodies of responses.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Frame, SizeHint};

use crate::control::Control;
use crate::error::Error;
use crate::shared::{Part, Shared};

/// The body of a response, as it arrives. Its memory is bounded by the connection's window: who does not read it
/// stops the server, and with HTTP/2 no other exchange.
///
/// A body that is dropped before its end ends its exchange in HTTP/2; in HTTP/1 it is read to its end where that is
/// cheap, and otherwise costs the connection.
#[derive(Debug)]
pub struct Body {
    /// `None`: it is over, or was so from the start.
    shared: Option<Arc<Shared>>,
    length: Option<u64>,
}

impl Body {
    /// `length`: of the whole, where it is known.
    pub(crate) fn new(shared: Arc<Shared>, length: Option<u64>) -> Body {
        Body { shared: Some(shared), length }
    }

    /// A body that is over from the start.
    pub(crate) fn empty() -> Body {
        Body { shared: None, length: Some(0) }
    }

    /// What can be done to its exchange from elsewhere; `None` when it is over.
    #[must_use]
    pub fn control(&self) -> Option<Control> {
        self.shared.clone().map(Control::new)
    }

    fn over(&mut self) {
        if let Some(shared) = self.shared.take() {
            shared.leave();
        }
    }
}

impl http_body::Body for Body {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let Some(shared) = &self.shared else { return Poll::Ready(None) };
        Poll::Ready(match std::task::ready!(shared.poll_part(cx)) {
            Some(Ok(Part::Data(data))) => {
                self.length = self.length.map(|length| length.saturating_sub(data.len() as u64));
                Some(Ok(Frame::data(data)))
            }
            Some(Ok(Part::Trailers(fields))) => {
                self.over();
                Some(Ok(Frame::trailers(fields.to_header_map())))
            }
            Some(Err(error)) => {
                self.over();
                Some(Err(error))
            }
            None => {
                self.over();
                None
            }
        })
    }

    fn is_end_stream(&self) -> bool {
        self.shared.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        self.length.map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}

impl Drop for Body {
    fn drop(&mut self) {
        self.over();
    }
}
