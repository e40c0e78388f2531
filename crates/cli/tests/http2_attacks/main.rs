//! Attacks on HTTP/2 against the binary, one test for each: memory and work stay bounded, and others are served.

// Memory and CPU time are read from /proc.
#![cfg(target_os = "linux")]

#[path = "../common/mod.rs"]
mod common;

mod attacker;
mod blocks;
mod bystander;
mod fields;
mod floods;
mod holding;
mod inbox;
mod victim;
mod windows;
