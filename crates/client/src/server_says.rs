//! What a server says without having been asked: promises, and notices about itself.

use std::sync::Arc;

use bytes::Bytes;
use http::Method;
use tokio::sync::mpsc;
use wirelace_http_semantics::{Reason, RequestHead};

use crate::convert::same_authority;
use crate::link::Link;
use crate::notice::Notice;
use crate::push::Push;
use crate::response::ResponseFuture;
use crate::shared::{Shared, Ticket};

/// Where it goes.
#[derive(Default)]
pub(crate) struct ServerSays {
    secure: bool,
    /// Whom the first request was for; most others are, too.
    authority: Option<Box<[u8]>>,
    /// `None`: pushes are not taken.
    pushes: Option<mpsc::Sender<Push>>,
    notices: Option<mpsc::Sender<Notice>>,
}

impl ServerSays {
    pub(crate) fn new(
        secure: bool,
        pushes: Option<mpsc::Sender<Push>>,
        notices: mpsc::Sender<Notice>,
    ) -> ServerSays {
        ServerSays { secure, authority: None, pushes, notices: Some(notices) }
    }

    /// Whom a request is for, where it is another than the first.
    pub(crate) fn note_authority(&mut self, authority: &[u8]) -> Option<Box<[u8]>> {
        match &self.authority {
            None => {
                self.authority = Some(authority.into());
                None
            }
            Some(first) => (**first != *authority).then(|| authority.into()),
        }
    }

    fn authority_of<'a>(&'a self, other: Option<&'a [u8]>) -> &'a [u8] {
        other.or(self.authority.as_deref()).unwrap_or_default()
    }

    /// A promise; `other`: whom the request that it came with was for, if not the first one's. Gives the reason to
    /// refuse it.
    pub(crate) fn promise(
        &self,
        link: &Arc<Link>,
        other: Option<&[u8]>,
        head: Box<RequestHead>,
    ) -> Result<Ticket, Reason> {
        let Some(pushes) = &self.pushes else { return Err(Reason::Refused) };
        // The server has shown itself for that name alone (RFC 9113 §8.4.1).
        let fit = matches!(head.method, Method::GET | Method::HEAD);
        if !fit || !same_authority(&head.fields, self.authority_of(other)) {
            return Err(Reason::Protocol);
        }
        let shared = Shared::new(link);
        let ticket = Ticket::new(&shared);
        let push = Push::new(head, self.secure, ResponseFuture::new(shared));
        pushes.try_send(push).map(|()| ticket).map_err(|_| Reason::Refused)
    }

    fn say(&self, notice: Notice) {
        if let Some(notices) = &self.notices {
            // Nobody reads them: so be it.
            let _ = notices.try_send(notice);
        }
    }

    /// `of_exchange`: an exchange names the origin, `other` as for promises.
    pub(crate) fn alt_svc(&self, of_exchange: bool, other: Option<&[u8]>, origin: Bytes, value: Bytes) {
        let origin = if of_exchange {
            let scheme: &[u8] = if self.secure { b"https://" } else { b"http://" };
            [scheme, self.authority_of(other)].concat().into()
        } else {
            origin
        };
        self.say(Notice::AltSvc { origin, value });
    }

    pub(crate) fn origin(&self, origins: Vec<Bytes>) {
        self.say(Notice::Origin(origins));
    }

    pub(crate) fn go_away(&self, reason: Reason) {
        self.say(Notice::GoAway(reason));
    }
}
