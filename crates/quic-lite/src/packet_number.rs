//! Packet numbers in headers (RFC 9000 §17.1, §A.2, §A.3).

/// Octets, 1 to 4, that a packet number needs, so that a peer knows it which may not have got anything behind
/// `largest_acked` (RFC 9000 §A.2).
#[must_use]
pub const fn length(number: u64, largest_acked: Option<u64>) -> usize {
    let unacknowledged = match largest_acked {
        Some(largest) => number.saturating_sub(largest),
        None => number.saturating_add(1),
    };
    // Twice as many must be told apart.
    match unacknowledged {
        0..0x80 => 1,
        0x80..0x8000 => 2,
        0x8000..0x80_0000 => 3,
        _ => 4,
    }
}

/// The packet number whose lowest `length` octets (1 to 4) are `truncated`, next to `expected`: one more than the
/// largest that came in this packet number space, or 0 (§A.3).
#[must_use]
pub const fn decode(truncated: u32, length: usize, expected: u64) -> u64 {
    let window = 1_u64 << (8 * length as u32);
    let half = window / 2;
    let candidate = expected & !(window - 1) | truncated as u64;
    if candidate + half <= expected && candidate < (1 << 62) - window {
        candidate + window
    } else if candidate > expected + half && candidate >= window {
        candidate - window
    } else {
        candidate
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn examples_of_the_rfc() {
        // §A.2, §A.3.
        assert_eq!(length(0xac5c02, Some(0xabe8b3)), 2);
        assert_eq!(length(0xace8fe, Some(0xabe8b3)), 3);
        assert_eq!(decode(0x9b32, 2, 0xa82f30ea + 1), 0xa82f9b32);
    }

    #[test]
    fn numbers_come_back_wherever_the_window_lies() {
        for largest in [
            None,
            Some(0),
            Some(1),
            Some(0x7f),
            Some(0xff),
            Some(0xffff),
            Some(0x1234_5678),
            Some((1 << 62) - 1000),
        ] {
            let next = largest.map_or(0, |largest| largest + 1);
            for ahead in [0, 1, 2, 0x3e, 0x7e, 0x7f, 0x80, 0x7ffe, 0x7fff, 0x8000, 0x7f_ffff] {
                let number = next + ahead;
                if number >= 1 << 62 {
                    continue;
                }
                let octets = length(number, largest);
                let truncated = (number & ((1 << (8 * octets)) - 1)) as u32;
                // The receiver may have everything up to the number, or only what it has acknowledged.
                for expected in [next, number] {
                    assert_eq!(decode(truncated, octets, expected), number, "{largest:?} {ahead}");
                }
            }
        }
    }
}
