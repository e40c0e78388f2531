//! How a command ends when it does not end well.

use std::fmt;
use std::process::ExitCode;

/// Why a command failed: one line for a person, and the exit code that goes with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Failure {
    /// The peer or the network: exit code 1.
    Peer(String),
    /// Wrong usage: exit code 2.
    Usage(String),
    /// A check said no (bytes that break a rule, a certificate that is refused): exit code 3.
    Check(String),
}

impl Failure {
    /// The process's exit code.
    pub(crate) fn exit_code(&self) -> ExitCode {
        ExitCode::from(match self {
            Failure::Peer(_) => 1,
            Failure::Usage(_) => 2,
            Failure::Check(_) => 3,
        })
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Failure::Peer(reason) | Failure::Usage(reason) | Failure::Check(reason)) = self;
        // One line, whatever a peer put into it.
        for part in reason.chars() {
            if part.is_control() {
                write!(f, "{}", part.escape_default())?;
            } else {
                write!(f, "{part}")?;
            }
        }
        Ok(())
    }
}
