//! Hosts that send each other packets.

use std::collections::HashMap;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::clock::{Clock, Schedule};
use crate::endpoint::Endpoint;
use crate::link::{Fate, Link};
use crate::link_settings::LinkSettings;
use crate::nat::Nat;
use crate::network_trace::{NetworkEntry, NetworkStep, Summary};
use crate::packet::Packet;
use crate::rng::Rng;
use crate::trace::Trace;

/// How a [`Network`] is run.
#[derive(Debug, Clone)]
pub struct NetworkSettings {
    /// Virtual time after which a run ends.
    pub max_elapsed: Duration,
    /// Steps after which a run ends, in all.
    pub max_steps: u64,
    /// Steps that the trace remembers.
    pub keep_steps: usize,
    /// Makes the octets of packets part of the fingerprint. To be left out where hosts use real randomness, as
    /// TLS does.
    pub contents: bool,
    /// Keeps every packet that was sent, with its fate: see [`Network::sent`].
    pub keep_packets: bool,
}

impl Default for NetworkSettings {
    fn default() -> NetworkSettings {
        NetworkSettings {
            max_elapsed: Duration::from_secs(3600),
            max_steps: 5_000_000,
            keep_steps: 100,
            contents: true,
            keep_packets: false,
        }
    }
}

/// How a run came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NetworkEnd {
    /// All hosts are done, and have nothing to do at this time.
    Done,
    /// What the test waited for has come: its condition, or its time.
    Met,
    /// Nothing is left to happen, and somebody waits.
    Hang,
    /// The virtual time is over.
    TimeLimit,
    /// Too many steps.
    StepLimit,
}

/// The result of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NetworkOutcome {
    /// How it ended.
    pub end: NetworkEnd,
    /// Virtual time since the start of the network.
    pub elapsed: Duration,
    /// Steps done since then.
    pub steps: u64,
    /// Hash of all of them; equal for equal seeds, settings and hosts.
    pub fingerprint: u64,
    /// Names of the hosts that are not done.
    pub waiting: Vec<String>,
}

/// A host of a network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct HostId(usize);

/// A link of a network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct LinkId(usize);

/// A packet that a host sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SentPacket {
    /// Virtual time since the start.
    pub at: Duration,
    /// Who sent it.
    pub by: HostId,
    /// The packet as it went into the link, its source rewritten by a NAT.
    pub packet: Packet,
    /// What became of it; `None`: there was no way to its destination.
    pub fate: Option<Fate>,
}

/// Hosts, the links between them and one clock: delivers packets, fires deadlines in order of time, lets every
/// host send, and notices when nothing can happen any more.
///
/// A host has one or more IP addresses and all their ports. Links go from address to address, so a host that
/// changes its address changes its path.
///
/// See the front page for an example.
#[derive(Debug)]
pub struct Network<E> {
    settings: NetworkSettings,
    clock: Clock,
    start: Instant,
    rng: Rng,
    hosts: Vec<Host<E>>,
    links: Vec<Link>,
    routes: HashMap<(IpAddr, IpAddr), usize>,
    /// Each with the address behind it.
    nats: Vec<(IpAddr, Nat)>,
    actions: Schedule<Action<E>>,
    trace: Trace<NetworkEntry>,
    sent: Vec<SentPacket>,
}

#[derive(Debug)]
struct Host<E> {
    name: Arc<str>,
    addresses: Vec<IpAddr>,
    endpoint: E,
}

struct Action<E>(Box<Act<E>>);

type Act<E> = dyn FnOnce(&mut Network<E>, Instant);

impl<E> fmt::Debug for Action<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Action")
    }
}

impl<E: Endpoint> Network<E> {
    /// A network without hosts.
    #[must_use]
    pub fn new(seed: u64, settings: NetworkSettings) -> Network<E> {
        let clock = Clock::new();
        Network {
            start: clock.now(),
            rng: Rng::new(seed),
            hosts: Vec::new(),
            links: Vec::new(),
            routes: HashMap::new(),
            nats: Vec::new(),
            actions: Schedule::new(),
            trace: Trace::new(settings.keep_steps),
            sent: Vec::new(),
            clock,
            settings,
        }
    }

    /// Adds a host.
    ///
    /// # Panics
    /// Another host has the address.
    pub fn add(&mut self, name: &str, address: IpAddr, endpoint: E) -> HostId {
        self.hosts.push(Host { name: name.into(), addresses: Vec::new(), endpoint });
        let id = HostId(self.hosts.len() - 1);
        self.add_address(id, address);
        id
    }

    /// Gives a host another address, to which it may migrate.
    ///
    /// # Panics
    /// Another host has the address.
    pub fn add_address(&mut self, host: HostId, address: IpAddr) {
        assert!(self.host_of(address).is_none(), "{address} is taken");
        self.hosts[host.0].addresses.push(address);
    }

    /// Connects two addresses by a link there and one back.
    pub fn connect(
        &mut self,
        from: IpAddr,
        to: IpAddr,
        there: LinkSettings,
        back: LinkSettings,
    ) -> (LinkId, LinkId) {
        let (there, back) = (self.add_link(there), self.add_link(back));
        self.route(from, to, there);
        self.route(to, from, back);
        (there, back)
    }

