//! What sections are written with.

use alloc::vec::Vec;

use wirelace_wire::prefix_int::write_prefix_int;

use super::entries::Entries;
use super::policy::Habits;
use super::sent::Sent;

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
    /// For our encoder stream.
    pub(super) output: Vec<u8>,
    /// The most that `output` may have.
    pub(super) credit: usize,
    /// How long the last prefix was: the next will be too, as a rule.
    pub(super) prefix_length: usize,
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
            output: Vec::new(),
            credit: usize::MAX,
            prefix_length: 2,
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
}
