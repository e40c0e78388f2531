//! Sessions against peers that are written by hand: both forms, falling back, deadlines, and attacks.

mod attacks;
mod base;
mod extended;
mod output;
mod peer;
mod timers;
