//! The decoder (RFC 9204 §2.2): sections and the encoder stream in, fields and the decoder stream out.

use alloc::vec::Vec;

use bytes::{Bytes, BytesMut};
use wirelace_hpack::table::LARGEST;
use wirelace_hpack::{BlockLimits, HeaderBlock};
use wirelace_wire::prefix_int::write_prefix_int;

use crate::error::Error;
use crate::limits::Limits;
use crate::prefix::{self, Prefix};

mod blocked;
mod instructions;
mod lines;

use blocked::Blocked;
use instructions::Inserts;

/// What became of a section.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Section {
    /// Its fields are there.
    Decoded,
    /// It needs entries that have not arrived yet, or follows one of its stream that does: it is kept, and
    /// [`Decoder::unblocked`] decodes it in time.
    Blocked,
}

/// Decodes the field sections that a peer sends on a connection, in whatever order they arrive.
#[derive(Debug)]
pub struct Decoder {
    limits: Limits,
    max_entries: u64,
    inserts: Inserts,
    /// Inserts that the encoder knows we have: by increments, and by acknowledged sections.
    acknowledged: u64,
    blocked: Blocked,
    output: Vec<u8>,
}

impl Decoder {
    /// A decoder within these limits, which the peer is told in SETTINGS: see [`limits`](Self::limits).
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        let limits = Limits { table_capacity: limits.table_capacity.min(LARGEST as u64), ..limits };
        Self {
            limits,
            max_entries: prefix::max_entries(limits.table_capacity),
            inserts: Inserts::new(limits.table_capacity),
            acknowledged: 0,
            blocked: Blocked::default(),
            output: Vec::new(),
        }
    }

    /// The limits that hold: what SETTINGS have to say, exactly.
    #[must_use]
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Takes all complete instructions from the front of what the peer's encoder stream has brought (RFC 9204 §4.3).
    /// An incomplete one stays, which takes no more than about four times the table's capacity; what it begins with is
    /// not decoded again and again. Sections that waited may then be [`unblocked`](Self::unblocked).
    ///
    /// # Errors
    /// An instruction that breaks RFC 9204, or an entry that cannot fit: before it is all there.
    pub fn encoder_stream(&mut self, input: &mut BytesMut) -> Result<(), Error> {
        self.inserts.read(input)
    }

    /// Decodes a section, all of it, to `out`, whose fields are replaced; or keeps it, and leaves `out` alone. One that
    /// goes over `limits` is not decoded any further, and [`HeaderBlock::exceeded`] says so.
    ///
    /// # Errors
    /// A section that breaks RFC 9204, or one that cannot be kept; `out` has the fields before the error.
    pub fn section(
        &mut self,
        stream: u64,
        encoded: Bytes,
        limits: &BlockLimits,
        out: &mut HeaderBlock,
    ) -> Result<Section, Error> {
        let inserted = self.inserts.count();
        let prefix = prefix::read(&encoded, stream, inserted, self.max_entries)?;
        if prefix.required > inserted || self.blocked.has(stream) {
            self.blocked.add(stream, prefix, &encoded, inserted, &self.limits)?;
            return Ok(Section::Blocked);
        }
        self.decode(stream, &prefix, &encoded, limits, out)?;
        Ok(Section::Decoded)
    }

    /// Decodes a section that waited and need not wait any longer, to `out` as [`section`](Self::section) does, and
    /// says on which stream it came. Those of a stream come in their order, streams in the order in which they began
    /// to wait. To be called until it returns `None`, after each [`encoder_stream`](Self::encoder_stream).
    ///
    /// # Errors
    /// As for [`section`](Self::section).
    pub fn unblocked(&mut self, limits: &BlockLimits, out: &mut HeaderBlock) -> Option<Result<u64, Error>> {
        let (stream, prefix, encoded) = self.blocked.next(self.inserts.count())?;
        Some(self.decode(stream, &prefix, &encoded, limits, out).map(|()| stream))
    }

    /// How many streams have sections that wait.
    #[must_use]
    pub fn waiting_streams(&self) -> usize {
        self.blocked.streams()
    }

    /// To be called for a stream that was reset, or that nobody reads any longer, before all of its sections were
    /// decoded: drops those that wait, and tells the peer's encoder (Stream Cancellation, RFC 9204 §4.4.2).
    pub fn cancel(&mut self, stream: u64) {
        self.blocked.cancel(stream);
        // Without a table there is nothing that the encoder could wait for (§2.2.2.2).
        if self.max_entries > 0 {
            write_prefix_int(&mut self.output, 6, 0x40, stream);
        }
    }

    /// What wants to go out on our decoder stream (RFC 9204 §4.4); to be taken from the front. Asking adds an Insert
    /// Count Increment for what no acknowledged section covers: once for all inserts since the last time.
    pub fn output(&mut self) -> &mut Vec<u8> {
        let increment = self.inserts.count().saturating_sub(self.acknowledged);
        if increment > 0 {
            write_prefix_int(&mut self.output, 6, 0, increment);
            self.acknowledged += increment;
        }
        &mut self.output
    }

    #[inline]
    fn decode(
        &mut self,
        stream: u64,
        prefix: &Prefix,
        encoded: &[u8],
        limits: &BlockLimits,
        out: &mut HeaderBlock,
    ) -> Result<(), Error> {
        lines::decode(self.inserts.table(), self.inserts.count(), stream, prefix, encoded, limits, out)?;
        if prefix.required > 0 {
            write_prefix_int(&mut self.output, 7, 0x80, stream);
            self.acknowledged = self.acknowledged.max(prefix.required);
        }
        Ok(())
    }
}
