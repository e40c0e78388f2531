//! A deterministic network for testing protocol machines: virtual time, seeded links, machines against each other,
//! and the checks that every byte-stream codec should pass.
//!
//! Everything follows from a seed: a run that fails once fails each time with the same seed, and a minute of
//! timeouts costs no time. There is no socket, no thread and no sleep in it.
//!
//! - [`Pair`] runs two [`Peer`]s (a [`Machine`](wirelace_wire::Machine) and the application on top of it) over two
//!   [`StreamLink`]s, which split, delay, cut and reset what goes through them, and says when they hang.
//! - [`Network`] runs any number of [`Endpoint`]s over [`Link`]s of [`Packet`]s, some behind a [`Nat`], and says
//!   who waits when they hang.
//! - [`DatagramLink`] is the small brother of [`Link`]: it loses, repeats, delays, reorders and changes datagrams.
//! - [`every_split`] feeds one input to a machine whole, byte by byte, split in two at each position and split at
//!   random, and wants the same events each time.
//! - [`mutations`] makes endless variants of an input, of the kinds that break parsers.
//!
//! It is a tool for tests: its streams are not a model of TCP (no congestion), and its random numbers are not for
//! cryptography.
//!
//! # Streams
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
//!
//! # Packets
//!
//! A packet that a host sends goes through the [`Nat`] in front of it, if there is one, and then through a link,
//! whose stations are in this order ([`LinkSettings`]):
//!
//! 1. The MTU, which may shrink at some time ([`BlackHole`]): what is longer vanishes.
//! 2. The bottleneck: one line of so many bits a second and a bounded queue in front of it. What finds the queue
//!    full vanishes; above a threshold, ECN-capable packets are marked ([`Marking`]). A packet takes its octets
//!    and those of its headers ([`overhead`](LinkSettings::overhead)) on the line, one packet after the other.
//! 3. The line: named packets, those in a [blackout](Blackouts) and, by chance, others vanish after they have
//!    taken their time on it; others are repeated, changed or cut short. [`Faults`] says how many, and how many in
//!    a row.
//! 4. The delay, with jitter that reorders or does not.
//!
//! There it arrives, through the NAT of the receiver. The sender learns nothing of it; a test finds all in
//! [`LinkCounts`], in the [`Trace`] and in [`Network::sent`]. Several pairs of addresses may share one link, and a
//! host with two addresses has two paths. Hosts and links that are due at the same time come in random order.
//!
//! Not modelled: fragmentation, ICMP, active queue management other than a threshold, a rate that varies by itself
//! (but [`Link::change`] may change it), CPU time: hosts answer at once.
//!
//! The links of the QUIC interop runner are there as [`LinkSettings::interop`] and its siblings, and
//! [`Nat::interop`].
//!
//! ```
//! use bytes::Bytes;
//! use std::net::SocketAddr;
//! use std::time::{Duration, Instant};
//! use wirelace_sim::{Ecn, Endpoint, LinkSettings, Network, NetworkEnd, NetworkSettings, Packet};
//!
//! /// Sends a packet and waits for its echo, or echoes.
//! struct Host {
//!     output: Option<Packet>,
//!     echoes: bool,
//!     done: bool,
//! }
//!
//! impl Endpoint for Host {
//!     fn receive(&mut self, _: Instant, packet: Packet) {
//!         let echo = Packet { source: packet.destination, destination: packet.source, ..packet };
//!         self.output = self.echoes.then_some(echo);
//!         self.done = true;
//!     }
//!     fn transmit(&mut self, _: Instant) -> Option<Packet> {
//!         self.output.take()
//!     }
//!     fn deadline(&self) -> Option<Instant> {
//!         None
//!     }
//!     fn on_deadline(&mut self, _: Instant) {}
//!     fn is_done(&self) -> bool {
//!         self.done
//!     }
//! }
//!
//! let [source, destination]: [SocketAddr; 2] = ["10.0.0.1:9".parse()?, "10.0.0.2:443".parse()?];
//! let packet = Packet { source, destination, ecn: Ecn::Ect0, data: Bytes::from(vec![0; 1222]) };
//! let mut network = Network::new(42, NetworkSettings::default());
//! network.add("client", source.ip(), Host { output: Some(packet), echoes: false, done: false });
//! network.add("server", destination.ip(), Host { output: None, echoes: true, done: false });
//! network.connect(source.ip(), destination.ip(), LinkSettings::interop(), LinkSettings::interop());
//!
//! let outcome = network.run();
//! assert_eq!(outcome.end, NetworkEnd::Done);
//! assert_eq!(outcome.elapsed, Duration::from_millis(2 * (1 + 15))); // on the line, and on the way
//! # Ok::<(), std::net::AddrParseError>(())
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
