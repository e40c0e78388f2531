//! A deterministic network for testing protocol machines: virtual time, seeded links, two machines against each
//! other, and the checks that every byte-stream codec should pass.
//!
//! Everything follows from a seed: a run that fails once fails each time with the same seed, and a minute of
//! timeouts costs no time. There is no socket, no thread and no sleep in it.
//!
//! - [`Pair`] runs two [`Peer`]s (a [`Machine`](wirelace_wire::Machine) and the application on top of it) over two
//!   [`StreamLink`]s, which split, delay, cut and reset what goes through them, and says when they hang.
//! - [`DatagramLink`] loses, repeats, delays, reorders and changes datagrams.
//! - [`every_split`] feeds one input to a machine whole, byte by byte, split in two at each position and split at
//!   random, and wants the same events each time.
//! - [`mutations`] makes endless variants of an input, of the kinds that break parsers.
//!
//! It is a tool for tests: not a model of TCP or of queues (no congestion), and its random numbers are not for
//! cryptography.
//!
//! ```
//! use bytes::BytesMut;
//! use std::time::Duration;
//! use wirelace_sim::{Clock, Cut, Delivery, StreamLink, StreamSettings};
//!
//! let mut clock = Clock::new();
//! let settings = StreamSettings {
//!     delay: Duration::from_millis(1)..=Duration::from_millis(80),
//!     max_segment: 3,
//!     cut: Some(Cut::eof(9)), // the connection breaks after nine bytes
//!     ..StreamSettings::default()
//! };
//! let mut link = StreamLink::new(42, settings, clock.now());
//!
//! assert_eq!(link.write(clock.now(), b"GET / HTTP/1.1\r\n"), Ok(16)); // the sender cannot know
//! let mut received = BytesMut::new();
//! while let Some(at) = link.next_at() {
//!     clock.advance_to(at);
//!     if link.read(clock.now(), &mut received) == Delivery::Eof {
//!         break;
//!     }
//! }
//! assert_eq!(&received[..], b"GET / HTT");
//! ```
#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod bottleneck;
mod clock;
mod damage;
mod datagram_link;
mod endpoint;
mod faults;
mod link;
mod link_settings;
mod mutate;
mod nat;
mod network;
mod network_trace;
mod packet;
mod pair;
mod peer;
mod rng;
mod split;
mod stream_link;
mod trace;

pub use bottleneck::Backlog;
pub use clock::{Clock, Schedule};
pub use datagram_link::{DatagramCounts, DatagramLink, DatagramSettings};
pub use endpoint::Endpoint;
pub use faults::Faults;
pub use link::{Fate, Link, LinkCounts};
pub use link_settings::{BlackHole, Blackouts, EcnPath, LinkSettings, Marking};
pub use mutate::{Mutations, mutate, mutate_list, mutations};
pub use nat::{Nat, NatCounts, Rebind};
pub use network::{HostId, LinkId, Network, NetworkEnd, NetworkOutcome, NetworkSettings, SentPacket};
pub use network_trace::{NetworkEntry, NetworkStep, Summary};
pub use packet::{Ecn, Packet};
pub use pair::{End, Outcome, Pair, PairSettings};
pub use peer::Peer;
pub use rng::Rng;
pub use split::{Step, every_split, feed};
pub use stream_link::{Broken, Cut, Delivery, StreamLink, StreamSettings};
pub use trace::{Fingerprint, Side, Trace, TraceEntry, Traced, What};
