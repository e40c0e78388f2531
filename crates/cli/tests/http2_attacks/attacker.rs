//! A client that sends any frame, as many as it wants, and reads what comes or does not.

use std::collections::HashMap;
use std::io::{ErrorKind, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::Duration;

use wirelace_http2_frames::{ErrorCode, Flags, FrameHeader, FrameType, PREFACE};

use super::inbox::{Came, Content, Inbox};

/// A server that takes nothing for so long has stopped to: it waits until its answers are read.
const HELD: Duration = Duration::from_secs(2);

/// How a flood ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// The server closed the connection, with this reason.
    Closed(Option<ErrorCode>),
    /// The server takes no more, and keeps the connection.
    Held,
    /// The server took everything.
    Taken,
}

/// A connection, ready after the prefaces.
pub(crate) struct Attacker {
    stream: TcpStream,
    /// `None`: nothing is read.
    inbox: Option<Inbox>,
    /// PINGs that were sent to see whether all was taken.
    pings: u64,
    out: Vec<u8>,
    /// Octets of DATA, padding too: of each stream, and of all (0).
    sent: HashMap<u32, i64>,
    /// Bytes that were written.
    pub(crate) written: usize,
}

impl Attacker {
    /// Connects, with these settings, and reads what comes.
    pub(crate) fn connect(address: SocketAddr, settings: &[(u16, u32)]) -> Attacker {
        let mut attacker = Attacker::deaf(address, settings);
        attacker.listen();
        attacker
    }

    /// Connects, and reads nothing.
    pub(crate) fn deaf(address: SocketAddr, settings: &[(u16, u32)]) -> Attacker {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_nodelay(true).unwrap();
        stream.set_write_timeout(Some(HELD)).unwrap();
        let mut attacker =
            Attacker { stream, inbox: None, pings: 0, out: Vec::new(), sent: HashMap::new(), written: 0 };
        attacker.out.extend_from_slice(PREFACE);
        let entry = |(id, value): &(u16, u32)| [&id.to_be_bytes()[..], &value.to_be_bytes()].concat();
        let payload: Vec<u8> = settings.iter().flat_map(entry).collect();
        attacker.frame(FrameType::SETTINGS, Flags::NONE, 0, &payload);
        attacker.frame(FrameType::SETTINGS, Flags::ACK, 0, &[]);
        attacker.write().unwrap();
        attacker
    }

    /// Reads what comes from now on.
    pub(crate) fn listen(&mut self) {
        let inbox = self.inbox.insert(Inbox::default());
        inbox.fill(self.stream.try_clone().unwrap());
    }

    /// What has come, for those who listen.
    fn inbox(&self) -> &Inbox {
        self.inbox.as_ref().expect("somebody who listens")
    }

    /// A frame, to be written with those before and after it.
    pub(crate) fn frame(&mut self, frame_type: FrameType, flags: Flags, stream: u32, payload: &[u8]) {
        let header = FrameHeader { length: payload.len() as u32, frame_type, flags, stream };
        header.write(&mut self.out);
        self.out.extend_from_slice(payload);
    }

    /// A whole request without body.
    pub(crate) fn get(&mut self, stream: u32, path: &str) {
        self.frame(FrameType::HEADERS, Flags(5), stream, &request("GET", path));
    }

    /// A request whose body follows.
    pub(crate) fn post(&mut self, stream: u32, path: &str) {
        self.frame(FrameType::HEADERS, Flags::END_HEADERS, stream, &request("POST", path));
    }

    /// DATA.
    pub(crate) fn data(&mut self, stream: u32, flags: Flags, data: &[u8]) {
        self.frame(FrameType::DATA, flags, stream, data);
        for of in [0, stream] {
            *self.sent.entry(of).or_default() += data.len() as i64;
        }
    }

