//! HTTP/2: what a server has to do by RFC 9113, 7541, 9218 and 8441.
//!
//! The groups `generic`, `http2` and `hpack` are numbered as the sections of RFC 7540 are, which is how such suites are
//! compared; what they expect is in RFC 9113. The groups that are named after an RFC have its own sections.

mod block;
mod bodies;
mod closing;
mod compression;
pub(crate) mod conn;
mod expect;
mod fields;
mod flow;
mod framing;
mod generic;
mod hpack;
mod messages;
mod priorities;
mod push;
mod receive;
mod response;
mod states;
mod tunnels;
mod types;
mod words;

use super::case::Case;

/// All cases, in their order.
pub(crate) fn cases() -> impl Iterator<Item = &'static Case> {
    [
        generic::FRAMES,
        generic::HPACK,
        framing::CASES,
        states::CASES,
        types::CASES,
        messages::CASES,
        hpack::CASES,
        closing::CASES,
        flow::CASES,
        bodies::CASES,
        fields::CASES,
        push::CASES,
        tunnels::CASES,
        priorities::CASES,
        compression::CASES,
    ]
    .into_iter()
    .flatten()
}
