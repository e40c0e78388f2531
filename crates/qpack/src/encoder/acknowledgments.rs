//! The peer's decoder stream (RFC 9204 §4.4).

use crate::error::{Error, Place};
use crate::integer::{Fault, integer};

use super::entries::Entries;
use super::sent::Sent;

/// Carries out all complete instructions at the front of `input`, which is `taken` octets into the stream. Returns how
/// many octets they have.
pub(super) fn read(
    input: &[u8],
    taken: u64,
    entries: &mut Entries,
    sent: &mut Sent,
) -> (usize, Result<(), Error>) {
    let mut rest = input;
    while let Some(&first) = rest.first() {
        let prefix = if first >= 0x80 { 7 } else { 6 };
        let done = input.len() - rest.len();
        let offset = taken + done as u64;
        let (after, number) = match integer(rest, prefix) {
            Ok(read) => read,
            Err(Fault::Incomplete) => break,
            Err(Fault::Overflow) => {
                return (done, Err(Error::IntegerOverflow { place: Place::DecoderStream, offset }));
            }
        };
        if first >= 0x80 {
            if !sent.acknowledge(number, entries) {
                return (done, Err(Error::NothingToAcknowledge { offset, stream: number }));
            }
        } else if first >= 0x40 {
            sent.cancel(number, entries);
        } else {
            let left = entries.count() - entries.known();
            if number == 0 {
                return (done, Err(Error::IncrementZero { offset }));
            }
            if number > left {
                return (done, Err(Error::IncrementTooLarge { offset, increment: number, left }));
            }
            sent.received(entries.known() + number, entries);
        }
        rest = after;
    }
    (input.len() - rest.len(), Ok(()))
}
