//! What is said to a person: to stderr, coloured on a terminal only.

use std::fmt::Display;
use std::io::{IsTerminal, Write};

/// How much to say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Level {
    /// Errors alone (`-q`).
    Quiet,
    /// What a person wants to know.
    Normal,
    /// The protocol as it happens (`-v`).
    Verbose,
}

/// Speaks to stderr.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Voice {
    level: Level,
    colour: bool,
}

impl Voice {
    /// Colours where stderr is a terminal and `NO_COLOR` is unset or empty.
    pub(crate) fn new(level: Level) -> Voice {
        Voice { level, colour: wants_colour() && std::io::stderr().is_terminal() }
    }

    /// True with `-v`.
    pub(crate) fn is_verbose(self) -> bool {
        self.level == Level::Verbose
    }

    /// Something a person wants to know; silent with `-q`.
    pub(crate) fn say(self, text: impl Display) {
        if self.level >= Level::Normal {
            line(text);
        }
    }

    /// What scripts wait for: never coloured; silent with `-q`.
    pub(crate) fn ready(self, text: impl Display) {
        self.say(text);
    }

    /// A step of the protocol; only with `-v`.
    pub(crate) fn detail(self, text: impl Display) {
        if self.is_verbose() {
            if self.colour { line(format_args!("\x1b[2m{text}\x1b[0m")) } else { line(text) }
        }
    }

    /// What went wrong; always.
    pub(crate) fn error(self, text: impl Display) {
        if self.colour {
            line(format_args!("\x1b[31mwirelace:\x1b[0m {text}"));
        } else {
            line(format_args!("wirelace: {text}"));
        }
    }
}

/// Whether the environment allows colours (<https://no-color.org>).
pub(crate) fn wants_colour() -> bool {
    std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

/// A closed stderr is nobody's loss: `eprintln!` would panic.
fn line(text: impl Display) {
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}
