//! Criterion benches, peers beside ours.
