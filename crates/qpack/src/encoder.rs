//! The encoder (RFC 9204 §2.1): fields and the decoder stream in, sections and the encoder stream out.

use alloc::vec::Vec;

use bytes::{Buf as _, BytesMut};
use wirelace_hpack::table::LARGEST;
use wirelace_wire::prefix_int::PREFIX_INT_MAX;

use crate::error::Error;
use crate::prefix;

mod acknowledgments;
mod counts;
mod entries;
mod sent;
mod state;
mod writer;

use state::State;

pub use writer::FieldWriter;

/// What the peer's decoder takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct PeerLimits {
    table_capacity: u64,
    blocked_streams: u64,
}

/// Encodes the field sections that are sent on a connection.
///
/// Its table is no larger than its own cap, whatever the peer allows; it takes less than four times that of memory,
/// and none before it is used. Sections that the peer has not acknowledged are remembered, up to 4096 of them; those
/// beyond do without the table.
#[derive(Debug)]
pub struct Encoder {
    cap: usize,
    peer: Option<PeerLimits>,
    state: State,
    /// Octets of the peer's decoder stream that were taken.
    taken: u64,
}

impl Encoder {
    /// An encoder whose table has at most `max_capacity` octets, and none until the peer's limits are known.
    #[must_use]
    pub fn new(max_capacity: u64) -> Self {
        Self {
            cap: usize::try_from(max_capacity).unwrap_or(LARGEST).min(LARGEST),
            peer: None,
            state: State::default(),
            taken: 0,
        }
    }

    /// What the peer offers: its SETTINGS_QPACK_MAX_TABLE_CAPACITY and SETTINGS_QPACK_BLOCKED_STREAMS, 0 where it has
    /// none. A client with early data gives those that it remembers first, and then those that arrive (RFC 9204
    /// §3.2.3).
    ///
    /// # Errors
    /// A capacity that differs from one that was given before and is not zero, or fewer streams.
    pub fn set_peer_limits(&mut self, table_capacity: u64, blocked_streams: u64) -> Result<(), Error> {
        if let Some(PeerLimits { table_capacity: capacity, blocked_streams: streams }) = self.peer
            && ((capacity != 0 && capacity != table_capacity) || streams > blocked_streams)
        {
            return Err(Error::SettingsChanged { capacity, blocked_streams: streams });
        }
        self.peer = Some(PeerLimits { table_capacity, blocked_streams });
        self.state.max_entries = prefix::max_entries(table_capacity.min(PREFIX_INT_MAX));
        self.state.blocked_streams = blocked_streams;
        let capacity = usize::try_from(table_capacity).unwrap_or(self.cap).min(self.cap);
        self.state.entries.set_capacity(capacity);
        Ok(())
    }

    /// How many octets our encoder stream can take now, by the flow control of the stream and of the connection; what
    /// [`output`](Self::output) still has is part of that. Until it is called there is no limit.
    ///
    /// No instruction is written that could not be sent whole: a peer that waits for it would perhaps give no more
    /// credit until it has come (RFC 9204 §2.1.3). So it is to be called before each section.
    pub fn set_credit(&mut self, octets: usize) {
        self.state.credit = octets;
    }

    /// Appends a section to `out`: the fields that `fields` writes. What it needs on our encoder stream is added to
    /// [`output`](Self::output), which should be sent no later.
    pub fn section(&mut self, stream: u64, out: &mut Vec<u8>, fields: impl FnOnce(&mut FieldWriter<'_>)) {
        let mut writer = FieldWriter::new(&mut self.state, stream, out);
        fields(&mut writer);
        writer.finish();
    }

    /// Takes all complete instructions from the front of what the peer's decoder stream has brought (RFC 9204 §4.4).
    ///
    /// # Errors
    /// An instruction that breaks RFC 9204.
    pub fn decoder_stream(&mut self, input: &mut BytesMut) -> Result<(), Error> {
        let (octets, result) =
            acknowledgments::read(input, self.taken, &mut self.state.entries, &mut self.state.sent);
        self.taken += octets as u64;
        input.advance(octets);
        result
    }

    /// Forgets the sections of a stream of which the peer has received nothing, and will not: not even that it was
    /// reset. For any other that ends early nothing is needed: the peer says itself what it will not acknowledge.
    pub fn cancelled(&mut self, stream: u64) {
        self.state.sent.cancel(stream, &mut self.state.entries);
    }

    /// What wants to go out on our encoder stream (RFC 9204 §4.3); to be taken from the front.
    pub fn output(&mut self) -> &mut Vec<u8> {
        &mut self.state.output
    }

    /// How many sections wait for an acknowledgment.
    #[must_use]
    pub fn unacknowledged_sections(&self) -> usize {
        self.state.sent.sections()
    }
}
