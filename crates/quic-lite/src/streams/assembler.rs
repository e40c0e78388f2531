//! Data in order out of pieces that come in any order (RFC 9000 §2.2).

use std::collections::{BTreeMap, VecDeque};

use bytes::Bytes;

use super::held::{Full, Held, Memory, TOGETHER};

/// A piece out of order of so many octets is not copied while there are few of them.
const WORTH_SHARING: usize = 1024;
/// A piece of fewer octets is added to the one in front of it.
const SMALL: usize = 256;

/// Reassembles a stream. What came first of an octet stays. What is in order is not copied.
#[derive(Debug, Default)]
pub(super) struct Pieces {
    /// Octets that were read.
    read: u64,
    /// Everything in front of this offset has come.
    end: u64,
    /// What has come in order and was not read; mostly it is one piece.
    front: Option<Held>,
    rest: VecDeque<Held>,
    /// What has come behind gaps, by offset: no two overlap.
    apart: BTreeMap<u64, Held>,
}

impl Pieces {
    /// Octets that were read.
    pub(super) fn read_offset(&self) -> u64 {
        self.read
    }

    /// Everything in front of this offset has come.
    pub(super) fn end(&self) -> u64 {
        self.end
    }

    /// Nothing waits, behind gaps neither.
    pub(super) fn is_empty(&self) -> bool {
        self.read >= self.end && self.apart.is_empty()
    }

    /// Takes octets from `offset` on; whether there is more to read now.
    pub(super) fn insert(&mut self, memory: &mut Memory, offset: u64, mut data: Bytes) -> Result<bool, Full> {
        let before = self.end;
        let end = offset.saturating_add(data.len() as u64);
        if end <= before {
            return Ok(false);
        }
        let mut at = offset;
        if at < before {
            let _ = data.split_to(usize::try_from(before - at).unwrap_or(usize::MAX).min(data.len()));
            at = before;
        }
        if self.apart.is_empty() && at == before {
            self.append(memory, data)?;
            return Ok(true);
        }
        if let Some((start, held)) = self.apart.range(..=at).next_back() {
            let over = start + held.len() as u64;
            if over > at {
                let _ = data.split_to(usize::try_from(over - at).unwrap_or(usize::MAX).min(data.len()));
                at = over;
            }
        }
        while !data.is_empty() {
            let next = self.apart.range(at..).next().map(|(start, held)| (*start, held.len()));
            let hole = next.map_or(u64::MAX, |(start, _)| start - at);
            let hole = usize::try_from(hole).unwrap_or(usize::MAX).min(data.len());
            if hole > 0 {
                self.fill(memory, at, data.split_to(hole))?;
            }
            // What came first stays.
            let over = next.map_or(0, |(_, length)| length).min(data.len());
            let _ = data.split_to(over);
            at += (hole + over) as u64;
        }
        while let Some(first) = self.apart.first_entry()
            && *first.key() == self.end
        {
            let held = first.remove();
            self.end += held.len() as u64;
            self.push(held);
        }
        Ok(self.end > before)
    }

    /// Octets that have not come before, and none of those behind them up to the next piece.
    fn fill(&mut self, memory: &mut Memory, at: u64, data: Bytes) -> Result<(), Full> {
        if at == self.end {
            return self.append(memory, data);
        }
        if data.len() >= WORTH_SHARING && memory.shares(false) {
            self.apart.insert(at, memory.share(data)?);
            return Ok(());
        }
        let mut start = at;
        let behind = at + data.len() as u64;
        if let Some((before, Held::Own(own))) = self.apart.range_mut(..at).next_back()
            && before + own.len() as u64 == at
            && own.len() + data.len() <= TOGETHER
        {
            memory.extend(own, &data)?;
            start = *before;
        } else {
            self.apart.insert(at, memory.copy(&data)?);
        }
        // Else pieces that come from behind would never grow.
        let Some(next) = self.apart.get(&behind).map(Held::len).filter(|next| *next <= SMALL) else {
            return Ok(());
        };
        if (behind - start) as usize + next <= TOGETHER
            && let Some(next) = self.apart.remove(&behind)
        {
            memory.release(&next);
            if let Some(Held::Own(own)) = self.apart.get_mut(&start) {
                memory.extend(own, next.as_slice())?;
            }
        }
        Ok(())
    }

    /// Octets that are in order.
    fn append(&mut self, memory: &mut Memory, data: Bytes) -> Result<(), Full> {
        self.end += data.len() as u64;
        if memory.shares(true) {
            let held = memory.share(data)?;
            self.push(held);
            return Ok(());
        }
        if let Some(Held::Own(own)) = self.rest.back_mut().or(self.front.as_mut())
            && own.len() + data.len() <= TOGETHER
        {
            return memory.extend(own, &data);
        }
        let held = memory.copy(&data)?;
        self.push(held);
        Ok(())
    }

    fn push(&mut self, held: Held) {
        if self.front.is_none() {
            self.front = Some(held);
        } else {
            self.rest.push_back(held);
        }
    }

    /// The next octets, at most `max`.
    pub(super) fn read(&mut self, memory: &mut Memory, max: usize) -> Option<Bytes> {
        let front = self.front.as_mut().filter(|_| max > 0)?;
        let data = if front.len() > max {
            memory.split(front, max)
        } else {
            memory.release(front);
            let front = core::mem::replace(&mut self.front, self.rest.pop_front());
            match front? {
                Held::Shared(data) | Held::Cut(data) => data,
                Held::Own(data) => data.freeze(),
            }
        };
        self.read += data.len() as u64;
        Some(data)
    }

    /// Nobody will read the rest.
    pub(super) fn clear(&mut self, memory: &mut Memory) {
        let ready = self.front.take().into_iter().chain(core::mem::take(&mut self.rest));
        for held in ready.chain(core::mem::take(&mut self.apart).into_values()) {
            memory.release(&held);
        }
        self.read = self.end;
    }
}

/// Reassembles a stream that nothing but its own limits holds back, as CRYPTO streams are (RFC 9000 §7.5).
#[derive(Debug)]
pub(crate) struct Assembler {
    pieces: Pieces,
    memory: Memory,
    ahead: u64,
}

impl Assembler {
    /// Takes data up to `ahead` octets ahead of what was read.
    pub(crate) fn new(ahead: usize) -> Assembler {
        // Pieces out of order of fewer than 128 octets each are of no use to a handshake.
        let pieces = (ahead / 128).max(16);
        let memory = Memory::new(pieces, 8, ahead.saturating_mul(2).saturating_add(4096));
        Assembler { pieces: Pieces::default(), memory, ahead: ahead as u64 }
    }

    /// Octets that were read.
    pub(crate) fn offset(&self) -> u64 {
        self.pieces.read_offset()
    }

    /// Takes octets from `offset` on.
    ///
    /// # Errors
    /// They are too far ahead of what was read, or there are too many pieces.
    pub(crate) fn insert(&mut self, offset: u64, data: Bytes) -> Result<(), Full> {
        if offset.saturating_add(data.len() as u64) > self.offset().saturating_add(self.ahead) {
            return Err(Full);
        }
        self.pieces.insert(&mut self.memory, offset, data).map(|_| ())
    }

    /// The next octets in order, at most `max`.
    pub(crate) fn read(&mut self, max: usize) -> Option<Bytes> {
        self.pieces.read(&mut self.memory, max)
    }

    /// Nothing waits, behind gaps neither.
    pub(crate) fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }
}
