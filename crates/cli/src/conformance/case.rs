//! What a case is.

use super::http2::conn::Conn;
use super::verdict::{Start, Verdict};

/// One rule, and how it is tested.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Case {
    /// Group, section and number.
    pub(crate) id: &'static str,
    /// The rule's place.
    pub(crate) section: &'static str,
    /// What is sent.
    pub(crate) title: &'static str,
    /// How the connection begins.
    pub(crate) start: Start,
    /// Something that servers should do, and need not.
    pub(crate) strict: bool,
    /// Sends, and looks what comes.
    pub(crate) run: fn(&mut Conn) -> Verdict,
}

/// A case on a connection that is ready.
pub(crate) const fn case(
    id: &'static str,
    section: &'static str,
    title: &'static str,
    run: fn(&mut Conn) -> Verdict,
) -> Case {
    Case { id, section, title, start: Start::Ready(&[]), strict: false, run }
}

impl Case {
    /// The client's first SETTINGS have these.
    pub(crate) const fn with(mut self, settings: &'static [(u16, u32)]) -> Case {
        self.start = Start::Ready(settings);
        self
    }

    /// The case does everything itself.
    pub(crate) const fn raw(mut self) -> Case {
        self.start = Start::Raw;
        self
    }

    /// Only with `--strict`.
    pub(crate) const fn strict(mut self) -> Case {
        self.strict = true;
        self
    }

    /// Whether `wanted` is its id, or the beginning of it up to a `/`.
    pub(crate) fn is_of(&self, wanted: &str) -> bool {
        let wanted = wanted.trim_end_matches('/');
        self.id.strip_prefix(wanted).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_and_sections_name_their_cases() {
        let case = case("http2/5.1.1/2", "", "", |_| Ok(()));
        for wanted in ["http2", "http2/", "http2/5.1.1", "http2/5.1.1/2"] {
            assert!(case.is_of(wanted), "{wanted}");
        }
        for wanted in ["http", "http2/5.1", "http2/5.1.1/20", "generic"] {
            assert!(!case.is_of(wanted), "{wanted}");
        }
    }
}
