//! How strict a client is.

use std::sync::Arc;

use super::log_list::LogList;

/// What is done with the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum CtMode {
    /// Nothing is looked at.
    #[default]
    Off,
    /// It is looked at, and reported.
    Report,
    /// A certificate that does not comply is refused.
    Enforce,
}

/// Whether Certificate Transparency is asked for, and which logs are known. Clones share the list.
#[derive(Debug, Clone, Default)]
pub struct CtPolicy {
    mode: CtMode,
    list: Option<Arc<LogList>>,
}

impl CtPolicy {
    /// Nothing is looked at. The default.
    #[must_use]
    pub const fn off() -> CtPolicy {
        CtPolicy { mode: CtMode::Off, list: None }
    }

    /// SCTs are checked against these logs; nothing is refused.
    #[must_use]
    pub fn report(list: impl Into<Arc<LogList>>) -> CtPolicy {
        CtPolicy { mode: CtMode::Report, list: Some(list.into()) }
    }

    /// SCTs are checked against these logs, and a certificate that lacks some is refused; while the list is not older
    /// than 70 days.
    #[must_use]
    pub fn enforce(list: impl Into<Arc<LogList>>) -> CtPolicy {
        CtPolicy { mode: CtMode::Enforce, list: Some(list.into()) }
    }

    /// What is done with the answer.
    #[must_use]
    pub fn mode(&self) -> CtMode {
        self.mode
    }

    /// The logs that are known; `None` where nothing is looked at.
    #[must_use]
    pub fn log_list(&self) -> Option<&LogList> {
        self.list.as_deref()
    }
}
