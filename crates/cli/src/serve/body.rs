//! Pieces of a file, read while they are sent.

use std::fs::File;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Frame, SizeHint};
use tokio::task::JoinHandle;

use super::answer::{CHUNK, read};
use crate::partial::Piece;

/// A body of at most one read ahead: the next one starts when the last has been taken.
pub(super) struct FileBody {
    state: State,
    pieces: std::vec::IntoIter<Piece>,
    /// Next byte of the span in work, and how many are left of it.
    at: u64,
    left: u64,
    total_left: u64,
}

enum State {
    Idle(File),
    /// In a thread that may block.
    Reading(JoinHandle<(File, io::Result<Bytes>)>),
    Over,
}

impl FileBody {
    pub(super) fn new(file: File, pieces: Vec<Piece>) -> FileBody {
        let total_left = pieces.iter().map(Piece::len).sum();
        FileBody { state: State::Idle(file), pieces: pieces.into_iter(), at: 0, left: 0, total_left }
    }

    fn give(&mut self, data: Bytes) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        self.total_left -= data.len() as u64;
        Poll::Ready(Some(Ok(Frame::data(data))))
    }
}

impl http_body::Body for FileBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        loop {
            match std::mem::replace(&mut self.state, State::Over) {
                State::Over => return Poll::Ready(None),
                State::Idle(mut file) => {
                    if self.left == 0 {
                        match self.pieces.next() {
                            None => return Poll::Ready(None),
                            Some(Piece::Literal(bytes)) => {
                                self.state = State::Idle(file);
                                return self.give(bytes);
                            }
                            Some(Piece::Span(range)) => (self.at, self.left) = (range.first(), range.len()),
                        }
                    }
                    let count = usize::try_from(self.left).map_or(CHUNK, |left| left.min(CHUNK));
                    let at = self.at;
                    self.at += count as u64;
                    self.left -= count as u64;
                    self.state = State::Reading(tokio::task::spawn_blocking(move || {
                        let data = read(&mut file, at, count);
                        (file, data)
                    }));
                }
                State::Reading(mut task) => {
                    let Poll::Ready(done) = Pin::new(&mut task).poll(cx) else {
                        self.state = State::Reading(task);
                        return Poll::Pending;
                    };
                    let (file, data) = done.map_err(io::Error::other)?;
                    let data = data?;
                    self.state = State::Idle(file);
                    return self.give(data);
                }
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.total_left == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.total_left)
    }
}
