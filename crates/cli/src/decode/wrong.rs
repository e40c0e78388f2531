//! Why decoding stops.

use std::fmt::Display;
use std::io;

/// Why decoding stopped before the input's end.
#[derive(Debug)]
pub(super) enum Stop {
    /// The first wrong byte, or the input's end where more was due.
    Wrong {
        /// From the start of the input.
        offset: usize,
        /// The rule that was broken.
        rule: String,
    },
    /// The tree could not be written.
    Output(io::Error),
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Stop {
        Stop::Output(error)
    }
}

pub(super) fn wrong(offset: usize, rule: impl Display) -> Stop {
    Stop::Wrong { offset, rule: rule.to_string() }
}
