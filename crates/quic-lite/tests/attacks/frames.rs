//! Attacks by frames and packets: nothing is to stop, and nothing to go on that must not.
