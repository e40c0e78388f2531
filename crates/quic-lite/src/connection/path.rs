//! Where the peer is: addresses, their validation (RFC 9000 §8), and how large datagrams may be (RFC 8899).

use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use crate::entropy::Entropy;

/// What every path carries (RFC 9000 §14).
pub(crate) const MIN_DATAGRAM: u16 = 1200;
/// Challenges that wait to be answered; older ones are dropped (CVE-2023-49295).
const RESPONSES: usize = 4;
/// How often a challenge is sent before the path is given up.
const CHALLENGES: u32 = 3;
/// As many times what came may go to an address that is not validated (§8.1).
const AMPLIFICATION: u64 = 3;
/// Probes of one size that may get lost before it counts as too large.
const PROBES: u32 = 3;
/// Sizes closer than this are not worth another probe.
const GRAIN: u16 = 20;
/// After so long a larger size is tried again.
const TRY_AGAIN: Duration = Duration::from_secs(600);

#[derive(Debug)]
pub(crate) struct Path {
    pub(crate) remote: SocketAddr,
    pub(crate) local: Option<IpAddr>,
    /// The peer has shown that it is there.
    pub(crate) validated: bool,
    received: u64,
    sent: u64,
    challenge: Option<Challenge>,
    responses: VecDeque<[u8; 8]>,
    /// Increases with each migration: acknowledgements of older paths' packets say nothing about this one.
    pub(crate) generation: u8,
    pub(crate) mtu: MtuSearch,
}

#[derive(Debug)]
struct Challenge {
    data: [u8; 8],
    sent: u32,
    /// It has to go (again).
    due: bool,
    deadline: Option<Instant>,
    /// The path is given up then, whatever amplification has let go until then.
    give_up: Instant,
}

impl Path {
    pub(crate) fn new(
        remote: SocketAddr,
        local: Option<IpAddr>,
        validated: bool,
        generation: u8,
        max_datagram: u16,
    ) -> Path {
        Path {
            remote,
            local,
            validated,
            received: 0,
            sent: 0,
            challenge: None,
            responses: VecDeque::new(),
            generation,
            mtu: MtuSearch::new(max_datagram),
        }
    }

    pub(crate) fn is(&self, remote: SocketAddr, local: Option<IpAddr>) -> bool {
        self.remote == remote && (self.local == local || self.local.is_none() || local.is_none())
    }

    pub(crate) fn received(&mut self, octets: usize) {
        self.received = self.received.saturating_add(octets as u64);
    }

    pub(crate) fn sent(&mut self, octets: usize) {
        self.sent = self.sent.saturating_add(octets as u64);
    }

    /// Octets that may go now, as far as amplification is concerned.
    pub(crate) fn room(&self) -> usize {
        if self.validated {
            return usize::MAX;
        }
        let room = self.received.saturating_mul(AMPLIFICATION).saturating_sub(self.sent);
        usize::try_from(room).unwrap_or(usize::MAX)
    }

    /// Asks the peer to show that it is there.
    pub(crate) fn begin_validation(&mut self, entropy: &mut Entropy, give_up: Instant) {
        self.challenge =
            Some(Challenge { data: entropy.array(), sent: 0, due: true, deadline: None, give_up });
    }

    pub(crate) fn is_validating(&self) -> bool {
        self.challenge.is_some()
    }

    pub(crate) fn challenge_due(&self) -> Option<[u8; 8]> {
        self.challenge.as_ref().filter(|challenge| challenge.due).map(|challenge| challenge.data)
    }

    /// `patience`: how long until it goes again.
    pub(crate) fn challenge_sent(&mut self, now: Instant, patience: Duration) {
        if let Some(challenge) = &mut self.challenge {
            challenge.sent += 1;
            challenge.due = false;
            challenge.deadline = Some(now + patience * challenge.sent);
        }
    }

    pub(crate) fn deadline(&self) -> Option<Instant> {
        let challenge = self.challenge.as_ref()?;
        Some(challenge.deadline.map_or(challenge.give_up, |deadline| deadline.min(challenge.give_up)))
    }

