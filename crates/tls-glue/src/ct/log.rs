//! A log, and what is thought of it.

use super::key::{KeyKind, LogKey};
use super::sct::LogId;

/// What the list's maker thinks of a log, with the time since when, in milliseconds since 1970.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogState {
    /// It has applied; nothing of it counts yet.
    Pending(u64),
    /// It is accepted and will soon be usable; it counts.
    Qualified(u64),
    /// It counts.
    Usable(u64),
    /// It takes nothing new any more; what it has signed counts.
    ReadOnly(u64),
    /// Trusted no more: only what it has signed before this time counts, beside another log that is current.
    Retired(u64),
    /// It was never accepted.
    Rejected(u64),
    /// The list gives no state, or one that is not known; nothing of it counts.
    Unknown,
}

impl LogState {
    /// What it is called, and since when.
    pub(super) const fn parts(self) -> (&'static str, Option<u64>) {
        match self {
            LogState::Pending(since) => ("pending", Some(since)),
            LogState::Qualified(since) => ("qualified", Some(since)),
            LogState::Usable(since) => ("usable", Some(since)),
            LogState::ReadOnly(since) => ("read-only", Some(since)),
            LogState::Retired(since) => ("retired", Some(since)),
            LogState::Rejected(since) => ("rejected", Some(since)),
            LogState::Unknown => ("in a state that is not known", None),
        }
    }

    /// Whether what the log signs counts at this time. A log is as good as before until the hour of its retirement.
    #[must_use]
    pub const fn is_current(self, now: u64) -> bool {
        match self {
            LogState::Qualified(_) | LogState::Usable(_) | LogState::ReadOnly(_) => true,
            LogState::Retired(since) => now < since,
            _ => false,
        }
    }
}

/// Somebody who ran a log before its present operator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PreviousOperator {
    /// Who.
    pub name: String,
    /// Until when, in milliseconds since 1970.
    pub until: u64,
}

/// One log.
#[derive(Debug, Clone)]
pub struct Log {
    pub(super) id: LogId,
    pub(super) key: LogKey,
    pub(super) description: String,
    pub(super) operator: String,
    /// In the order of time.
    pub(super) previous_operators: Vec<PreviousOperator>,
    pub(super) url: Option<String>,
    pub(super) tiled: bool,
    pub(super) state: LogState,
    pub(super) interval: Option<(u64, u64)>,
}

impl Log {
    /// The SHA-256 of its key.
    #[must_use]
    pub fn id(&self) -> LogId {
        self.id
    }

    /// What it is called; its address where the list has no description.
    #[must_use]
    pub fn description(&self) -> &str {
        &self.description
    }

    /// Who runs it now.
    #[must_use]
    pub fn operator(&self) -> &str {
        &self.operator
    }

    /// Who ran it at this time, in milliseconds since 1970.
    #[must_use]
    pub fn operator_at(&self, time: u64) -> &str {
        let before = self.previous_operators.iter().find(|previous| time < previous.until);
        before.map_or(&self.operator, |previous| &previous.name)
    }

    /// Who ran it before, in the order of time.
    #[must_use]
    pub fn previous_operators(&self) -> &[PreviousOperator] {
        &self.previous_operators
    }

    /// Where it takes certificates.
    #[must_use]
    pub fn url(&self) -> Option<&str> {
        self.url.as_deref()
    }

    /// It speaks the Static CT API; otherwise that of RFC 6962.
    #[must_use]
    pub fn is_tiled(&self) -> bool {
        self.tiled
    }

    /// What is thought of it.
    #[must_use]
    pub fn state(&self) -> LogState {
        self.state
    }

    /// It takes only certificates that end within this time: from the first on and before the second, in milliseconds
    /// since 1970. `None`: it takes all.
    #[must_use]
    pub fn interval(&self) -> Option<(u64, u64)> {
        self.interval
    }

    /// What kind of key it has.
    #[must_use]
    pub fn key_kind(&self) -> KeyKind {
        self.key.kind
    }
}