    /// The same, once there is credit for it; false: the connection ended before.
    pub(crate) fn data_in_window(&mut self, stream: u32, flags: Flags, data: &[u8]) -> bool {
        let _ = self.write();
        let room = |content: &mut Content| self.room(content, stream, data.len()).then_some(());
        if self.inbox().until(room).is_none() {
            return false;
        }
        self.data(stream, flags, data);
        self.write().is_ok()
    }

    /// Whether there is credit for so many octets.
    pub(crate) fn may_send(&self, stream: u32, octets: usize) -> bool {
        self.room(&self.inbox().look(), stream, octets)
    }

    /// Whether the windows of the stream and of the connection have room.
    fn room(&self, content: &Content, stream: u32, octets: usize) -> bool {
        let (mut of_stream, mut of_all) = (65_535, 65_535);
        for frame in &content.frames {
            match frame.header.frame_type {
                FrameType::WINDOW_UPDATE if frame.header.stream == 0 => of_all += i64::from(frame.number(0)),
                FrameType::WINDOW_UPDATE if frame.header.stream == stream => {
                    of_stream += i64::from(frame.number(0));
                }
                FrameType::SETTINGS => {
                    let at = frame.payload.chunks(6).position(|entry| entry[..2] == [0, 4]);
                    of_stream += at.map_or(0, |at| i64::from(frame.number(6 * at + 2)) - 65_535);
                }
                _ => {}
            }
        }
        let sent = |of| self.sent.get(&of).copied().unwrap_or(0);
        (of_stream - sent(stream)).min(of_all - sent(0)) >= octets as i64
    }

    /// The beginning of a frame of `length` octets: only so many of them.
    pub(crate) fn part(&mut self, frame_type: FrameType, stream: u32, length: u32, octets: usize) {
        FrameHeader { length, frame_type, flags: Flags::NONE, stream }.write(&mut self.out);
        self.out.resize(self.out.len() + octets, 0);
    }

    /// WINDOW_UPDATE.
    pub(crate) fn window_update(&mut self, stream: u32, increment: u32) {
        self.frame(FrameType::WINDOW_UPDATE, Flags::NONE, stream, &increment.to_be_bytes());
    }

    /// RST_STREAM.
    pub(crate) fn reset(&mut self, stream: u32) {
        self.frame(FrameType::RST_STREAM, Flags::NONE, stream, &ErrorCode::CANCEL.0.to_be_bytes());
    }

    /// Writes what waits.
    pub(crate) fn write(&mut self) -> std::io::Result<()> {
        let mut rest = &self.out[..];
        while !rest.is_empty() {
            match self.stream.write(rest) {
                Ok(count) => {
                    self.written += count;
                    rest = &rest[count..];
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => {
                    self.out.clear();
                    return Err(error);
                }
            }
        }
        self.out.clear();
        Ok(())
    }

    /// Makes frames, `rounds` times, and writes them, until the server does not take them any more.
    pub(crate) fn flood(&mut self, rounds: usize, mut make: impl FnMut(&mut Attacker, u32)) -> End {
        for round in 0..rounds {
            make(self, round as u32);
            if self.out.len() < 16 * 1024 && round + 1 < rounds {
                continue;
            }
            match self.write() {
                Ok(()) => {}
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                    return End::Held;
                }
                Err(_) => return self.ended(),
            }
        }
        // All was written, which does not mean that all was taken: the answer to a PING does, and so does the end.
        if self.inbox.is_none() { End::Taken } else { self.end_or_pong() }
    }

    fn end_or_pong(&mut self) -> End {
        self.pings += 1;
        let data = (u64::MAX - self.pings).to_be_bytes();
        self.frame(FrameType::PING, Flags::NONE, 0, &data);
        if self.write().is_err() {
            return self.ended();
        }
        let pong = |frame: &Came| {
            frame.header.frame_type == FrameType::PING
                && frame.header.flags.contains(Flags::ACK)
                && frame.payload == data
        };
        match self.wait(pong) {
            Some(_) => End::Taken,
            None => self.ended(),
        }
    }