    /// False: the path is given up.
    pub(crate) fn on_deadline(&mut self, now: Instant, entropy: &mut Entropy) -> bool {
        let Some(challenge) = &mut self.challenge else { return true };
        if challenge.give_up <= now {
            self.challenge = None;
            return false;
        }
        if challenge.deadline.is_none_or(|deadline| deadline > now) {
            return true;
        }
        challenge.deadline = None;
        if challenge.sent >= CHALLENGES {
            self.challenge = None;
            return false;
        }
        // Each attempt has data of its own (§8.2.1); answers to older ones come too late.
        challenge.data = entropy.array();
        challenge.due = true;
        true
    }

    /// PATH_RESPONSE; true when the path is now validated.
    pub(crate) fn on_response(&mut self, data: [u8; 8]) -> bool {
        if self.challenge.as_ref().is_none_or(|challenge| challenge.data != data || challenge.sent == 0) {
            return false;
        }
        self.challenge = None;
        !core::mem::replace(&mut self.validated, true)
    }

    pub(crate) fn on_challenge(&mut self, data: [u8; 8]) {
        if self.responses.len() >= RESPONSES {
            self.responses.pop_front();
        }
        self.responses.push_back(data);
    }

    pub(crate) fn response_due(&self) -> Option<[u8; 8]> {
        self.responses.front().copied()
    }

    pub(crate) fn response_sent(&mut self) {
        self.responses.pop_front();
    }
}

/// The search for the largest datagram that a path carries.
#[derive(Debug)]
pub(crate) struct MtuSearch {
    /// What is known to go through.
    current: u16,
    /// The smallest that did not.
    ceiling: u16,
    most: u16,
    /// The size of the probe that is out.
    probe: Option<u16>,
    lost: u32,
    /// The next search begins then.
    again: Option<Instant>,
    /// Probe timeouts in a row: larger packets may go through no more.
    timeouts: u32,
    enabled: bool,
}

impl MtuSearch {
    fn new(most: u16) -> MtuSearch {
        let most = most.max(MIN_DATAGRAM);
        MtuSearch {
            current: MIN_DATAGRAM,
            ceiling: most.saturating_add(1),
            most,
            probe: None,
            lost: 0,
            again: None,
            timeouts: 0,
            enabled: false,
        }
    }

    /// The handshake is confirmed; the peer takes datagrams of at most that.
    pub(crate) fn enable(&mut self, peer: u64) {
        self.enabled = true;
        self.most = self.most.min(u16::try_from(peer).unwrap_or(u16::MAX)).max(MIN_DATAGRAM);
        self.ceiling = self.ceiling.min(self.most.saturating_add(1));
    }

    pub(crate) fn current(&self) -> u16 {
        self.current
    }

    /// The size of a probe that should go now.
    pub(crate) fn wants_probe(&self, now: Instant) -> Option<u16> {
        if !self.enabled || self.probe.is_some() || self.again.is_some_and(|again| again > now) {
            return None;
        }
        // The largest first: most paths carry it.
        if self.ceiling > self.most {
            return (self.most > self.current).then_some(self.most);
        }
        (self.ceiling.saturating_sub(self.current) > GRAIN).then_some((self.current + self.ceiling) / 2)
    }

    pub(crate) fn probe_sent(&mut self, size: u16) {
        self.probe = Some(size);
    }

    /// A probe arrived. True where datagrams are larger from now on.
    pub(crate) fn on_acked(&mut self, size: u16) -> bool {
        if self.probe != Some(size) {
            return false;
        }
        self.probe = None;
        self.lost = 0;
        let larger = size > self.current;
        self.current = self.current.max(size);
        larger
    }

