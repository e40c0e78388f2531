//! The request/response session over a byte stream, for both roles.
//!
//! [`Session`] is a [`Machine`](wirelace_wire::Machine): octets in, [`Event`]s out. Whoever opened the connection is
//! the initiator. In the extended form both sides may send requests, responses come in any order, and payloads may
//! be streamed in parts; in the base form the initiator asks and the acceptor answers in order.
//!
//! ```
//! use bytes::{Bytes, BytesMut};
//! use std::time::Instant;
//! use wirelace_wire::Machine as _;
//! use wirelace_wire_codec::session::{Event, Options, Session};
//!
//! let now = Instant::now();
//! let mut caller = Session::initiator(Options::default(), now);
//! let mut answerer = Session::acceptor(Options::default(), now);
//! let (mut to_caller, mut to_answerer) = (BytesMut::new(), BytesMut::new());
//! let mut answer = None;
//! while answer.is_none() {
//!     // What a driver does with a socket.
//!     to_answerer.extend(caller.output().chunks().flatten());
//!     caller.output().clear();
//!     while let Some(event) = answerer.poll_event(now, &mut to_answerer)? {
//!         if let Event::Request { id, data, .. } = event {
//!             answerer.respond(id, data, true)?; // an echo
//!         }
//!     }
//!     to_caller.extend(answerer.output().chunks().flatten());
//!     answerer.output().clear();
//!     while let Some(event) = caller.poll_event(now, &mut to_caller)? {
//!         match event {
//!             Event::Ready { .. } => {
//!                 caller.send_request(now, Bytes::from_static(b"hello"), true, None)?;
//!             }
//!             Event::Response { data, .. } => answer = Some(data),
//!             other => panic!("{other:?}"),
//!         }
//!     }
//! }
//! assert_eq!(answer.unwrap(), "hello");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod credit;
mod error;
mod event;
mod exchange;
mod machine;
mod options;
mod timers;
mod unread;

pub use error::Error;
pub use event::{Event, ExchangeId, Form, SendError, Stats};
pub use machine::Session;
pub use options::{Limits, Offer, Options, Timeouts};
