//! What runs on connections: a client asks on a stream for so many octets, and sends some itself; all are checked.

use std::collections::HashMap;

use bytes::{BufMut, Bytes};
use wirelace_quic_lite::{Connection, Direction, ReadError, StreamId, WriteError};

/// Octets of a request in front of what is uploaded: how many octets are wanted.
const HEAD: u64 = 8;

/// What one stream is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Exchange {
    /// Octets that the client sends.
    pub(crate) up: u64,
    /// Octets that the server sends.
    pub(crate) down: u64,
}

impl Exchange {
    pub(crate) const fn down(octets: u64) -> Exchange {
        Exchange { up: 0, down: octets }
    }

    pub(crate) const fn up(octets: u64) -> Exchange {
        Exchange { up: octets, down: 0 }
    }
}

/// The octet of a stream at an offset.
fn octet(stream: StreamId, offset: u64) -> u8 {
    (stream.0.wrapping_mul(31) ^ offset ^ offset >> 8 ^ offset >> 16) as u8
}

#[derive(Debug)]
struct Sending {
    /// What goes in front.
    head: Bytes,
    sent: u64,
    length: u64,
}

#[derive(Debug, Default)]
struct Reading {
    head: Vec<u8>,
    length: u64,
    end: bool,
}

/// The application on one connection.
#[derive(Debug, Default)]
pub(crate) struct App {
    server: bool,
    /// To be opened.
    wanted: Vec<Exchange>,
    /// By stream, what was asked for.
    asked: HashMap<StreamId, Exchange>,
    sending: HashMap<StreamId, Sending>,
    reading: HashMap<StreamId, Reading>,
    /// Exchanges that came to their end.
    pub(crate) complete: usize,
    /// Streams that were reset, by either side.
    pub(crate) broken: usize,
    /// Octets that came, in all.
    pub(crate) received: u64,
    /// Nothing is taken from streams.
    pub(crate) lazy: bool,
}

impl App {
    pub(crate) fn client(wanted: &[Exchange]) -> App {
        App { wanted: wanted.iter().rev().copied().collect(), ..App::default() }
    }

    pub(crate) fn server() -> App {
        App { server: true, ..App::default() }
    }

    /// All was asked for, has come, or was given up.
    pub(crate) fn is_idle(&self) -> bool {
        self.wanted.is_empty() && self.asked.is_empty() && self.sending.is_empty() && self.reading.is_empty()
    }

    /// Streams that are in use.
    pub(crate) fn streams(&self) -> Vec<StreamId> {
        let mut streams: Vec<StreamId> = self.asked.keys().chain(self.reading.keys()).copied().collect();
        streams.sort_unstable_by_key(|stream| stream.0);
        streams.dedup();
        streams
    }

    pub(crate) fn opened(&mut self, stream: StreamId) {
        self.reading.entry(stream).or_default();
    }

    /// Neither side goes on with it.
    pub(crate) fn give_up(&mut self, stream: StreamId) {
        let known = self.asked.remove(&stream).is_some() | self.reading.remove(&stream).is_some();
        self.sending.remove(&stream);
        self.broken += usize::from(known);
    }

    /// The peer sends no more of it: the other direction is of no use without it.
    pub(crate) fn reset(&mut self, stream: StreamId, connection: &mut Connection) {
        if self.reading.remove(&stream).is_none() {
            return;
        }
        self.broken += 1;
        self.asked.remove(&stream);
        if self.sending.remove(&stream).is_some() || self.server {
            connection.reset(stream, 0x77);
        }
    }

    /// Wants no more of it.
    pub(crate) fn stop(&mut self, stream: StreamId, connection: &mut Connection) {
        let known = self.asked.remove(&stream).is_some() | self.reading.remove(&stream).is_some();
        self.broken += usize::from(known);
        if self.server && known {
            // There is no answer to what was not read.
            connection.reset(stream, 0x78);
        }
    }

    /// The peer wants no more of it.
    pub(crate) fn stopped(&mut self, stream: StreamId) {
        if self.sending.remove(&stream).is_some() {
            self.broken += 1;
        }
    }

    pub(crate) fn work(&mut self, connection: &mut Connection, early: bool) {
        if !connection.is_handshaking() || early {
            self.open(connection);
        }
        if !self.lazy {
            self.read(connection);
        }
        self.write(connection);
    }

    fn open(&mut self, connection: &mut Connection) {
        while let Some(exchange) = self.wanted.last().copied() {
            let Some(stream) = connection.open(Direction::Bidirectional) else { return };
            self.wanted.pop();
            let mut head = Vec::new();
            head.put_u64(exchange.down);
            self.sending.insert(stream, Sending { head: head.into(), sent: 0, length: exchange.up });
            self.reading.insert(stream, Reading::default());
            self.asked.insert(stream, exchange);
        }
    }

    fn read(&mut self, connection: &mut Connection) {
        let mut ended = Vec::new();
        for (stream, reading) in &mut self.reading {
            loop {
                let chunk = match connection.read(*stream, usize::MAX) {
                    Ok(Some(chunk)) => chunk,
                    Ok(None) => break,
                    Err(ReadError::Reset(_)) => {
                        ended.push((*stream, true));
                        break;
                    }
                    Err(error) => panic!("{stream}: {error}"),
                };
                let mut data = &chunk.data[..];
                if self.server && reading.head.len() < HEAD as usize {
                    let head;
                    (head, data) = data.split_at(data.len().min(HEAD as usize - reading.head.len()));
                    reading.head.extend_from_slice(head);
                }
                for (offset, got) in (reading.length..).zip(data) {
                    assert_eq!(*got, octet(*stream, offset), "{stream} at {offset}");
                }
                reading.length += data.len() as u64;
                self.received += data.len() as u64;
                connection.consumed(*stream, chunk.data.len());
                if chunk.fin {
                    reading.end = true;
                    ended.push((*stream, false));
                    break;
                }
            }
        }
        for (stream, reset) in ended {
            if reset {
                self.reset(stream, connection);
                continue;
            }
            let Some(reading) = self.reading.remove(&stream) else { continue };
            if self.server {
                let head: [u8; 8] = reading.head[..].try_into().expect("a whole head");
                let length = u64::from_be_bytes(head);
                self.sending.insert(stream, Sending { head: Bytes::new(), sent: 0, length });
            } else {
                let asked = self.asked.remove(&stream).expect("it was asked for");
                assert_eq!(reading.length, asked.down, "{stream}");
            }
            self.complete += 1;
        }
    }

    fn write(&mut self, connection: &mut Connection) {
        let mut order: Vec<StreamId> = self.sending.keys().copied().collect();
        order.sort_unstable_by_key(|stream| stream.0);
        for stream in order {
            let Some(sending) = self.sending.get_mut(&stream) else { continue };
            loop {
                if connection.capacity(stream) == 0 && sending.sent < sending.length {
                    break;
                }
                let some = (sending.length - sending.sent).min(16_384);
                let mut data = sending.head.to_vec();
                data.extend((sending.sent..sending.sent + some).map(|offset| octet(stream, offset)));
                let end = sending.sent + some == sending.length;
                match connection.write(stream, data.into(), end) {
                    Ok(()) => {}
                    Err(WriteError::Blocked) => break,
                    // An event says so as well.
                    Err(WriteError::Stopped(_) | WriteError::Unknown) => {
                        self.sending.remove(&stream);
                        break;
                    }
                    Err(error) => panic!("{stream}: {error}"),
                }
                sending.head = Bytes::new();
                sending.sent += some;
                if end {
                    self.sending.remove(&stream);
                    break;
                }
            }
        }
    }
}
