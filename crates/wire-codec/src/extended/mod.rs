//! The extended form, version 2.0: exchanges with ids, parts and credit.
//!
//! Each frame begins with the header of the base form, so one splitter serves both. After it:
//!
//! ```text
//! flags u8 | id varint | fields of the type | payload | CRC32C u32, where it was agreed on
//! ```
//!
//! Both sides agree on this form in a [`Hello`], which travels as a heartbeat of the base form: a peer that knows
//! nothing else answers it, and stays in step.

mod decode;
mod encode;
mod frame;
mod hello;

pub use decode::{Checksum, Rules, decode, decode_owned};
pub use encode::EncodeError;
pub use frame::{CHECKSUM, DEADLINE, END, Frame, MAX_OVERHEAD, kind};
pub use hello::{Hello, MAGIC, Role, Settings};

/// The version of the extended form: 2.0, as decimal major and minor.
pub const VERSION: u8 = 20;
