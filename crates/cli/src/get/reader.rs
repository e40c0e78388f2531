//! Bodies of requests that are read while they are sent.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Frame, SizeHint};
use tokio::task::JoinHandle;

/// Read at once.
const CHUNK: usize = 64 * 1024;

/// A body that reads in a thread that may block.
pub(super) struct Reader {
    state: State,
    /// What is left, where it is known. A file that grows meanwhile is cut there.
    left: Option<u64>,
}

type Source = Box<dyn Read + Send>;

enum State {
    Idle(Source),
    Reading(JoinHandle<(Source, io::Result<Vec<u8>>)>),
    Over,
}

/// The file's content as it is now.
///
/// # Errors
/// It cannot be opened, or is a directory.
pub(super) fn file(path: &Path) -> io::Result<Reader> {
    let file = File::open(path)?;
    let metadata = file.metadata()?;
    if metadata.is_dir() {
        return Err(io::ErrorKind::IsADirectory.into());
    }
    // Pipes and devices have a length of 0 that means nothing.
    let left = metadata.is_file().then_some(metadata.len());
    Ok(Reader { state: State::Idle(Box::new(file)), left })
}

pub(super) fn stdin() -> Reader {
    Reader { state: State::Idle(Box::new(io::stdin())), left: None }
}

impl http_body::Body for Reader {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        loop {
            match std::mem::replace(&mut self.state, State::Over) {
                State::Over => return Poll::Ready(None),
                State::Idle(mut source) => {
                    let want = self
                        .left
                        .map_or(CHUNK, |left| usize::try_from(left).map_or(CHUNK, |left| left.min(CHUNK)));
                    if want == 0 {
                        return Poll::Ready(None);
                    }
                    self.state = State::Reading(tokio::task::spawn_blocking(move || {
                        let mut data = vec![0; want];
                        // What is there goes out: whoever types wants to see it sent.
                        let read = source.read(&mut data).map(|read| {
                            data.truncate(read);
                            data
                        });
                        (source, read)
                    }));
                }
                State::Reading(mut task) => {
                    let Poll::Ready(done) = Pin::new(&mut task).poll(cx) else {
                        self.state = State::Reading(task);
                        return Poll::Pending;
                    };
                    let (source, data) = done.map_err(io::Error::other)?;
                    let data = data?;
                    if data.is_empty() {
                        let short = self.left.is_some_and(|left| left > 0);
                        let error =
                            || io::Error::new(io::ErrorKind::UnexpectedEof, "the file became shorter");
                        return Poll::Ready(short.then(|| Err(error())));
                    }
                    self.left = self.left.map(|left| left.saturating_sub(data.len() as u64));
                    self.state = State::Idle(source);
                    return Poll::Ready(Some(Ok(Frame::data(data.into()))));
                }
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.left == Some(0) || matches!(self.state, State::Over)
    }

    fn size_hint(&self) -> SizeHint {
        self.left.map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}
