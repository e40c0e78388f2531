//! Server push (RFC 9113 §8.4).

use std::sync::Arc;

use bytes::Bytes;
use http::{Method, Version};
use thiserror::Error;
use wirelace_http_semantics::target::{TargetError, TargetForm};
use wirelace_http_semantics::{FieldError, FieldId, RequestHead, StreamId};

use crate::link::Link;

/// Promises answers that the client is going to need beside the one it asked for, from any task, until that one is
/// complete. Made by [`Request::pusher`](crate::Request::pusher).
///
/// Each promise is a request that the client might have sent: the server's handler or service answers it like one,
/// knowing it by [`Request::is_pushed`](crate::Request::is_pushed). What the client is going to find in the answer must
/// be promised before that is sent, or it asks by itself.
#[derive(Debug, Clone)]
pub struct Pusher {
    link: Arc<Link>,
    stream: StreamId,
    /// Of the request that it belongs to.
    authority: Bytes,
}

/// A promise that cannot be made.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum PushError {
    /// Only what is safe and can be cached may be pushed.
    #[error("only GET and HEAD can be promised (RFC 9113 §8.4)")]
    Method,
    /// The target is no path.
    #[error("the target of a promise is a path: {0}")]
    Target(#[from] TargetError),
    /// The promise is for another host than the request.
    #[error("a promise must be for the authority of its request (RFC 9113 §8.4)")]
    Authority,
    /// The authority is no field value.
    #[error(transparent)]
    Field(#[from] FieldError),
    /// So many wait already that the client had no time to hear of them.
    #[error("too many promises of this connection wait to be sent")]
    Full,
}

impl Pusher {
    pub(crate) fn new(link: Arc<Link>, stream: StreamId, authority: Bytes) -> Pusher {
        Pusher { link, stream, authority }
    }

    /// Promises the answer to GET for this path, which may have a query.
    ///
    /// # Errors
    /// As [`push_request`](Pusher::push_request).
    pub fn push(&self, path: impl Into<Bytes>) -> Result<(), PushError> {
        self.push_request(RequestHead::new(Method::GET, path)?)
    }

    /// Promises the answer to a request; Host need not be there. The promise is dropped without a word where the
    /// client takes no more at the moment, or the response that it belongs to is complete.
    ///
    /// # Errors
    /// The request is not fit to be promised, or too many promises wait.
    pub fn push_request(&self, mut head: RequestHead) -> Result<(), PushError> {
        if !matches!(head.method, Method::GET | Method::HEAD) {
            return Err(PushError::Method);
        }
        if head.form != TargetForm::Origin {
            return Err(PushError::Target(TargetError::Form));
        }
        match head.fields.get(FieldId::HOST) {
            None => head.fields.push(FieldId::HOST, &self.authority)?,
            Some(host) if host.eq_ignore_ascii_case(&self.authority) => {}
            Some(_) => return Err(PushError::Authority),
        }
        head.version = Version::HTTP_2;
        if self.link.push_promise(self.stream, head) { Ok(()) } else { Err(PushError::Full) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::info::ConnectionInfo;
    use crate::link::Notice;
    use crate::secured::Secured;

    #[test]
    fn what_cannot_be_promised_is_refused() {
        let link = Arc::new(Link::new(ConnectionInfo::memory(), Secured::default()));
        let pusher = Pusher::new(Arc::clone(&link), StreamId(1), Bytes::from_static(b"a.example"));
        let request = |method, target: &'static str| RequestHead::new(method, target).unwrap();
        assert_eq!(pusher.push_request(request(Method::POST, "/a")), Err(PushError::Method));
        let absolute = request(Method::GET, "https://a.example/a");
        assert!(matches!(pusher.push_request(absolute), Err(PushError::Target(_))));
        assert!(matches!(pusher.push("no path"), Err(PushError::Target(_))));
        let mut other = request(Method::GET, "/a");
        other.fields.push(FieldId::HOST, "b.example").unwrap();
        assert_eq!(pusher.push_request(other), Err(PushError::Authority));
        assert!(link.take_notices().is_empty());

        pusher.push("/a?b").unwrap();
        let mut same = request(Method::HEAD, "/c");
        same.fields.push(FieldId::HOST, "A.example").unwrap();
        pusher.push_request(same).unwrap();
        let promised: Vec<_> = link.take_notices();
        let [(StreamId(1), Notice::Promise(first)), (_, Notice::Promise(second))] = &promised[..] else {
            panic!("{promised:?}")
        };
        assert_eq!((first.path(), first.query(), first.version), ("/a", Some("b"), Version::HTTP_2));
        assert_eq!(first.authority(), Some(&b"a.example"[..]));
        assert_eq!((&second.method, second.fields.len()), (&Method::HEAD, 1));
    }

    #[test]
    fn a_bounded_number_waits() {
        let link = Arc::new(Link::new(ConnectionInfo::memory(), Secured::default()));
        let pusher = Pusher::new(Arc::clone(&link), StreamId(1), Bytes::from_static(b"a"));
        let made = (0..1000).take_while(|_| pusher.push("/a").is_ok()).count();
        assert!((1..1000).contains(&made), "{made}");
        assert_eq!(pusher.push("/a"), Err(PushError::Full));
        assert_eq!(link.take_notices().len(), made);
        pusher.push("/a").unwrap();
    }
}
