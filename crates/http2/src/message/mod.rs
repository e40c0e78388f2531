//! Messages: heads and trailer sections as field blocks, and back (RFC 9113 §8).

mod malformed;
mod receive;
mod send;
mod tables;

pub use malformed::Malformed;
pub(crate) use receive::{promised, request, response, trailers};
pub(crate) use send::{check_trailers, write_request, write_response, write_trailers};