    /// A link that [`route`](Network::route) can make several pairs of addresses share, whose times count from
    /// now.
    pub fn add_link(&mut self, settings: LinkSettings) -> LinkId {
        self.links.push(Link::new(self.rng.next_u64(), settings, self.clock.now()));
        LinkId(self.links.len() - 1)
    }

    /// What `from` sends to `to` goes through this link, from now on. Addresses are those of hosts, also behind
    /// a NAT.
    pub fn route(&mut self, from: IpAddr, to: IpAddr, link: LinkId) {
        self.routes.insert((from, to), link.0);
    }

    /// Puts an address of a host behind a NAT. The NAT's addresses must not be those of hosts.
    pub fn put_behind(&mut self, address: IpAddr, nat: Nat) {
        self.nats.retain(|(inside, _)| *inside != address);
        self.nats.push((address, nat));
    }

    /// Does something at this time since the start, before anything else that happens then. An action later than
    /// the end of a run waits for the next run.
    pub fn at(&mut self, time: Duration, action: impl FnOnce(&mut Network<E>, Instant) + 'static) {
        self.actions.push(self.start + time, Action(Box::new(action)));
    }

    /// Runs until all hosts are done, nothing is left to happen, or a limit is hit.
    pub fn run(&mut self) -> NetworkOutcome {
        self.run_while(false, None, |_| false)
    }

    /// The same, and ends when `condition` holds: it is asked before the first and after every arrival (or the few
    /// that come at the same time) and what followed from it.
    pub fn run_until(&mut self, condition: impl FnMut(&Network<E>) -> bool) -> NetworkOutcome {
        self.run_while(false, None, condition)
    }

    /// Runs everything that happens up to this time since the start, whether hosts are done or not.
    pub fn run_to(&mut self, time: Duration) -> NetworkOutcome {
        self.run_while(true, Some(time), |_| false)
    }

    /// Delivers a packet that no host sent, at once and through no link; false when nobody has its destination.
    /// The hosts act on it in the next run.
    pub fn inject(&mut self, packet: Packet) -> bool {
        self.deliver(self.clock.now(), packet)
    }

    /// The start of the clock.
    #[must_use]
    pub fn start(&self) -> Instant {
        self.start
    }

    /// The current virtual time.
    #[must_use]
    pub fn now(&self) -> Instant {
        self.clock.now()
    }

