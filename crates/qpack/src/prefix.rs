//! The prefix of a section: Required Insert Count and Base (RFC 9204 §4.5.1).

use alloc::vec::Vec;

use wirelace_wire::prefix_int::write_prefix_int;

use crate::error::{Error, Place};
use crate::integer::{Fault, integer};

/// Octets that an entry counts beside name and value: so many there can be (RFC 9204 §3.2.1).
const ENTRY_OVERHEAD: u64 = 32;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Prefix {
    /// Inserts that the section needs.
    pub(crate) required: u64,
    pub(crate) base: u64,
    /// Octets that the prefix takes.
    pub(crate) length: usize,
}

/// How many entries a table of that capacity can have.
pub(crate) const fn max_entries(capacity: u64) -> u64 {
    capacity / ENTRY_OVERHEAD
}

/// Reads the prefix of the section on `stream`, after `inserted` inserts.
pub(crate) fn read(section: &[u8], stream: u64, inserted: u64, max_entries: u64) -> Result<Prefix, Error> {
    let place = Place::Section(stream);
    let fault = |fault, offset| match fault {
        Fault::Incomplete => Error::Truncated { place, offset },
        Fault::Overflow => Error::IntegerOverflow { place, offset },
    };
    let (rest, encoded) = integer(section, 8).map_err(|error| fault(error, 0))?;
    let offset = (section.len() - rest.len()) as u64;
    let (after, delta) = integer(rest, 7).map_err(|error| fault(error, offset))?;
    let required =
        required(encoded, inserted, max_entries).ok_or(Error::RequiredInsertCount { place, encoded })?;
    let negative = rest.first().is_some_and(|first| first & 0x80 != 0);
    let base = if negative {
        required.checked_sub(delta + 1).ok_or(Error::NegativeBase { place, required, delta })?
    } else {
        required + delta
    };
    Ok(Prefix { required, base, length: section.len() - after.len() })
}

/// §4.5.1.1: only the remainder was sent, and the decoder knows about where the whole is.
fn required(encoded: u64, inserted: u64, max_entries: u64) -> Option<u64> {
    if encoded == 0 {
        return Some(0);
    }
    let full_range = 2 * max_entries;
    if encoded > full_range {
        return None;
    }
    let most = inserted + max_entries;
    let wrapped = most / full_range * full_range;
    let required = wrapped + encoded - 1;
    if required <= most {
        // 0 has a form of its own.
        return (required > 0).then_some(required);
    }
    required.checked_sub(full_range).filter(|&required| required > 0)
}

/// Appends a prefix.
pub(crate) fn write(out: &mut Vec<u8>, required: u64, base: u64, max_entries: u64) {
    if required == 0 {
        out.extend_from_slice(&[0, 0]);
        return;
    }
    write_prefix_int(out, 8, 0, required % (2 * max_entries).max(1) + 1);
    match base.checked_sub(required) {
        Some(delta) => write_prefix_int(out, 7, 0, delta),
        None => write_prefix_int(out, 7, 0x80, required - base - 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(section: &[u8], inserted: u64, max_entries: u64) -> Result<Prefix, Error> {
        read(section, 4, inserted, max_entries)
    }

    #[test]
    fn the_example_of_the_rfc() {
        // §4.5.1.1: 100 octets, 10 inserts, encoded 4: 9.
        assert_eq!(required(4, 10, max_entries(100)), Some(9));
    }

    #[test]
    fn what_no_encoder_sends() {
        let place = Place::Section(4);
        assert_eq!(at(&[7, 0], 10, 3), Err(Error::RequiredInsertCount { place, encoded: 7 }));
        assert_eq!(at(&[1, 0], 0, 0), Err(Error::RequiredInsertCount { place, encoded: 1 }));
        // It would be 0, and below.
        assert_eq!(at(&[1, 0], 0, 3), Err(Error::RequiredInsertCount { place, encoded: 1 }));
        assert_eq!(at(&[5, 0], 0, 3), Err(Error::RequiredInsertCount { place, encoded: 5 }));
        assert_eq!(at(&[0, 0x80], 0, 3), Err(Error::NegativeBase { place, required: 0, delta: 0 }));
        assert_eq!(at(&[3, 0x82], 0, 3), Err(Error::NegativeBase { place, required: 2, delta: 2 }));
        assert_eq!(at(&[3, 0x81], 0, 3), Ok(Prefix { required: 2, base: 0, length: 2 }));
        assert_eq!(at(&[], 0, 3), Err(Error::Truncated { place, offset: 0 }));
        assert_eq!(at(&[0], 0, 3), Err(Error::Truncated { place, offset: 1 }));
        assert_eq!(at(&[0, 0xff], 0, 3), Err(Error::Truncated { place, offset: 1 }));
        assert_eq!(at(&[0xff; 12], 0, 3), Err(Error::IntegerOverflow { place, offset: 0 }));
    }

    proptest! {
        /// Whatever both sides can know, the count survives.
        #[test]
        fn required_insert_counts_wrap(
            max_entries in 1u64..5000,
            inserted in prop_oneof![0u64..20_000, 0u64..1 << 50],
            ahead in any::<prop::sample::Index>(),
            base in 0u64..1 << 50,
        ) {
            // What a section may need: entries that were there at some time since `inserted`, or will be.
            let lowest = inserted.saturating_sub(max_entries) + 1;
            let required = lowest + ahead.index((inserted + max_entries - lowest + 1) as usize) as u64;
            let mut out = Vec::new();
            write(&mut out, required, base, max_entries);
            let length = out.len();
            prop_assert_eq!(at(&out, inserted, max_entries), Ok(Prefix { required, base, length }));
            for end in 0..length {
                prop_assert!(matches!(at(&out[..end], inserted, max_entries), Err(Error::Truncated { .. })), "cut at {}", end);
            }
        }

        #[test]
        fn any_prefix(octets in proptest::collection::vec(any::<u8>(), 0..24), inserted in 0u64..1 << 60, max_entries in 0u64..1 << 57) {
            if let Ok(prefix) = at(&octets, inserted, max_entries) {
                prop_assert!(prefix.length <= octets.len());
                prop_assert!(prefix.required <= inserted + max_entries);
            }
        }
    }
}
