//! What a service answers.

use std::fmt;
use std::pin::{Pin, pin};

use bytes::Bytes;
use futures_util::{Stream, StreamExt as _};

use super::parts::BodySender;

/// Writes an answer; its error is the text that the caller gets.
pub(super) type Writer = Pin<Box<dyn Future<Output = Result<(), String>> + Send>>;

/// An answer, whole or in parts.
#[derive(Debug)]
pub struct Answer(pub(super) Kind);

pub(super) enum Kind {
    Whole(Bytes),
    Written(Box<dyn FnOnce(BodySender) -> Writer + Send>),
}

impl fmt::Debug for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Kind::Whole(payload) => f.debug_tuple("Whole").field(payload).finish(),
            Kind::Written(_) => f.write_str("Written"),
        }
    }
}

impl Answer {
    /// The parts of a stream, which is asked for the next as the caller takes them. Its error ends the exchange, and
    /// is what the caller is told.
    pub fn stream<S, E>(stream: S) -> Answer
    where
        S: Stream<Item = Result<Bytes, E>> + Send + 'static,
        E: fmt::Display,
    {
        Answer::writer(async move |mut sender: BodySender| {
            let mut stream = pin!(stream);
            while let Some(part) = stream.next().await.transpose().map_err(|error| error.to_string())? {
                sender.send(part).await.map_err(|error| error.to_string())?;
            }
            sender.finish();
            Ok::<_, String>(())
        })
    }

    /// What `write` sends. It runs beside the other handlers of the connection, and is dropped when nobody waits for
    /// the answer any more. Its error ends the exchange, and is what the caller is told.
    pub fn writer<F, Fut, E>(write: F) -> Answer
    where
        F: FnOnce(BodySender) -> Fut + Send + 'static,
        Fut: Future<Output = Result<(), E>> + Send + 'static,
        E: fmt::Display,
    {
        Answer(Kind::Written(Box::new(move |sender| {
            let writing = write(sender);
            Box::pin(async move { writing.await.map_err(|error| error.to_string()) })
        })))
    }
}

impl<B: Into<Bytes>> From<B> for Answer {
    fn from(payload: B) -> Answer {
        Answer(Kind::Whole(payload.into()))
    }
}
