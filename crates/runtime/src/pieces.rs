//! Pieces of a body that wait for their reader.

use std::collections::VecDeque;

use bytes::{Bytes, BytesMut};

/// Pieces below this are copied next to each other where they have to wait: a piece costs memory beside its octets, and
/// keeps alive the whole buffer that it was read into.
const SMALL: usize = 4096;
/// How much of them is put together into one.
const MERGED: usize = 16 * 1024;

/// A queue of pieces. Those that wait take about as much memory as they have octets, however small they came.
#[derive(Debug, Default)]
pub struct Pieces {
    queue: VecDeque<Bytes>,
    /// Small pieces behind the queue.
    tail: BytesMut,
    len: usize,
}

impl Pieces {
    /// No pieces.
    #[must_use]
    pub fn new() -> Pieces {
        Pieces::default()
    }

    /// Octets that wait.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// True when nothing waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Adds a piece at the end; an empty one is nothing.
    pub fn push(&mut self, piece: Bytes) {
        if piece.is_empty() {
            return;
        }
        let waits = self.len > 0;
        self.len += piece.len();
        if waits && piece.len() < SMALL {
            self.tail.extend_from_slice(&piece);
            if self.tail.len() < MERGED {
                return;
            }
            let merged = self.tail.split().freeze();
            return self.queue.push_back(merged);
        }
        if !self.tail.is_empty() {
            self.queue.push_back(self.tail.split().freeze());
        }
        self.queue.push_back(piece);
    }

    /// Takes the first piece.
    pub fn pop(&mut self) -> Option<Bytes> {
        let piece = match self.queue.pop_front() {
            Some(piece) => piece,
            None if self.tail.is_empty() => return None,
            None => std::mem::take(&mut self.tail).freeze(),
        };
        self.len -= piece.len();
        Some(piece)
    }

    /// Drops what waits and returns how many octets that were.
    pub fn clear(&mut self) -> usize {
        self.queue.clear();
        self.tail = BytesMut::new();
        std::mem::take(&mut self.len)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_in_comes_out_in_order() {
        let mut pieces = Pieces::new();
        let (mut put, mut taken) = (Vec::new(), Vec::new());
        for turn in 0..2000usize {
            let len = [1, 0, 5000, 17, 4096, 4095, 300][turn % 7];
            let piece = vec![turn as u8; len];
            put.extend_from_slice(&piece);
            pieces.push(Bytes::from(piece));
            assert_eq!(pieces.len(), put.len() - taken.len());
            if turn % 3 == 0 {
                taken.extend_from_slice(&pieces.pop().unwrap_or_default());
            }
        }
        while let Some(piece) = pieces.pop() {
            assert!(!piece.is_empty());
            taken.extend_from_slice(&piece);
        }
        assert!(taken == put && pieces.is_empty());
    }

    #[test]
    fn a_piece_for_a_reader_that_waits_is_not_copied() {
        let mut pieces = Pieces::new();
        let piece = Bytes::from(vec![1, 2, 3]);
        pieces.push(piece.clone());
        assert_eq!(pieces.pop().unwrap().as_ptr(), piece.as_ptr());
    }

    #[test]
    fn single_octets_that_wait_become_few_pieces() {
        let mut pieces = Pieces::new();
        let read = Bytes::from(vec![7; 64 * 1024]);
        for at in 0..read.len() {
            pieces.push(read.slice(at..=at));
        }
        assert!(pieces.queue.len() <= 5, "{}", pieces.queue.len());
        assert!(pieces.tail.capacity() <= 4 * MERGED);
        assert_eq!(pieces.clear(), 64 * 1024);
        assert!(pieces.pop().is_none());
    }
}
