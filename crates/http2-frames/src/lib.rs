//! HTTP/2 frames (RFC 9113 §4, §6), with PRIORITY_UPDATE (RFC 9218), ALTSVC (RFC 7838) and ORIGIN (RFC 8336): decoded
//! without copying, encoded for one write.
//!
//! It knows no connection: what streams and settings allow is for whoever has them (`wirelace-http2`). Central types:
//! [`FrameHeader`] and [`Frame`].
//!
//! ```
//! use wirelace_http2_frames::{FRAME_HEADER_LEN, Frame, FrameHeader};
//!
//! let mut out = Vec::new();
//! Frame::WindowUpdate { stream: 1, increment: 1000 }.write(&mut out);
//! assert_eq!(out, [0, 0, 4, 8, 0, 0, 0, 0, 1, 0, 0, 3, 0xe8]);
//!
//! let header = FrameHeader::read(&out).expect("nine bytes are there");
//! let payload = &out[FRAME_HEADER_LEN..][..header.length as usize];
//! let frame = Frame::parse(header, payload)?;
//! assert!(matches!(frame, Frame::WindowUpdate { stream: 1, increment: 1000 }));
//! # Ok::<(), wirelace_http2_frames::FrameError>(())
//! ```
#![cfg_attr(not(feature = "std"), no_std)]
#![forbid(unsafe_code)]
#![warn(missing_docs)]
#![cfg_attr(
    not(test),
    deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)
)]

extern crate alloc;

#[cfg(feature = "tokio-util")]
mod codec;
mod encode;
mod error;
mod error_code;
mod frame;
mod header;
mod lists;
mod parse;
mod payload;
mod settings;
mod write;

#[cfg(feature = "tokio-util")]
pub use codec::{FrameCodec, OwnedFrame};
pub use error::{FrameError, FrameRule};
pub use error_code::ErrorCode;
pub use frame::{Dependency, Frame};
pub use header::{FRAME_HEADER_LEN, Flags, FrameHeader, FrameType, MAX_PAYLOAD};
pub use lists::Origins;
pub use parse::data_range;
pub use settings::{SettingId, Settings};
pub use write::{
    write_data_header, write_goaway, write_headers, write_origin, write_ping, write_push_promise,
    write_rst_stream, write_settings, write_settings_ack, write_window_update,
};

/// What a client sends first (RFC 9113 §3.4).
pub const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
