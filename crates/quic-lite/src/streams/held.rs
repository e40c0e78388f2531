//! Pieces of a stream's data, and what they cost.

use bytes::{Bytes, BytesMut};

/// Octets that small pieces are copied together to, at most.
pub(super) const TOGETHER: usize = 16 * 1024;

/// A piece of data.
#[derive(Debug)]
pub(super) enum Held {
    /// As it came. It may keep a buffer alive that is much larger.
    Shared(Bytes),
    /// Copied.
    Own(BytesMut),
    /// Copied, and partly read.
    Cut(Bytes),
}

impl Held {
    pub(super) fn len(&self) -> usize {
        match self {
            Held::Shared(data) | Held::Cut(data) => data.len(),
            Held::Own(data) => data.len(),
        }
    }

    pub(super) fn as_slice(&self) -> &[u8] {
        match self {
            Held::Shared(data) | Held::Cut(data) => data,
            Held::Own(data) => data,
        }
    }
}

/// There would be more than a [`Memory`] allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Full;

/// What received data that were not read yet may cost, and do. Flow control limits their octets, but not what holds
/// them: a piece of one octet may keep the buffer of 64 KiB alive that it came in, and costs more to note than to have.
#[derive(Debug)]
pub(crate) struct Memory {
    /// Pieces that were not copied.
    shared: usize,
    max_shared: usize,
    /// All pieces.
    pieces: usize,
    max_pieces: usize,
    /// Octets of the buffers of those that were copied.
    own: usize,
    max_own: usize,
}

impl Memory {
    /// At most `max_pieces` pieces with `max_own` octets of buffers of their own; `max_shared` more buffers are kept
    /// alive, whatever their size.
    pub(super) fn new(max_pieces: usize, max_shared: usize, max_own: usize) -> Memory {
        Memory { shared: 0, max_shared, pieces: 0, max_pieces, own: 0, max_own }
    }

    /// Pieces now.
    pub(super) fn pieces(&self) -> usize {
        self.pieces
    }

    /// Pieces that may keep a larger buffer alive.
    pub(super) fn shared(&self) -> usize {
        self.shared
    }

    /// Octets of buffers of their own.
    pub(super) fn own(&self) -> usize {
        self.own
    }

    /// Whether another piece may stay as it came. Those that are in order go first: they are read soon.
    pub(super) fn shares(&self, in_order: bool) -> bool {
        self.shared < if in_order { self.max_shared } else { self.max_shared / 2 }
    }

    pub(super) fn share(&mut self, data: Bytes) -> Result<Held, Full> {
        self.one_more()?;
        self.shared += 1;
        Ok(Held::Shared(data))
    }

    pub(super) fn copy(&mut self, data: &[u8]) -> Result<Held, Full> {
        self.one_more()?;
        let own = BytesMut::from(data);
        self.grow(own.capacity())?;
        Ok(Held::Own(own))
    }

    /// Adds to a piece that was copied.
    pub(super) fn extend(&mut self, own: &mut BytesMut, data: &[u8]) -> Result<(), Full> {
        let before = own.capacity();
        own.extend_from_slice(data);
        self.grow(own.capacity() - before)
    }

    fn one_more(&mut self) -> Result<(), Full> {
        if self.pieces >= self.max_pieces {
            return Err(Full);
        }
        self.pieces += 1;
        Ok(())
    }

    fn grow(&mut self, octets: usize) -> Result<(), Full> {
        self.own += octets;
        if self.own > self.max_own { Err(Full) } else { Ok(()) }
    }

    /// A piece goes.
    pub(super) fn release(&mut self, held: &Held) {
        self.pieces = self.pieces.saturating_sub(1);
        match held {
            Held::Shared(_) => self.shared = self.shared.saturating_sub(1),
            Held::Own(own) => self.own = self.own.saturating_sub(own.capacity()),
            Held::Cut(data) => self.own = self.own.saturating_sub(data.len()),
        }
    }

    /// The first `octets` of a piece that has more.
    pub(super) fn split(&mut self, held: &mut Held, octets: usize) -> Bytes {
        if let Held::Own(own) = held {
            self.own = self.own.saturating_sub(own.capacity() - own.len());
            *held = Held::Cut(core::mem::take(own).freeze());
        }
        match held {
            Held::Shared(data) => data.split_to(octets),
            Held::Cut(data) => {
                self.own = self.own.saturating_sub(octets);
                data.split_to(octets)
            }
            Held::Own(own) => own.split_to(octets).freeze(),
        }
    }
}
