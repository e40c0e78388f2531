//! Copying and comparing short strings without a call.

/// Octets that are copied at once: behind what is copied there have to be as many, to read and to write.
pub const CHUNK: usize = 32;

/// Copies the first `length` octets. Of short ones always a whole [`CHUNK`], where there is one.
#[inline(always)]
pub fn copy(from: &[u8], to: &mut [u8], length: usize) {
    if length <= CHUNK
        && let (Some(from), Some(to)) = (from.first_chunk::<CHUNK>(), to.first_chunk_mut::<CHUNK>())
    {
        *to = *from;
    } else if let (Some(from), Some(to)) = (from.get(..length), to.get_mut(..length)) {
        to.copy_from_slice(from);
    }
}

/// True if both are the same.
#[inline(always)]
#[must_use]
pub fn same(one: &[u8], other: &[u8]) -> bool {
    if one.len() != other.len() {
        return false;
    }
    // Two pieces that may overlap.
    if let Some(equal) = pieces::<16>(one, other)
        .or_else(|| pieces::<8>(one, other))
        .or_else(|| pieces::<4>(one, other))
        .or_else(|| pieces::<2>(one, other))
    {
        return equal;
    }
    one == other
}

/// Compares the first and the last `N` octets, if that is all of them.
#[inline(always)]
fn pieces<const N: usize>(one: &[u8], other: &[u8]) -> Option<bool> {
    if one.len() > 2 * N {
        return None;
    }
    match (one.first_chunk::<N>(), one.last_chunk::<N>(), other.first_chunk(), other.last_chunk()) {
        (Some(first), Some(last), Some(other_first), Some(other_last)) => {
            Some((first == other_first) & (last == other_last))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    #[test]
    fn equal_is_equal_and_nothing_else() {
        for length in 0..100 {
            let one = vec![7; length];
            let mut other = one.clone();
            assert!(same(&one, &other));
            for at in 0..length {
                other[at] = 8;
                assert!(!same(&one, &other), "{at} of {length}");
                assert!(!same(&one, &one[..at]));
                other[at] = 7;
            }
        }
    }

    #[test]
    fn copies_are_as_long_as_they_have_to_be() {
        for length in 0..=2 * CHUNK {
            let from: vec::Vec<u8> = (0..length as u8).collect();
            for slack in [0, CHUNK] {
                let mut to = vec![0xff; length + slack];
                copy(&from, &mut to, length);
                assert_eq!(to[..length], from);
            }
        }
    }
}
