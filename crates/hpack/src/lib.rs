//! HPACK (RFC 7541): header compression for HTTP/2.
#![cfg_attr(not(feature = "std"), no_std)]
#![forbid(unsafe_code)]
#![warn(missing_docs)]
