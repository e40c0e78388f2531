//! HTTP/2 with prior knowledge is told by what its client says first (RFC 9113 §3.3, §3.4).

use wirelace_http2::PREFACE;

/// What the first bytes of a connection are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Preface {
    /// They may become the preface.
    Incomplete,
    Complete,
    /// No HTTP/2.
    Absent,
}

pub(crate) fn look(first: &[u8]) -> Preface {
    let seen = first.get(..PREFACE.len()).unwrap_or(first);
    if !PREFACE.starts_with(seen) {
        Preface::Absent
    } else if seen.len() == PREFACE.len() {
        Preface::Complete
    } else {
        Preface::Incomplete
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_but_all_of_it_is_the_preface() {
        for length in 0..PREFACE.len() {
            assert_eq!(look(&PREFACE[..length]), Preface::Incomplete, "{length}");
            let mut other = PREFACE[..=length].to_vec();
            other[length] ^= 0x20;
            assert_eq!(look(&other), Preface::Absent, "{length}");
            other.extend_from_slice(&PREFACE[length + 1..]);
            assert_eq!(look(&other), Preface::Absent, "{length}");
        }
        assert_eq!(look(PREFACE), Preface::Complete);
        let mut more = PREFACE.to_vec();
        more.extend_from_slice(b"GET / HTTP/1.1");
        assert_eq!(look(&more), Preface::Complete);
    }
}
