//! The `wirelace` command.
fn main() {}
