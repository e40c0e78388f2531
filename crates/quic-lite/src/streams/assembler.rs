//! Data that come out of order, put in order.

use std::collections::BTreeMap;

use bytes::{Bytes, BytesMut};

/// What a piece is taken to cost beside its octets: pieces may cost as much as all octets that wait, and
const PIECE: usize = 64;
/// so much more (RUSTSEC-2026-0185: tiny pieces with gaps between them).
const ALLOWANCE: usize = 16 * 1024;
/// A piece shorter than this is copied when it has to wait, so that it does not keep its whole datagram.
const COPIED: usize = 700;
/// Copied pieces that touch are joined up to so many octets.
const JOINED: usize = 4096;

/// More pieces wait than are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TooMuch;

/// One direction of a stream, as it comes.
#[derive(Debug)]
pub(crate) struct Assembler {
    /// All below was read.
    read: u64,
    /// By offset; none overlap, none are below `read`.
    pieces: BTreeMap<u64, Bytes>,
    /// Octets of all pieces.
    held: usize,
    /// How far ahead of what was read anything may be.
    ahead: u64,
}

impl Assembler {
    pub(crate) fn new(ahead: usize) -> Assembler {
        Assembler { read: 0, pieces: BTreeMap::new(), held: 0, ahead: ahead as u64 }
    }

    pub(crate) fn offset(&self) -> u64 {
        self.read
    }

    /// The first octets that came at a place count (RFC 9000 §2.2).
    pub(crate) fn insert(&mut self, mut offset: u64, mut data: Bytes) -> Result<(), TooMuch> {
        let end = offset + data.len() as u64;
        if end > self.read.saturating_add(self.ahead) {
            return Err(TooMuch);
        }
        if offset < self.read {
            let known = (self.read - offset).min(data.len() as u64);
            data = data.split_off(known as usize);
            offset += known;
        }
        while !data.is_empty() {
            // What is in front of it, and what comes behind.
            if let Some((at, before)) = self.pieces.range(..=offset).next_back() {
                let covered = at + before.len() as u64;
                if covered > offset {
                    let known = (covered - offset).min(data.len() as u64);
                    data = data.split_off(known as usize);
                    offset += known;
                    continue;
                }
            }
            let next = self.pieces.range(offset..).next().map_or(u64::MAX, |(at, _)| *at);
            let room = (next - offset).min(data.len() as u64);
            self.add(offset, data.split_to(room as usize))?;
            offset += room;
        }
        Ok(())
    }

    /// Adds a piece where nothing is.
    fn add(&mut self, offset: u64, mut piece: Bytes) -> Result<(), TooMuch> {
        self.held += piece.len();
        if offset != self.read && piece.len() < COPIED {
            if let Some((at, before)) = self.pieces.range_mut(..offset).next_back()
                && at + before.len() as u64 == offset
                && before.len() + piece.len() <= JOINED
            {
                // Mostly it is one that was joined before, with room behind it.
                let joined = core::mem::take(before).try_into_mut();
                let mut joined = joined.unwrap_or_else(|shared| BytesMut::from(&shared[..]));
                joined.extend_from_slice(&piece);
                *before = joined.freeze();
                return Ok(());
            }
            piece = Bytes::copy_from_slice(&piece);
        }
        self.pieces.insert(offset, piece);
        if self.pieces.len() * PIECE > self.held + ALLOWANCE { Err(TooMuch) } else { Ok(()) }
    }

    /// The next octets in order, at most `max`.
    pub(crate) fn read(&mut self, max: usize) -> Option<Bytes> {
        let mut first = self.pieces.first_entry().filter(|first| *first.key() == self.read)?;
        let data = if first.get().len() > max {
            let data = first.get_mut().split_to(max);
            let rest = first.remove();
            self.pieces.insert(self.read + data.len() as u64, rest);
            data
        } else {
            first.remove()
        };
        self.read += data.len() as u64;
        self.held -= data.len();
        Some(data)
    }

    pub(crate) fn has_data(&self) -> bool {
        self.pieces.first_key_value().is_some_and(|(at, _)| *at == self.read)
    }

    /// Nothing waits.
    pub(crate) fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    pub(crate) fn clear(&mut self) {
        self.pieces.clear();
        self.held = 0;
    }
}
