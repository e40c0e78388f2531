//! What has come from a server.

use std::io::{ErrorKind, Read};
use std::net::TcpStream;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::Duration;

use wirelace_http2_frames::{ErrorCode, FRAME_HEADER_LEN, FrameHeader, FrameType};

/// Nothing here takes so long unless it hangs.
const PATIENCE: Duration = Duration::from_secs(30);

/// A frame that came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Came {
    pub(crate) header: FrameHeader,
    pub(crate) payload: Vec<u8>,
}

impl Came {
    /// A number at the beginning of the payload, or further in it.
    pub(crate) fn number(&self, at: usize) -> u32 {
        u32::from_be_bytes(self.payload[at..at + 4].try_into().unwrap())
    }
}

/// Frames in their order. Clones are the same one.
#[derive(Debug, Clone, Default)]
pub(crate) struct Inbox(Arc<(Mutex<Content>, Condvar)>);

#[derive(Debug, Default)]
pub(crate) struct Content {
    pub(crate) frames: Vec<Came>,
    /// The connection has ended.
    pub(crate) over: bool,
    /// Nothing came for too long, although the connection has not ended.
    hangs: bool,
}

impl Inbox {
    /// Reads a connection to its end, on a thread of its own.
    pub(crate) fn fill(&self, mut stream: TcpStream) {
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let inbox = self.clone();
        std::thread::spawn(move || {
            let hangs = loop {
                match read(&mut stream) {
                    Ok(frame) => inbox.change(|content| content.frames.push(frame)),
                    Err(error) => break matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut),
                }
            };
            inbox.change(|content| (content.over, content.hangs) = (true, hangs));
        });
    }

    fn change(&self, change: impl FnOnce(&mut Content)) {
        change(&mut self.0.0.lock().unwrap());
        self.0.1.notify_all();
    }

    /// Waits until `done` gives something, or the connection is over: then it is asked once more.
    pub(crate) fn until<T>(&self, mut done: impl FnMut(&mut Content) -> Option<T>) -> Option<T> {
        let mut content = self.look();
        loop {
            let over = content.over;
            if let Some(done) = done(&mut content) {
                return Some(done);
            }
            if over {
                assert!(!content.hangs, "the server neither answers nor ends the connection");
                return None;
            }
            content = self.0.1.wait(content).unwrap();
        }
    }

    pub(crate) fn look(&self) -> MutexGuard<'_, Content> {
        self.0.0.lock().unwrap()
    }

    /// The reason of the last GOAWAY.
    pub(crate) fn goaway(&self) -> Option<ErrorCode> {
        let content = self.look();
        let last = content.frames.iter().rev().find(|frame| frame.header.frame_type == FrameType::GOAWAY)?;
        Some(ErrorCode(last.number(4)))
    }
}

fn read(stream: &mut TcpStream) -> std::io::Result<Came> {
    let mut header = [0; FRAME_HEADER_LEN];
    stream.read_exact(&mut header)?;
    let header = FrameHeader::read(&header).unwrap();
    let mut payload = vec![0; header.length as usize];
    stream.read_exact(&mut payload)?;
    Ok(Came { header, payload })
}
