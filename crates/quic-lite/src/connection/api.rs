//! What the application does with a connection.

use std::net::SocketAddr;

use bytes::Bytes;
use wirelace_tls_glue::HandshakeReport;
use wirelace_tls_glue::quic::{Side, Version};

use super::{Connection, Datagrams, Stage};
use crate::datagram_error::DatagramError;
use crate::error::TransportError;
use crate::event::Event;
use crate::stats::Stats;
use crate::stream_id::{Direction, StreamId};
use crate::streams::{Chunk, ReadError, StreamEvent, WriteError};

impl Connection {
    /// The next that happened.
    pub fn poll_event(&mut self) -> Option<Event> {
        if let Some(event) = self.events.pop_front() {
            if let Event::Datagram(data) = &event {
                self.datagrams.incoming_bytes =
                    self.datagrams.incoming_bytes.saturating_sub(Datagrams::cost(data));
            }
            return Some(event);
        }
        if self.stage >= Stage::Closing {
            return None;
        }
        Some(match self.streams.poll_event()? {
            StreamEvent::Opened { id } => Event::Opened { stream: id },
            StreamEvent::Readable { id } => Event::Readable { stream: id },
            StreamEvent::Writable { id } => Event::Writable { stream: id },
            StreamEvent::Stopped { id, code } => Event::Stopped { stream: id, code },
            StreamEvent::Reset { id, code } => Event::Reset { stream: id, code },
            StreamEvent::Finished { id } => Event::Finished { stream: id },
            StreamEvent::Available { direction } => Event::Available { direction },
        })
    }

    /// Opens a stream; `None`: the peer allows no further one of this kind now (RFC 9000 §4.6), and
    /// [`Available`](Event::Available) will say when.
    pub fn open(&mut self, direction: Direction) -> Option<StreamId> {
        if self.stage >= Stage::Closing { None } else { self.streams.open(direction) }
    }

    /// How many streams of this kind can be opened now (RFC 9000 §4.6).
    #[must_use]
    pub fn available(&self, direction: Direction) -> u64 {
        if self.stage >= Stage::Closing { 0 } else { self.streams.available(direction) }
    }

    /// Bytes that [`write`](Connection::write) takes now, as far as flow control and the send buffer let them go.
    #[must_use]
    pub fn capacity(&self, stream: StreamId) -> usize {
        if self.stage >= Stage::Closing { 0 } else { self.streams.capacity(stream) }
    }

    /// Sends data on a stream, all of them where its capacity is not 0; `end`: nothing follows (FIN).
    ///
    /// # Errors
    /// There is no capacity ([`Writable`](Event::Writable) comes when there is), or the stream does not exist, has ended
    /// or was stopped. Nothing was taken.
    pub fn write(&mut self, stream: StreamId, data: Bytes, end: bool) -> Result<(), WriteError> {
        if self.stage >= Stage::Closing {
            return Err(WriteError::Closed);
        }
        self.streams.write(stream, data, end)
    }

    /// The next data of a stream, at most `max` bytes, in order; `None`: there is nothing now.
    /// [`consumed`](Connection::consumed) gives their credit back.
    ///
    /// # Errors
    /// The stream does not exist or was reset.
    pub fn read(&mut self, stream: StreamId, max: usize) -> Result<Option<Chunk>, ReadError> {
        self.streams.read(stream, max)
    }

    /// The application took so many bytes of what it read: the peer may send as many more.
    pub fn consumed(&mut self, stream: StreamId, bytes: usize) {
        self.streams.consumed(stream, bytes);
    }

    /// Ends this side of a stream without the rest (RESET_STREAM, RFC 9000 §3.1).
    pub fn reset(&mut self, stream: StreamId, code: u64) {
        self.streams.reset(stream, code);
    }

    /// Wants no more of a stream (STOP_SENDING, §3.5). Says nothing where all of it has come already.
    pub fn stop(&mut self, stream: StreamId, code: u64) {
        self.streams.stop(stream, code);
    }

    /// How urgent a stream is, 0 (first) to 7, and whether parts of it are of use (RFC 9218 §4).
    pub fn set_priority(&mut self, stream: StreamId, urgency: u8, incremental: bool) {
        self.streams.set_priority(stream, urgency, incremental);
    }

