//! Where the peer is: addresses, their validation (RFC 9000 §8), and how large datagrams may be (RFC 8899).

use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use crate::entropy::Entropy;

/// What every path carries (RFC 9000 §14).
pub(crate) const MIN_DATAGRAM: u16 = 1200;
/// Challenges that wait to be answered; older ones are dropped (CVE-2023-49295).
const RESPONSES: usize = 4;
/// How often a challenge is sent.
const CHALLENGES: usize = 6;
/// As many times what came may go to an address that is not validated (§8.1).
const AMPLIFICATION: u64 = 3;
/// Octets of a datagram with a challenge, or with the answer to one, and an ACK frame.
const CHALLENGE: u16 = 80;
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
    /// A client's: the server's address was never in doubt (§8.1), only whether the way there works.
    pub(crate) unlimited: bool,
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
    /// Those that went, the newest last, and whether in a datagram of full size: the answer then shows that the path
    /// carries that.
    sent: Vec<([u8; 8], bool)>,
    /// It has to go (again).
    due: bool,
    /// When it goes again.
    again: Option<Instant>,
    /// When the path is given up, whether anything could be sent there or not.
    until: Instant,
}

/// To a challenge that came from where the peer is not, or not yet: it goes there, and moves nothing (§9.1).
#[derive(Debug, Clone, Copy)]
pub(crate) struct Answer {
    pub(crate) remote: SocketAddr,
    pub(crate) local: Option<IpAddr>,
    pub(crate) data: [u8; 8],
    /// Octets that may go.
    pub(crate) room: usize,
}

impl Answer {
    /// To one more of those that wait; older ones are dropped.
    pub(crate) fn add_to(self, waiting: &mut Vec<Answer>) {
        if waiting.len() >= RESPONSES {
            waiting.remove(0);
        }
        waiting.push(self);
    }

