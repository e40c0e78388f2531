//! HTTP/2 frames (RFC 9113 §4, §6).
#![cfg_attr(not(feature = "std"), no_std)]
#![forbid(unsafe_code)]
#![warn(missing_docs)]