    /// Octets of the largest [`datagram`](Connection::send_datagram) that goes now; `None`: the peer takes none.
    #[must_use]
    pub fn max_datagram(&self) -> Option<usize> {
        let peer = self.peer.as_ref()?.max_datagram_frame_size;
        if peer == 0 {
            return None;
        }
        // Short header, packet number, tag; the frame's type and length.
        let overhead = 1 + self.remote_ids.active().as_slice().len() + 4 + 16 + 3;
        let room = usize::from(self.path.mtu.current()).saturating_sub(overhead);
        Some(room.min(usize::try_from(peer).unwrap_or(usize::MAX).saturating_sub(3)))
    }

    /// Sends a DATAGRAM frame (RFC 9221): once, without order. Where too many wait, the oldest are dropped.
    ///
    /// # Errors
    /// It would not fit into a packet, or the peer takes none.
    pub fn send_datagram(&mut self, data: Bytes) -> Result<(), DatagramError> {
        if self.stage >= Stage::Closing {
            return Err(DatagramError::Closed);
        }
        let limit = self.max_datagram().ok_or(DatagramError::Unsupported)?;
        if data.len() > limit {
            return Err(DatagramError::TooLarge { size: data.len(), limit });
        }
        self.datagrams.outgoing_bytes += data.len();
        self.datagrams.outgoing.push_back(data);
        while self.datagrams.outgoing_bytes > self.limits.datagram_buffer
            && let Some(oldest) = self.datagrams.outgoing.pop_front()
        {
            self.datagrams.outgoing_bytes -= oldest.len();
        }
        Ok(())
    }

    /// Sends a PING: an answer shows that the peer is there.
    pub fn ping(&mut self) {
        let [initial, handshake, data] = &mut self.spaces;
        let space = if self.keys.one_rtt.is_some() {
            data
        } else if self.keys.handshake.is_some() {
            handshake
        } else {
            initial
        };
        space.ping = true;
    }

    /// Replaces the keys (RFC 9001 §6). False where it is too early: the last update is not confirmed.
    pub fn update_keys(&mut self) -> Result<bool, TransportError> {
        if !self.confirmed {
            return Ok(false);
        }
        let Some(keys) = self.keys.one_rtt.as_mut().filter(|keys| keys.may_update()) else {
            return Ok(false);
        };
        keys.update()?;
        Ok(true)
    }

    /// Server: gives the client a token for its next connection (RFC 9000 §8.1.3).
    pub fn send_token(&mut self, token: Bytes) {
        if self.is_server() && !token.is_empty() {
            self.new_token = Some(token);
        }
    }

    /// Which side this is.
    #[must_use]
    pub fn side(&self) -> Side {
        self.side
    }

    /// The version in use.
    #[must_use]
    pub fn version(&self) -> Version {
        self.version
    }

    /// Where the peer is.
    #[must_use]
    pub fn remote(&self) -> SocketAddr {
        self.path.remote
    }

    /// Octets of the datagrams that are sent now, UDP payload: as large as the path is known to carry.
    #[must_use]
    pub fn datagram_size(&self) -> u16 {
        self.path.mtu.current()
    }

    /// The handshake is not complete.
    #[must_use]
    pub fn is_handshaking(&self) -> bool {
        self.stage == Stage::Handshaking
    }

    /// What the handshake agreed on; `None` before it is complete.
    #[must_use]
    pub fn handshake(&self) -> Option<&HandshakeReport> {
        self.tls.report()
    }

    /// Counters.
    #[must_use]
    pub fn stats(&self) -> Stats {
        let mut stats = self.stats;
        self.recovery.add_to(&mut stats);
        let streams = self.streams.stats();
        stats.streams_open = streams.open;
        stats.streams_opened = streams.opened_by_self;
        stats.streams_accepted = streams.opened_by_peer;
        stats.streams_reset = streams.reset_by_peer;
        stats.stream_bytes_sent = streams.bytes_sent;
        stats.stream_bytes_sent_again = streams.bytes_sent_again;
        stats.stream_bytes_received = streams.bytes_received;
        stats.stream_bytes_held = streams.bytes_held;
        stats.stream_pieces_shared = streams.shared_pieces;
        stats.stream_bytes_copied = streams.copied;
        stats.datagram_size = self.path.mtu.current();
        stats.key_updates = self.keys.one_rtt.as_ref().map_or(0, |keys| keys.count);
        stats
    }
}
