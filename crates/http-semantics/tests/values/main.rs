//! The value parsers and writers of RFC 9110 and RFC 9651: examples of the RFCs, bad input, round trips, models.

mod accept;
mod base64;
mod conditional;
mod date;
mod etag;
mod fuzzed;
mod media_type;
mod range;
mod structured;
mod structured_vectors;
