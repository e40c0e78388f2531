//! What sections are written with.

use alloc::vec::Vec;

use wirelace_hpack::Habits;
use wirelace_wire::prefix_int::write_prefix_int;

use super::counts::Counts;
use super::entries::{Entries, Room};
use super::sent::Sent;

/// A field is large from this part of the table on.
const LARGE: usize = 16;

/// For a field so many entries may be made new, or one for so many of its octets; more would take too long to find.
const RENEWALS: usize = 4;
const OCTETS_PER_RENEWAL: usize = 32;
const MOST_RENEWALS: usize = 32;

#[derive(Debug)]
pub(super) struct State {
    /// Of the table that the peer offers: what Required Insert Counts are encoded by.
    pub(super) max_entries: u64,
    /// What the peer offers.
    pub(super) blocked_streams: u64,
    /// The peer was told our table's capacity.
    announced: bool,
    pub(super) entries: Entries,
    pub(super) sent: Sent,
    pub(super) habits: Habits,
    pub(super) counts: Counts,
    /// For our encoder stream.
    pub(super) output: Vec<u8>,
    /// The most that `output` may have.
    pub(super) credit: usize,
    /// How long the last prefix was: the next will be too, as a rule.
    pub(super) prefix_length: usize,
    /// An entry that is made new: it may be evicted for itself.
    scratch: Vec<u8>,
}

impl Default for State {
    fn default() -> Self {
        Self {
            max_entries: 0,
            blocked_streams: 0,
            announced: false,
            entries: Entries::default(),
            sent: Sent::default(),
            habits: Habits::new(),
            counts: Counts::new(),
            output: Vec::new(),
            credit: usize::MAX,
            prefix_length: 2,
            scratch: Vec::new(),
        }
    }
}

impl State {
    /// Appends an instruction to the output if there is credit for all of it.
    #[inline]
    pub(super) fn instruct(&mut self, write: impl FnOnce(&mut Vec<u8>)) -> bool {
        let start = self.output.len();
        if !self.announced {
            write_prefix_int(&mut self.output, 5, 0x20, self.entries.capacity() as u64);
        }
        write(&mut self.output);
        if self.output.len() > self.credit {
            self.output.truncate(start);
            return false;
        }
        self.announced = true;
        true
    }

    /// Makes room for a field of that size, which evicts nothing from `lowest` on; false if that cannot be, or is not
    /// worth it. Large ones are only exchanged for what was seen less often; what was not is made new, at an octet or
    /// two each. Small ones come and go in their order.
    pub(super) fn make_room(&mut self, size: usize, hash: u32, lowest: u64) -> bool {
        let seen = self.counts.seen(hash);
        let large = self.entries.capacity() / LARGE;
        let most = (size / OCTETS_PER_RENEWAL).clamp(RENEWALS, MOST_RENEWALS);
        for _ in 0..most {
            let counts = &self.counts;
            let room = self.entries.room(size, lowest, most, |other, other_size| {
                (size > large || other_size as usize > large) && counts.seen(other) >= seen
            });
            match room {
                Room::Free => return true,
                Room::None => return false,
                Room::After(number) => {
                    if !self.renew(number) {
                        return false;
                    }
                }
            }
        }
        // Enough was kept: what is in the way now goes.
        self.entries.room(size, lowest, 0, |_, _| false) == Room::Free
    }

    /// Inserts an entry again, if there is credit for that.
    pub(super) fn renew(&mut self, number: u64) -> bool {
        let age = self.entries.age(number);
        if !self.instruct(|out| write_prefix_int(out, 5, 0, age)) {
            return false;
        }
        self.entries.duplicate(number, &mut self.scratch);
        true
    }
}
