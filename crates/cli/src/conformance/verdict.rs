//! How cases end, and how they begin.

/// How a case ends.
pub(crate) type Verdict<T = ()> = Result<T, Trouble>;

/// Why a case does not pass.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// The server broke a rule.
    Failed {
        /// What the rule demands.
        expected: String,
        /// What came instead.
        came: String,
    },
    /// The rule cannot be tested with this server: why.
    Skipped(String),
    /// The server cannot be reached: why.
    Unreachable(String),
}

/// A failure.
pub(crate) fn failed<T>(expected: impl Into<String>, came: impl Into<String>) -> Verdict<T> {
    Err(Trouble::Failed { expected: expected.into(), came: came.into() })
}

/// A rule that does not apply.
pub(crate) fn skipped<T>(why: impl Into<String>) -> Verdict<T> {
    Err(Trouble::Skipped(why.into()))
}

/// How the connection of a case begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Start {
    /// Prefaces are exchanged, and these settings are acknowledged.
    Ready(&'static [(u16, u32)]),
    /// Nothing is sent or read.
    Raw,
}