    pub(crate) fn new(remote: SocketAddr, local: Option<IpAddr>, data: [u8; 8], datagram: usize) -> Answer {
        Answer { remote, local, data, room: datagram.saturating_mul(AMPLIFICATION as usize) }
    }
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
            unlimited: false,
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
        if self.validated || self.unlimited {
            return usize::MAX;
        }
        let room = self.received.saturating_mul(AMPLIFICATION).saturating_sub(self.sent);
        usize::try_from(room).unwrap_or(usize::MAX)
    }

    /// Something can go: in the handshake datagrams have their full size (RFC 9000 §14.1), later a challenge is enough.
    pub(crate) fn has_room(&self, handshaking: bool) -> bool {
        self.room() >= usize::from(if handshaking { MIN_DATAGRAM } else { CHALLENGE })
    }

    /// Asks the peer to show that it is there, until then.
    pub(crate) fn begin_validation(&mut self, entropy: &mut Entropy, until: Instant) {
        let data = entropy.array();
        self.challenge = Some(Challenge { data, sent: Vec::new(), due: true, again: None, until });
    }

    pub(crate) fn is_validating(&self) -> bool {
        self.challenge.is_some()
    }

    pub(crate) fn challenge_due(&self) -> Option<[u8; 8]> {
        self.challenge.as_ref().filter(|challenge| challenge.due).map(|challenge| challenge.data)
    }

    /// `patience`: how long until it goes again, and twice as long each time.
    pub(crate) fn challenge_sent(&mut self, now: Instant, patience: Duration) {
        let full = self.room() >= usize::from(MIN_DATAGRAM);
        if let Some(challenge) = &mut self.challenge {
            challenge.due = false;
            challenge.again = Some(now + patience * (1 << challenge.sent.len()));
            challenge.sent.push((challenge.data, full));
        }
    }

    pub(crate) fn deadline(&self) -> Option<Instant> {
        let challenge = self.challenge.as_ref()?;
        Some(challenge.again.map_or(challenge.until, |again| again.min(challenge.until)))
    }

    /// False: the path is given up.
    pub(crate) fn on_deadline(&mut self, now: Instant, entropy: &mut Entropy) -> bool {
        let Some(challenge) = &mut self.challenge else { return true };
        if challenge.until <= now {
            self.challenge = None;
            return false;
        }
        if challenge.again.is_some_and(|again| again <= now) {
            challenge.again = None;
            if challenge.sent.len() < CHALLENGES {
                // Each attempt has data of its own (§8.2.1).
                challenge.data = entropy.array();
                challenge.due = true;
            }
        }
        true
    }

    /// PATH_RESPONSE; true when the path is now validated.
    pub(crate) fn on_response(&mut self, data: [u8; 8], entropy: &mut Entropy) -> bool {
        let Some(challenge) = &self.challenge else { return false };
        let Some((_, full)) = challenge.sent.iter().find(|(sent, _)| *sent == data).copied() else {
            return false;
        };
        let until = challenge.until;
        self.challenge = None;
        if !full {
            // Once more, with as many octets as every path has to carry (§8.2.1).
            self.begin_validation(entropy, until);
        }
        !core::mem::replace(&mut self.validated, true)
    }

    pub(crate) fn on_challenge(&mut self, data: [u8; 8]) {
        if self.responses.len() >= RESPONSES {
            self.responses.pop_front();
        }
        self.responses.push_back(data);
    }

    /// Goes on with what came for it before it was in use.
    pub(crate) fn take_over(&mut self, answers: &mut Vec<Answer>) {
        answers.retain(|answer| {
            let here = self.is(answer.remote, answer.local);
            if here {
                self.on_challenge(answer.data);
            }
            !here
        });
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
    /// Larger packets than every path carries went since one arrived.
    large: bool,
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
            large: false,
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

    /// A packet of this size goes.
    pub(crate) fn sent(&mut self, size: u16) {
        self.large |= size > MIN_DATAGRAM;
    }

    /// A packet of this size arrived. Smaller ones say nothing about those that may get lost.
    pub(crate) fn arrived(&mut self, size: u16) {
        if size > MIN_DATAGRAM {
            self.timeouts = 0;
            self.large = false;
        }
    }

    /// Nothing arrives. True where datagrams are smaller from now on: the path may have come to carry no larger ones (RFC
    /// 8899 §4.3).
    pub(crate) fn timed_out(&mut self, now: Instant) -> bool {
        self.timeouts += u32::from(self.large);
        if self.timeouts < PROBES || self.current == MIN_DATAGRAM {
            return false;
        }
        self.current = MIN_DATAGRAM;
        (self.timeouts, self.large) = (0, false);
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
        path.received(400);
        path.begin_validation(&mut entropy, now + Duration::from_secs(10));
        let first = path.challenge_due().unwrap();
        assert!(!path.on_response(first, &mut entropy), "it was not sent yet");
        path.challenge_sent(now, Duration::from_secs(1));
        assert!(!path.on_response([0; 8], &mut entropy) && path.challenge_due().is_none());
        let later = now + Duration::from_secs(1);
        assert!(path.on_deadline(later, &mut entropy));
        let second = path.challenge_due().unwrap();
        assert_ne!(first, second);
        path.challenge_sent(later, Duration::from_secs(1));
        assert!(
            path.on_response(second, &mut entropy)
                && path.validated
                && !path.on_response(second, &mut entropy)
                && !path.on_response(first, &mut entropy)
        );
    }

    #[test]
    fn a_path_without_answers_is_given_up() {
        let (mut path, mut entropy, mut now) = (path(false), Entropy::new(&[1; 32]), Instant::now());
        let begin = now;
        path.begin_validation(&mut entropy, now + Duration::from_secs(10));
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
        // After 0, 1, 3 and 7 seconds.
        assert_eq!((sent, path.is_validating(), now - begin), (4, false, Duration::from_secs(10)));
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
