//! Priorities (RFC 9218).

use alloc::vec::Vec;
use core::fmt;

use crate::structured::Dictionary;

/// How urgent a response is, and whether its parts are of use one by one (RFC 9218 §4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Priority {
    urgency: u8,
    incremental: bool,
}

/// Urgency where nothing is said (RFC 9218 §4.1).
const URGENCY: u8 = 3;

impl Default for Priority {
    /// Urgency 3, not incremental (RFC 9218 §4.1, §4.2).
    fn default() -> Priority {
        Priority { urgency: URGENCY, incremental: false }
    }
}

impl Priority {
    /// A priority of that urgency, 0 (first) to 7 (last; larger ones count as 7).
    #[must_use]
    pub const fn new(urgency: u8, incremental: bool) -> Priority {
        Priority { urgency: if urgency > 7 { 7 } else { urgency }, incremental }
    }

    /// 0 (first) to 7 (last).
    #[must_use]
    pub const fn urgency(self) -> u8 {
        self.urgency
    }

    /// Whether its parts are of use one by one, so that responses of this urgency may share the connection.
    #[must_use]
    pub const fn is_incremental(self) -> bool {
        self.incremental
    }

    /// The priority that a `priority` field or a PRIORITY_UPDATE says. What cannot be read counts as not said, members
    /// that are unknown or of another type too (RFC 9218 §4).
    #[must_use]
    pub fn parse(value: &[u8]) -> Priority {
        Priority::default().merged(value)
    }

    /// This priority with what a response's `priority` field says; members that it does not have stay as they are (RFC
    /// 9218 §8).
    #[must_use]
    pub fn merged(self, value: &[u8]) -> Priority {
        let Said { urgency, incremental } = Said::common(value).unwrap_or_else(|| Said::any(value));
        Priority {
            urgency: urgency.unwrap_or(self.urgency),
            incremental: incremental.unwrap_or(self.incremental),
        }
    }

    /// Appends it as a field value; the default priority is empty.
    pub fn write(self, out: &mut Vec<u8>) {
        if self.urgency != URGENCY {
            out.extend_from_slice(&[b'u', b'=', b'0' + self.urgency]);
        }
        if self.incremental {
            if self.urgency != URGENCY {
                out.extend_from_slice(b", ");
            }
            out.push(b'i');
        }
    }
}

/// What a field value says.
#[derive(Debug, Default, PartialEq, Eq)]
struct Said {
    urgency: Option<u8>,
    incremental: Option<bool>,
}

impl Said {
    /// The forms that browsers send with every request, without a dictionary to build.
    #[inline]
    fn common(value: &[u8]) -> Option<Said> {
        let (urgency, rest) = match value {
            [b'u', b'=', digit @ b'0'..=b'7', rest @ ..] => (Some(digit - b'0'), rest),
            _ => (None, value),
        };
        match (urgency, rest) {
            (_, b"") => Some(Said { urgency, incremental: None }),
            (Some(_), b", i" | b",i") | (None, b"i") => Some(Said { urgency, incremental: Some(true) }),
            _ => None,
        }
    }

    fn any(value: &[u8]) -> Said {
        let Ok(members) = Dictionary::parse(value) else { return Said::default() };
        let urgency = members.get("u").and_then(|member| member.as_integer());
        Said {
            urgency: urgency.and_then(|urgency| u8::try_from(urgency).ok()).filter(|&urgency| urgency <= 7),
            incremental: members.get("i").and_then(|member| member.as_boolean()),
        }
    }
}

impl fmt::Display for Priority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut value = Vec::new();
        self.write(&mut value);
        write!(f, "{}", value.escape_ascii())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString as _;
    use proptest::prelude::*;

    #[test]
    fn members_that_cannot_be_read_count_as_not_said() {
        for (value, urgency, incremental) in [
            ("", 3, false),
            ("u=0", 0, false),
            ("u=7, i", 7, true),
            ("u=7,i", 7, true),
            (" i ", 3, true),
            ("u=7, ", 3, false),
            ("u=1, i, ", 3, false),
            ("U=1", 3, false),
            ("u=1;i", 1, false),
            ("u=(1), i", 3, true),
            ("u=@1", 3, false),
            ("i, u=5;x=1, other=(1 2)", 5, true),
            ("u=8", 3, false),
            ("u=-1, i=?1", 3, true),
            ("u=1.0, i=?0", 3, false),
            ("u=\"1\", i=1", 3, false),
            ("u=1, u=2", 2, false),
            ("u=1 u=2", 3, false),
        ] {
            assert_eq!(Priority::parse(value.as_bytes()), Priority::new(urgency, incremental), "{value}");
        }
    }

    #[test]
    fn a_response_changes_what_it_says_and_no_more() {
        let asked = Priority::new(5, true);
        assert_eq!(asked.merged(b"u=1"), Priority::new(1, true));
        assert_eq!(asked.merged(b"i=?0"), Priority::new(5, false));
        assert_eq!(asked.merged(b"(("), asked);
    }

    proptest! {
        #[test]
        fn the_short_way_says_the_same(value in "(u=[0-9]|i|u|)(, |,| ,|)(u=[0-9]|i=?[?01]*|i|)") {
            if let Some(said) = Said::common(value.as_bytes()) {
                prop_assert_eq!(said, Said::any(value.as_bytes()), "{}", value);
            }
        }
    }

    #[test]
    fn what_is_written_reads_the_same() {
        for urgency in 0..8 {
            for incremental in [false, true] {
                let priority = Priority::new(urgency, incremental);
                assert_eq!(Priority::parse(priority.to_string().as_bytes()), priority);
            }
        }
        assert_eq!(Priority::default().to_string(), "");
        assert_eq!(Priority::new(0, true).to_string(), "u=0, i");
    }
}