    /// A probe did not arrive.
    pub(crate) fn on_lost(&mut self, now: Instant, size: u16) {
        if self.probe != Some(size) {
            return;
        }
        self.probe = None;
        self.lost += 1;
        if self.lost >= PROBES {
            self.lost = 0;
            self.ceiling = size;
            if self.ceiling <= self.current.saturating_add(GRAIN) {
                self.again = Some(now + TRY_AGAIN);
                self.ceiling = self.most.saturating_add(1);
            }
        }
    }

    /// Something arrived.
    pub(crate) fn arrived(&mut self) {
        self.timeouts = 0;
    }

    /// Nothing arrives. True where datagrams are smaller from now on: the path may have come to carry no larger ones (RFC
    /// 8899 §4.3).
    pub(crate) fn timed_out(&mut self, now: Instant) -> bool {
        self.timeouts += 1;
        if self.timeouts < PROBES || self.current == MIN_DATAGRAM {
            return false;
        }
        self.current = MIN_DATAGRAM;
        self.probe = None;
        self.ceiling = self.most.saturating_add(1);
        self.again = Some(now + TRY_AGAIN);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(validated: bool) -> Path {
        Path::new("127.0.0.1:1".parse().unwrap(), None, validated, 0, 1452)
    }

    #[test]
    fn three_times_what_came_and_no_more() {
        let mut path = path(false);
        assert_eq!(path.room(), 0);
        path.received(1200);
        path.sent(3000);
        assert_eq!(path.room(), 600);
        path.sent(700);
        assert_eq!(path.room(), 0);
        path.validated = true;
        assert_eq!(path.room(), usize::MAX);
    }

    #[test]
    fn a_path_is_validated_by_the_answer_to_its_challenge_alone() {
        let (mut path, mut entropy, now) = (path(false), Entropy::new(&[1; 32]), Instant::now());
        path.begin_validation(&mut entropy, now + Duration::from_secs(60));
        let first = path.challenge_due().unwrap();
        assert!(!path.on_response(first), "it was not sent yet");
        path.challenge_sent(now, Duration::from_secs(1));
        assert!(!path.on_response([0; 8]) && path.challenge_due().is_none());
        let later = now + Duration::from_secs(1);
        assert!(path.on_deadline(later, &mut entropy));
        let second = path.challenge_due().unwrap();
        assert_ne!(first, second);
        path.challenge_sent(later, Duration::from_secs(1));
        assert!(path.on_response(second) && path.validated && !path.on_response(second));
    }

    #[test]
    fn a_path_without_answers_is_given_up() {
        let (mut path, mut entropy, mut now) = (path(false), Entropy::new(&[1; 32]), Instant::now());
        path.begin_validation(&mut entropy, now + Duration::from_secs(60));
        let mut sent = 0;
        loop {
            if path.challenge_due().is_some() {
                path.challenge_sent(now, Duration::from_secs(1));
                sent += 1;
            }
            now = path.deadline().unwrap();
            if !path.on_deadline(now, &mut entropy) {
                break;
            }
        }
        assert_eq!((sent, path.is_validating()), (3, false));
    }

    #[test]
    fn challenges_beyond_a_few_are_dropped() {
        let mut path = path(true);
        (0..100).for_each(|number| path.on_challenge([number; 8]));
        let mut answered = Vec::new();
        while let Some(data) = path.response_due() {
            answered.push(data[0]);
            path.response_sent();
        }
        assert_eq!(answered, [96, 97, 98, 99]);
    }

    #[test]
    fn the_search_finds_what_the_path_carries() {
        for carries in [1200, 1201, 1280, 1300, 1400, 1451, 1452, 9000] {
            let (mut mtu, now) = (MtuSearch::new(1452), Instant::now());
            mtu.enable(65_527);
            let mut probes = 0;
            while let Some(size) = mtu.wants_probe(now) {
                probes += 1;
                mtu.probe_sent(size);
                if size <= carries {
                    assert!(mtu.on_acked(size));
                } else {
                    mtu.on_lost(now, size);
                }
                assert!(probes < 40);
            }
            let found = mtu.current();
            assert!(found <= carries.max(1200) && found + GRAIN >= carries.min(1452), "{carries}: {found}");
        }
    }
}