    /// The end of the connection, and the reason that GOAWAY gave.
    fn ended(&mut self) -> End {
        if self.inbox.is_none() {
            self.listen();
        }
        self.inbox().until(|_| None::<()>);
        End::Closed(self.inbox().goaway())
    }

    /// Whether a request is refused: by RST_STREAM, a status of 4xx, or the end of the connection.
    pub(crate) fn is_refused(&mut self, stream: u32) -> bool {
        let end = self.wait(|frame| {
            let header = frame.header;
            (header.stream == stream
                && matches!(header.frame_type, FrameType::RST_STREAM | FrameType::HEADERS))
                || header.frame_type == FrameType::GOAWAY
        });
        end.is_none_or(|frame| match frame.header.frame_type {
            FrameType::RST_STREAM => frame.payload[..] == ErrorCode::PROTOCOL_ERROR.0.to_be_bytes(),
            // :status 400.
            FrameType::HEADERS => frame.payload.first() == Some(&0x8c),
            _ => frame.number(4) != ErrorCode::NO_ERROR.0,
        })
    }

    /// The first frame that is wanted; `None`: the connection ended without it.
    pub(crate) fn wait(&mut self, wanted: impl Fn(&Came) -> bool) -> Option<Came> {
        let _ = self.write();
        let mut seen = 0;
        self.inbox().until(|content| {
            let found = content.frames[seen..].iter().find(|frame| wanted(frame)).cloned();
            seen = content.frames.len();
            found
        })
    }

    /// Looks at each frame once, until it says that this is all; false: the connection ended before.
    pub(crate) fn until(&mut self, mut all: impl FnMut(&Came) -> bool) -> bool {
        let _ = self.write();
        let mut seen = 0;
        let done = self.inbox().until(|content| {
            let done = content.frames[seen..].iter().any(&mut all);
            seen = content.frames.len();
            done.then_some(())
        });
        done.is_some()
    }

    /// What came is of no interest any more.
    pub(crate) fn forget(&mut self) {
        self.inbox().look().frames.clear();
    }

    /// How many such frames have come.
    pub(crate) fn count(&self, frame_type: FrameType) -> usize {
        self.inbox().look().frames.iter().filter(|frame| frame.header.frame_type == frame_type).count()
    }

    /// The code of the RST_STREAM that came for a stream.
    pub(crate) fn was_reset(&self, stream: u32) -> Option<ErrorCode> {
        let content = self.inbox().look();
        let is_reset =
            |frame: &&Came| frame.header.frame_type == FrameType::RST_STREAM && frame.header.stream == stream;
        content.frames.iter().find(is_reset).map(|frame| ErrorCode(frame.number(0)))
    }

    /// The server answers a PING: it has taken everything before, and the connection goes on.
    pub(crate) fn is_alive(&mut self) -> bool {
        self.end_or_pong() == End::Taken
    }
}

impl Drop for Attacker {
    fn drop(&mut self) {
        let _ = self.stream.shutdown(Shutdown::Both);
    }
}

/// A literal field that stays in no table, or does (`0x40`).
pub(crate) fn field(kind: u8, name: &[u8], value: &[u8]) -> Vec<u8> {
    [&[kind][..], &text(name), &text(value)].concat()
}

/// A string of HPACK, without Huffman code.
pub(crate) fn text(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut rest = text.len();
    if rest < 127 {
        out.push(rest as u8);
    } else {
        out.push(127);
        rest -= 127;
        while rest >= 128 {
            out.push(128 | (rest % 128) as u8);
            rest /= 128;
        }
        out.push(rest as u8);
    }
    out.extend_from_slice(text);
    out
}

/// The block of a request.
pub(crate) fn request(method: &str, path: &str) -> Vec<u8> {
    // :scheme http is indexed, the others are literals.
    let mut block = vec![0x86, 0x02];
    block.extend_from_slice(&text(method.as_bytes()));
    block.push(0x04);
    block.extend_from_slice(&text(path.as_bytes()));
    block.push(0x01);
    block.extend_from_slice(&text(b"localhost"));
    block
}
