//! A toy protocol: numbered packets in a window, each acknowledged, sent again when its time is over.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::Bytes;
use wirelace_sim::{Ecn, Endpoint, Fingerprint, Packet};

const DATA: u8 = 0;
const ACK: u8 = 1;

/// Octets of a packet with data: it takes a millisecond at 10 Mbit/s, with 28 octets of headers.
pub(crate) const DATA_LEN: usize = 1222;

/// Both sides of the protocol.
#[derive(Debug)]
pub(crate) enum Toy {
    Sender(Sender),
    Receiver(Receiver),
}

/// Sends so many packets. Its window starts with ten and grows by one with each acknowledgement, so that the first
/// flight does not overflow a queue.
#[derive(Debug)]
pub(crate) struct Sender {
    pub(crate) local: SocketAddr,
    pub(crate) remote: SocketAddr,
    pub(crate) ecn: Ecn,
    pub(crate) total: u32,
    pub(crate) window: usize,
    /// `None`: never sends again what was lost.
    pub(crate) patience: Option<Duration>,
    next: u32,
    again: VecDeque<u32>,
    unacknowledged: BTreeMap<u32, Instant>,
    pub(crate) sent: u64,
}

/// Wants so many packets.
#[derive(Debug)]
pub(crate) struct Receiver {
    total: u32,
    pub(crate) numbers: BTreeSet<u32>,
    pub(crate) sources: Vec<SocketAddr>,
    pub(crate) marked: u64,
    pub(crate) broken: u64,
    acks: VecDeque<Packet>,
}

impl Sender {
    pub(crate) fn new(local: SocketAddr, remote: SocketAddr, total: u32, window: usize) -> Sender {
        Sender {
            local,
            remote,
            ecn: Ecn::NotEct,
            total,
            window,
            patience: Some(Duration::from_millis(400)),
            next: 0,
            again: VecDeque::new(),
            unacknowledged: BTreeMap::new(),
            sent: 0,
        }
    }

    pub(crate) fn acknowledged(&self) -> usize {
        self.next as usize - self.unacknowledged.len() - self.again.len()
    }

    fn allowed(&self) -> usize {
        self.window.min(10 + self.acknowledged())
    }

    fn transmit(&mut self, now: Instant) -> Option<Packet> {
        let number = if let Some(number) = self.again.pop_front() {
            number
        } else if self.next < self.total && self.unacknowledged.len() < self.allowed() {
            self.next += 1;
            self.next - 1
        } else {
            return None;
        };
        self.unacknowledged.insert(number, now);
        self.sent += 1;
        let data = encode(DATA, number, DATA_LEN);
        Some(Packet { source: self.local, destination: self.remote, ecn: self.ecn, data })
    }

    fn on_deadline(&mut self, now: Instant) {
        let Some(patience) = self.patience else { return };
        let over = |sent: &Instant| *sent + patience <= now;
        self.again
            .extend(self.unacknowledged.iter().filter(|(_, sent)| over(sent)).map(|(number, _)| *number));
        self.unacknowledged.retain(|_, sent| !over(sent));
    }
}

impl Receiver {
    pub(crate) fn new(total: u32) -> Receiver {
        Receiver {
            total,
            numbers: BTreeSet::new(),
            sources: Vec::new(),
            marked: 0,
            broken: 0,
            acks: VecDeque::new(),
        }
    }

    fn receive(&mut self, packet: Packet) {
        let Some((DATA, number)) = decode(&packet.data) else {
            self.broken += 1;
            return;
        };
        self.marked += u64::from(packet.ecn == Ecn::Ce);
        self.numbers.insert(number);
        if !self.sources.contains(&packet.source) {
            self.sources.push(packet.source);
        }
        self.acks.push_back(Packet {
            source: packet.destination,
            destination: packet.source,
            ecn: Ecn::NotEct,
            data: encode(ACK, number, 0),
        });
    }
}

impl Toy {
    pub(crate) fn sender(&self) -> &Sender {
        match self {
            Toy::Sender(sender) => sender,
            Toy::Receiver(_) => panic!("it receives"),
        }
    }

    pub(crate) fn sender_mut(&mut self) -> &mut Sender {
        match self {
            Toy::Sender(sender) => sender,
            Toy::Receiver(_) => panic!("it receives"),
        }
    }

    pub(crate) fn receiver(&self) -> &Receiver {
        match self {
            Toy::Receiver(receiver) => receiver,
            Toy::Sender(_) => panic!("it sends"),
        }
    }
}

impl Endpoint for Toy {
    fn receive(&mut self, _: Instant, packet: Packet) {
        match self {
            Toy::Receiver(receiver) => receiver.receive(packet),
            Toy::Sender(sender) => {
                if let Some((ACK, number)) = decode(&packet.data) {
                    sender.unacknowledged.remove(&number);
                    sender.again.retain(|again| *again != number);
                }
            }
        }
    }

    fn transmit(&mut self, now: Instant) -> Option<Packet> {
        match self {
            Toy::Sender(sender) => sender.transmit(now),
            Toy::Receiver(receiver) => receiver.acks.pop_front(),
        }
    }

    fn deadline(&self) -> Option<Instant> {
        match self {
            Toy::Sender(sender) => {
                let patience = sender.patience?;
                sender.unacknowledged.values().min().map(|sent| *sent + patience)
            }
            Toy::Receiver(_) => None,
        }
    }

    fn on_deadline(&mut self, now: Instant) {
        self.sender_mut().on_deadline(now);
    }

    fn is_done(&self) -> bool {
        match self {
            Toy::Sender(sender) => sender.acknowledged() == sender.total as usize,
            Toy::Receiver(receiver) => receiver.numbers.len() == receiver.total as usize,
        }
    }
}

fn checksum(octets: &[u8]) -> u64 {
    let mut fingerprint = Fingerprint::new();
    fingerprint.mix_octets(octets);
    fingerprint.value()
}

fn encode(kind: u8, number: u32, len: usize) -> Bytes {
    let mut body = vec![kind];
    body.extend(number.to_be_bytes());
    body.resize(len.saturating_sub(8).max(5), 7);
    let mut octets = checksum(&body).to_be_bytes().to_vec();
    octets.extend(body);
    octets.into()
}

fn decode(octets: &[u8]) -> Option<(u8, u32)> {
    let (sum, body) = octets.split_first_chunk()?;
    if u64::from_be_bytes(*sum) != checksum(body) {
        return None;
    }
    let (kind, rest) = body.split_first()?;
    Some((*kind, u32::from_be_bytes(*rest.first_chunk()?)))
}
