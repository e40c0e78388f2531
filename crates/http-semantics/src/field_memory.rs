//! Memory of field lists that are gone, kept for the next ones of the same thread: a message costs no allocation
//! for its index, and none for a block of its own.

use alloc::vec::Vec;

use crate::field_entry::Entry;

#[cfg(feature = "std")]
mod kept {
    use super::{Entry, Vec};
    use core::cell::RefCell;

    /// Lists whose memory a thread keeps.
    const LISTS: usize = 32;
    /// Larger ones are not kept: bytes, and lines.
    const BLOCK: usize = 2048;
    const INDEX: usize = 64;

    struct Kept {
        blocks: Vec<Vec<u8>>,
        indexes: Vec<Vec<Entry>>,
    }

    std::thread_local! {
        static KEPT: RefCell<Kept> = const { RefCell::new(Kept { blocks: Vec::new(), indexes: Vec::new() }) };
    }

    /// Nothing where the thread is just ending.
    #[inline]
    fn with<T>(work: impl FnOnce(&mut Kept) -> Option<T>) -> Option<T> {
        KEPT.try_with(|kept| work(&mut *kept.try_borrow_mut().ok()?)).ok().flatten()
    }

    #[inline]
    pub(crate) fn take_block() -> Vec<u8> {
        with(|kept| kept.blocks.pop()).unwrap_or_default()
    }

    #[inline]
    pub(crate) fn give_block(mut block: Vec<u8>) {
        if block.capacity() <= BLOCK {
            block.clear();
            with(|kept| (kept.blocks.len() < LISTS).then(|| kept.blocks.push(block)));
        }
    }

    #[inline]
    pub(crate) fn take_index(lines: usize) -> Vec<Entry> {
        let mut index = with(|kept| kept.indexes.pop()).unwrap_or_default();
        if index.capacity() < lines {
            index.reserve(lines);
        }
        index
    }

    #[inline]
    pub(crate) fn give_index(mut index: Vec<Entry>) {
        if index.capacity() <= INDEX {
            index.clear();
            with(|kept| (kept.indexes.len() < LISTS).then(|| kept.indexes.push(index)));
        }
    }
}

#[cfg(not(feature = "std"))]
mod kept {
    use super::{Entry, Vec};

    pub(crate) fn take_block() -> Vec<u8> {
        Vec::new()
    }

    pub(crate) fn give_block(_: Vec<u8>) {}

    pub(crate) fn take_index(lines: usize) -> Vec<Entry> {
        Vec::with_capacity(lines)
    }

    pub(crate) fn give_index(_: Vec<Entry>) {}
}

pub(crate) use kept::{give_block, give_index, take_block, take_index};