    /// Virtual time since the start.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.clock.elapsed()
    }

    /// A host.
    #[must_use]
    pub fn host(&self, host: HostId) -> &E {
        &self.hosts[host.0].endpoint
    }

    /// A host, to act on: what it has to say then is sent in the next run, or step when it runs.
    pub fn host_mut(&mut self, host: HostId) -> &mut E {
        &mut self.hosts[host.0].endpoint
    }

    /// A link.
    #[must_use]
    pub fn link(&self, link: LinkId) -> &Link {
        &self.links[link.0]
    }

    /// A link, to change.
    pub fn link_mut(&mut self, link: LinkId) -> &mut Link {
        &mut self.links[link.0]
    }

    /// The NAT in front of an address.
    #[must_use]
    pub fn nat(&self, address: IpAddr) -> Option<&Nat> {
        self.nats.iter().find(|(inside, _)| *inside == address).map(|(_, nat)| nat)
    }

    /// The NAT in front of an address, to rebind.
    pub fn nat_mut(&mut self, address: IpAddr) -> Option<&mut Nat> {
        self.nats.iter_mut().find(|(inside, _)| *inside == address).map(|(_, nat)| nat)
    }

    /// The address that others see when this one sends; `None` when it is behind a NAT and has no mapping.
    #[must_use]
    pub fn seen_as(&self, socket: SocketAddr) -> Option<SocketAddr> {
        match self.nat(socket.ip()) {
            Some(nat) => nat.outside_of(socket),
            None => Some(socket),
        }
    }

    /// Copies on their way, in all links.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        self.links.iter().map(Link::in_flight).sum()
    }

    /// The last steps.
    #[must_use]
    pub fn trace(&self) -> &Trace<NetworkEntry> {
        &self.trace
    }

    /// What hosts sent, where the settings keep it.
    #[must_use]
    pub fn sent(&self) -> &[SentPacket] {
        &self.sent
    }

    fn run_while(
        &mut self,
        beyond_done: bool,
        until: Option<Duration>,
        mut condition: impl FnMut(&Network<E>) -> bool,
    ) -> NetworkOutcome {
        let until = until.map(|time| self.start + time);
        let limit = self.start + self.settings.max_elapsed;
        let end = loop {
            if condition(self) {
                break NetworkEnd::Met;
            }
            if self.is_exhausted() {
                break NetworkEnd::StepLimit;
            }
            if self.turn() {
                continue;
            }
            if !beyond_done && self.hosts.iter().all(|host| host.endpoint.is_done()) {
                break NetworkEnd::Done;
            }
            let next = self.next_at();
            if let Some(until) = until.filter(|until| *until <= limit)
                && next.is_none_or(|at| at > until)
            {
                self.clock.advance_to(until);
                break NetworkEnd::Met;
            }
            match next {
                Some(at) if at > limit => {
                    self.clock.advance_to(limit);
                    break NetworkEnd::TimeLimit;
                }
                Some(at) => self.clock.advance_to(at),
                None => break NetworkEnd::Hang,
            }
        };
        let waiting = self.hosts.iter().filter(|host| !host.endpoint.is_done());
        NetworkOutcome {
            end,
            elapsed: self.clock.elapsed(),
            steps: self.trace.steps(),
            fingerprint: self.trace.fingerprint(),
            waiting: waiting.map(|host| host.name.to_string()).collect(),
        }
    }

    /// All that happens at this time, hosts and links in random order. False when nothing did.
    fn turn(&mut self) -> bool {
        let now = self.clock.now();
        let mut progress = false;
        while let Some(Action(action)) = self.actions.pop(now) {
            self.note("test".into(), NetworkStep::Acted);
            action(self, now);
            progress = true;
        }
        for link in self.in_random_order(self.links.len()) {
            while !self.is_exhausted()
                && let Some(packet) = self.links[link].receive(now)
            {
                progress = true;
                self.deliver(now, packet);
                // A driver answers each packet or a batch of them.
                if self.rng.percent(50) {
                    self.pump_all(now);
                }
            }
        }
        self.pump_all(now) || progress
    }

    fn pump_all(&mut self, now: Instant) -> bool {
        let mut progress = false;
        for host in self.in_random_order(self.hosts.len()) {
            progress |= self.pump(now, host);
        }
        progress
    }

    /// What a driver does when it is woken.
    fn pump(&mut self, now: Instant, host: usize) -> bool {
        let mut progress = false;
        if self.hosts[host].endpoint.deadline().is_some_and(|at| at <= now) {
            self.hosts[host].endpoint.on_deadline(now);
            self.note(self.hosts[host].name.clone(), NetworkStep::Deadline);
            progress = true;
        }
        while !self.is_exhausted()
            && let Some(packet) = self.hosts[host].endpoint.transmit(now)
        {
            self.send(now, host, packet);
            progress = true;
        }
        progress
    }

    fn send(&mut self, now: Instant, host: usize, packet: Packet) {
        let name = self.hosts[host].name.clone();
        let source = packet.source.ip();
        let route = (source, self.behind(packet.destination.ip()).unwrap_or(packet.destination.ip()));
        let link = self.routes.get(&route).copied();
        let link = link.filter(|_| self.hosts[host].addresses.contains(&source));
        let packet = match self.nat_mut(source) {
            Some(nat) if link.is_some() => nat.outbound(now, packet),
            _ => packet,
        };
        let summary = self.summary(&packet);
        let kept = self.settings.keep_packets.then(|| packet.clone());
        let fate = link.map(|link| self.links[link].send(now, packet));
        let step = fate.map_or(NetworkStep::Unroutable(summary), |fate| NetworkStep::Sent(summary, fate));
        self.note(name, step);
        if let Some(packet) = kept {
            self.sent.push(SentPacket { at: self.clock.elapsed(), by: HostId(host), packet, fate });
        }
    }

    fn deliver(&mut self, now: Instant, packet: Packet) -> bool {
        let summary = self.summary(&packet);
        let nat = self.nats.iter_mut().find(|(_, nat)| nat.owns(packet.destination.ip()));
        let packet = match nat {
            Some((_, nat)) => nat.inbound(now, packet),
            None => Some(packet),
        };
        let Some(packet) = packet else {
            self.note("nat".into(), NetworkStep::Refused(summary));
            return false;
        };
        let Some(host) = self.host_of(packet.destination.ip()) else {
            return false;
        };
        let summary = self.summary(&packet);
        self.note(self.hosts[host].name.clone(), NetworkStep::Received(summary));
        self.hosts[host].endpoint.receive(now, packet);
        true
    }

    fn next_at(&self) -> Option<Instant> {
        let arrivals = self.links.iter().filter_map(Link::next_at);
        let deadlines = self.hosts.iter().filter_map(|host| host.endpoint.deadline());
        arrivals.chain(deadlines).chain(self.actions.next_at()).min()
    }

    fn host_of(&self, address: IpAddr) -> Option<usize> {
        self.hosts.iter().position(|host| host.addresses.contains(&address))
    }

    /// The address behind the NAT that this one belongs to.
    fn behind(&self, outside: IpAddr) -> Option<IpAddr> {
        self.nats.iter().find(|(_, nat)| nat.owns(outside)).map(|(inside, _)| *inside)
    }

    fn in_random_order(&mut self, len: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..len).collect();
        for last in (1..len).rev() {
            order.swap(last, self.rng.below(last + 1));
        }
        order
    }

    fn summary(&self, packet: &Packet) -> Summary {
        Summary::new(packet, self.settings.contents)
    }

    fn is_exhausted(&self) -> bool {
        self.trace.steps() > self.settings.max_steps
    }

    fn note(&mut self, who: Arc<str>, step: NetworkStep) {
        self.trace.push(NetworkEntry { at: self.clock.elapsed(), who, step });
    }
}
