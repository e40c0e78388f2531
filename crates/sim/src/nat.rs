//! A router that hides a host behind another address, and changes it now and then.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::{Duration, Instant};

use crate::packet::Packet;

/// The first outside port.
const FIRST_PORT: u16 = 40_000;

/// What changes when a [`Nat`] rebinds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rebind {
    /// The outside ports.
    Port,
    /// The outside address, to the next higher one; ports stay.
    Address,
    /// Both.
    Both,
}

/// What a [`Nat`] did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct NatCounts {
    /// Rebindings done. They are done when the first packet comes after their time.
    pub rebound: u64,
    /// Packets rewritten on their way out.
    pub outbound: u64,
    /// Packets rewritten on their way in.
    pub inbound: u64,
    /// Packets on their way in that no mapping wanted.
    pub refused: u64,
}

/// Network address translation for one inside host. Each of its ports has one outside port for all destinations;
/// whoever knows the outside address gets in (full cone), until it is rebound: then packets to the old one vanish,
/// and those to the new one as well until the host has sent something.
///
/// ```
/// use bytes::Bytes;
/// use std::time::{Duration, Instant};
/// use wirelace_sim::{Ecn, Nat, Packet, Rebind};
///
/// let start = Instant::now();
/// let mut nat = Nat::new("192.0.2.1".parse().unwrap(), start);
/// nat.rebind_at(Duration::from_secs(1), Rebind::Port);
/// let packet = Packet {
///     source: "10.0.0.1:5000".parse().unwrap(),
///     destination: "198.51.100.1:443".parse().unwrap(),
///     ecn: Ecn::NotEct,
///     data: Bytes::new(),
/// };
/// let before = nat.outbound(start, packet.clone());
/// let after = nat.outbound(start + Duration::from_secs(1), packet);
/// assert_eq!(before.source.ip(), after.source.ip());
/// assert_ne!(before.source.port(), after.source.port());
/// ```
#[derive(Debug, Clone)]
pub struct Nat {
    start: Instant,
    outside: IpAddr,
    addresses: Vec<IpAddr>,
    mappings: Vec<Mapping>,
    next_port: u16,
    /// Later ones first.
    planned: Vec<(Duration, Rebind)>,
    cycle: Option<(Duration, Duration, Rebind)>,
    counts: NatCounts,
}

#[derive(Debug, Clone, Copy)]
struct Mapping {
    inside: SocketAddr,
    port: u16,
    /// Ports are kept when only the address changes, but nothing gets in before something has gone out.
    open: bool,
}

impl Nat {
    /// A router with this outside address, whose times count from `now`.
    #[must_use]
    pub fn new(outside: IpAddr, now: Instant) -> Nat {
        Nat {
            start: now,
            outside,
            addresses: vec![outside],
            mappings: Vec::new(),
            next_port: FIRST_PORT,
            planned: Vec::new(),
            cycle: None,
            counts: NatCounts::default(),
        }
    }

    /// Plans a rebinding.
    pub fn rebind_at(&mut self, at: Duration, what: Rebind) {
        self.planned.push((at, what));
        self.planned.sort_by_key(|(at, _)| std::cmp::Reverse(*at));
    }

    /// Plans rebindings without end.
    pub fn rebind_every(&mut self, first: Duration, period: Duration, what: Rebind) {
        self.cycle = Some((first, period, what));
    }

    /// `rebind-port` and `rebind-addr` of the QUIC interop runner: after 1 s, then every 5 s.
    #[must_use]
    pub fn interop(outside: IpAddr, now: Instant, what: Rebind) -> Nat {
        let mut nat = Nat::new(outside, now);
        nat.rebind_every(Duration::from_secs(1), Duration::from_secs(5), what);
        nat
    }

    /// Rebinds now.
    pub fn rebind(&mut self, what: Rebind) {
        self.counts.rebound += 1;
        if matches!(what, Rebind::Address | Rebind::Both) {
            self.outside = next_address(self.outside);
            self.addresses.push(self.outside);
        }
        if matches!(what, Rebind::Address) {
            for mapping in &mut self.mappings {
                mapping.open = false;
            }
        } else {
            self.mappings.clear();
        }
    }

    /// Rewrites the source of a packet from inside.
    pub fn outbound(&mut self, now: Instant, mut packet: Packet) -> Packet {
        self.catch_up(now);
        let known = self.mappings.iter_mut().find(|mapping| mapping.inside == packet.source);
        let port = match known {
            Some(mapping) => {
                mapping.open = true;
                mapping.port
            }
            None => {
                let port = self.next_port;
                self.next_port = self.next_port.checked_add(1).unwrap_or(FIRST_PORT);
                self.mappings.push(Mapping { inside: packet.source, port, open: true });
                port
            }
        };
        self.counts.outbound += 1;
        packet.source = SocketAddr::new(self.outside, port);
        packet
    }

    /// Rewrites the destination of a packet from outside; `None` when there is no such mapping (any more).
    pub fn inbound(&mut self, now: Instant, mut packet: Packet) -> Option<Packet> {
        self.catch_up(now);
        let destination = packet.destination;
        let found = self.mappings.iter().find(|mapping| mapping.open && mapping.port == destination.port());
        match found.filter(|_| destination.ip() == self.outside) {
            Some(mapping) => {
                self.counts.inbound += 1;
                packet.destination = mapping.inside;
                Some(packet)
            }
            None => {
                self.counts.refused += 1;
                None
            }
        }
    }

    /// True for its outside address and all it has had.
    #[must_use]
    pub fn owns(&self, address: IpAddr) -> bool {
        self.addresses.contains(&address)
    }

    /// The outside address of an inside one, while there is one.
    #[must_use]
    pub fn outside_of(&self, inside: SocketAddr) -> Option<SocketAddr> {
        let mapping = self.mappings.iter().find(|mapping| mapping.open && mapping.inside == inside)?;
        Some(SocketAddr::new(self.outside, mapping.port))
    }

    /// What it did so far.
    #[must_use]
    pub fn counts(&self) -> NatCounts {
        self.counts
    }

    /// Nobody sees a rebinding before the next packet: no timer is needed.
    fn catch_up(&mut self, now: Instant) {
        let elapsed = now.saturating_duration_since(self.start);
        while let Some(&(at, what)) = self.planned.last() {
            if at > elapsed {
                break;
            }
            self.planned.pop();
            self.rebind(what);
        }
        while let Some((next, period, what)) = self.cycle {
            if next > elapsed {
                break;
            }
            self.cycle = Some((next + period.max(Duration::from_nanos(1)), period, what));
            self.rebind(what);
        }
    }
}

fn next_address(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(address) => Ipv4Addr::from_bits(address.to_bits().wrapping_add(1)).into(),
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits().wrapping_add(1)).into(),
    }
}
