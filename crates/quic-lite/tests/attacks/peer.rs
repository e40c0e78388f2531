//! A peer that does TLS by the book and everything else by hand: it has all keys, and seals whatever it is given.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use wirelace_quic_lite::frame::{Frame, Frames, PacketType};
use wirelace_quic_lite::header::{Header, LongType};
use wirelace_quic_lite::packet_number;
use wirelace_tls_glue::quic::{
    DirectionalKeys, KeyUpdates, Keys, Level, PacketKeys, QuicEvent, QuicHandshake, QuicSession, Side,
    TAG_LENGTH, Version,
};

use super::wire::{crypto, numbers, varint};

/// Octets of CRYPTO data in a packet.
const PIECE: usize = 1000;

/// How a packet is to be.
#[derive(Debug, Clone)]
pub(crate) struct Shape {
    pub(crate) kind: PacketType,
    /// Another than the next.
    pub(crate) number: Option<u64>,
    /// Flipped in the first octet before it is protected.
    pub(crate) bits: u8,
    pub(crate) destination: Option<Vec<u8>>,
    pub(crate) source: Option<Vec<u8>>,
    pub(crate) token: Option<Vec<u8>>,
    /// PADDING is added up to so many octets of the packet.
    pub(crate) size: usize,
}

impl Shape {
    pub(crate) fn new(kind: PacketType) -> Shape {
        Shape { kind, number: None, bits: 0, destination: None, source: None, token: None, size: 0 }
    }
}

/// A packet that came, opened.
#[derive(Debug, Clone)]
pub(crate) struct Came {
    pub(crate) kind: PacketType,
    pub(crate) payload: Vec<u8>,
}

impl Came {
    pub(crate) fn frames(&self) -> impl Iterator<Item = Frame<'_>> {
        Frames::new(&self.payload, self.kind).map(|frame| frame.expect("what comes can be read"))
    }
}

/// Changes what TLS says before it goes.
pub(crate) type Edit = Box<dyn FnMut(Level, Vec<u8>) -> Vec<u8>>;

pub(crate) struct Peer {
    pub(crate) side: Side,
    pub(crate) version: Version,
    pub(crate) tls: Option<QuicSession>,
    /// The id of the client's first packet.
    pub(crate) original: Vec<u8>,
    pub(crate) destination: Vec<u8>,
    pub(crate) source: Vec<u8>,
    pub(crate) token: Vec<u8>,
    pub(crate) keys: [Option<Keys>; 3],
    /// A client's, of 0-RTT packets.
    pub(crate) early: Option<DirectionalKeys>,
    updates: Option<Box<KeyUpdates>>,
    next_keys: Option<PacketKeys>,
    pub(crate) phase: bool,
    pub(crate) next: [u64; 3],
    incoming: [BTreeMap<u64, Vec<u8>>; 3],
    read: [u64; 3],
    pub(crate) outgoing: [Vec<u8>; 3],
    pub(crate) sent: [usize; 3],
    pub(crate) received: [BTreeSet<u64>; 3],
    owes: [bool; 3],
    pub(crate) complete: bool,
    done: bool,
    pub(crate) acks: bool,
    /// It says nothing of itself.
    pub(crate) mute: bool,
    pub(crate) came: Vec<Came>,
    pub(crate) records: bool,
    /// Code and frame type of CONNECTION_CLOSE; of the application: with no type.
    pub(crate) close: Option<(u64, Option<u64>)>,
    pub(crate) edit: Option<Edit>,
    /// Retry, Version Negotiation, and what could not be opened.
    pub(crate) others: Vec<Vec<u8>>,
}

pub(crate) fn space(kind: PacketType) -> usize {
    match kind {
        PacketType::Initial => 0,
        PacketType::Handshake => 1,
        PacketType::ZeroRtt | PacketType::OneRtt => 2,
    }
}

fn level_space(level: Level) -> usize {
    match level {
        Level::Initial => 0,
        Level::Handshake => 1,
        Level::ZeroRtt | Level::OneRtt => 2,
    }
}

pub(crate) const KINDS: [PacketType; 3] = [PacketType::Initial, PacketType::Handshake, PacketType::OneRtt];

impl Peer {
    pub(crate) fn new(
        side: Side,
        version: Version,
        original: &[u8],
        destination: &[u8],
        source: &[u8],
    ) -> Peer {
        Peer {
            side,
            version,
            tls: None,
            original: original.to_vec(),
            destination: destination.to_vec(),
            source: source.to_vec(),
            token: Vec::new(),
            keys: [Some(Keys::initial(version, original, side).unwrap()), None, None],
            early: None,
            updates: None,
            next_keys: None,
            phase: false,
            next: [0; 3],
            incoming: Default::default(),
            read: [0; 3],
            outgoing: Default::default(),
            sent: [0; 3],
            received: Default::default(),
            owes: [false; 3],
            complete: false,
            done: false,
            acks: true,
            mute: false,
            came: Vec::new(),
            records: true,
            close: None,
            edit: None,
            others: Vec::new(),
        }
    }

    /// Takes what TLS has.
    pub(crate) fn pull(&mut self) {
        let Some(tls) = &mut self.tls else { return };
        while let Ok(Some(event)) = tls.poll_event() {
            match event {
                QuicEvent::Crypto { level, data } => {
                    let mut data = data.to_vec();
                    if let Some(edit) = &mut self.edit {
                        data = edit(level, data);
                    }
                    self.outgoing[level_space(level)].extend_from_slice(&data);
                }
                QuicEvent::EarlyKeys(keys) => self.early = Some(*keys),
                QuicEvent::HandshakeKeys(keys) => self.keys[1] = Some(*keys),
                QuicEvent::OneRttKeys { keys, mut updates } => {
                    self.keys[2] = Some(*keys);
                    self.next_keys = Some(updates.next_keys().unwrap());
                    self.updates = Some(updates);
                }
                QuicEvent::Complete(_) => self.complete = true,
                _ => {}
            }
        }
    }

    /// Goes on to the next key phase, for what it sends and what comes.
    pub(crate) fn update_keys(&mut self) {
        let next = self.next_keys.take().unwrap();
        let keys = self.keys[2].as_mut().unwrap();
        (keys.local.packet, keys.remote.packet) = (next.local, next.remote);
        self.next_keys = Some(self.updates.as_mut().unwrap().next_keys().unwrap());
        self.phase = !self.phase;
    }

    fn local(&mut self, kind: PacketType) -> Option<&mut DirectionalKeys> {
        if kind == PacketType::ZeroRtt {
            return self.early.as_mut();
        }
        self.keys[space(kind)].as_mut().map(|keys| &mut keys.local)
    }

    /// Seals a packet. The packet number has four octets.
    pub(crate) fn packet(&mut self, shape: &Shape, frames: &[u8]) -> Vec<u8> {
        let at = space(shape.kind);
        let number = shape.number.unwrap_or(self.next[at]);
        if shape.number.is_none() {
            self.next[at] += 1;
        }
        let destination = shape.destination.clone().unwrap_or_else(|| self.destination.clone());
        let source = shape.source.clone().unwrap_or_else(|| self.source.clone());
        let mut out = Vec::new();
        let mut payload = frames.to_vec();
        if shape.kind == PacketType::OneRtt {
            out.push((0x43 | u8::from(self.phase) << 2) ^ shape.bits);
            out.extend_from_slice(&destination);
            payload.resize(payload.len().max(shape.size.saturating_sub(out.len() + 4 + TAG_LENGTH)), 0);
        } else {
            let kind = match shape.kind {
                PacketType::Initial => 0,
                PacketType::ZeroRtt => 1,
                _ => 2,
            } + u8::from(self.version == Version::V2);
            out.push((0xc3 | kind << 4) ^ shape.bits);
            out.extend_from_slice(&self.version.number().to_be_bytes());
            for id in [&destination, &source] {
                out.push(id.len() as u8);
                out.extend_from_slice(id);
            }
            if shape.kind == PacketType::Initial {
                let token = shape.token.as_ref().unwrap_or(&self.token);
                out.extend_from_slice(&varint(token.len() as u64));
                out.extend_from_slice(token);
            }
            payload.resize(payload.len().max(shape.size.saturating_sub(out.len() + 2 + 4 + TAG_LENGTH)), 0);
            let length = 4 + payload.len() + TAG_LENGTH;
            out.extend_from_slice(&(length as u16 | 0x4000).to_be_bytes());
        }
        let number_at = out.len();
        out.extend_from_slice(&(number as u32).to_be_bytes());
        let keys = self.local(shape.kind).expect("keys");
        let tag = keys.packet.seal(number, &out, &mut payload).unwrap();
        out.extend_from_slice(&payload);
        out.extend_from_slice(&tag);
        keys.header.protect(&mut out, number_at).unwrap();
        out
    }

    /// Reads a datagram.
    pub(crate) fn take(&mut self, now: Instant, datagram: &[u8]) {
        let mut rest = datagram.to_vec();
        while !rest.is_empty() {
            let Ok(header) = Header::parse(&rest, self.source.len()) else {
                return self.others.push(rest);
            };
            let mut packet = rest;
            rest = packet.split_off(header.packet_length());
            let (kind, offset) = match &header {
                Header::Long { kind, number_offset, source, .. } => {
                    if self.side == Side::Client {
                        self.destination = source.as_slice().to_vec();
                    }
                    let kind = match kind {
                        LongType::Initial => PacketType::Initial,
                        LongType::ZeroRtt => PacketType::ZeroRtt,
                        LongType::Handshake => PacketType::Handshake,
                    };
                    (kind, *number_offset)
                }
                Header::Short { number_offset, .. } => (PacketType::OneRtt, *number_offset),
                _ => {
                    self.others.push(packet);
                    continue;
                }
            };
            match self.open(kind, &mut packet, offset) {
                Some((number, payload)) => self.on_packet(now, kind, number, payload),
                None => self.others.push(packet),
            }
        }
    }

    fn open(&mut self, kind: PacketType, packet: &mut [u8], offset: usize) -> Option<(u64, Vec<u8>)> {
        let at = space(kind);
        let keys = &self.keys[at].as_ref()?.remote;
        let truncated = keys.header.unprotect(packet, offset).ok()?;
        let expected = self.received[at].last().map_or(0, |largest| largest + 1);
        let number = packet_number::decode(truncated.value, truncated.length, expected);
        let (head, sealed) = packet.split_at_mut(offset + truncated.length);
        let sealed = sealed.to_vec();
        let mut first = sealed.clone();
        if let Ok(length) = keys.packet.open(number, head, &mut first) {
            first.truncate(length);
            return Some((number, first));
        }
        // The other side has updated its keys.
        let mut second = sealed;
        let length = self.next_keys.as_ref()?.remote.open(number, head, &mut second).ok()?;
        second.truncate(length);
        self.update_keys();
        Some((number, second))
    }

    fn on_packet(&mut self, now: Instant, kind: PacketType, number: u64, payload: Vec<u8>) {
        let at = space(kind);
        self.received[at].insert(number);
        let came = Came { kind, payload };
        for frame in came.frames() {
            self.owes[at] |= frame.is_ack_eliciting();
            match frame {
                Frame::Crypto { offset, data } => {
                    self.incoming[at].insert(offset, data.to_vec());
                }
                Frame::ConnectionClose { code, frame_type, .. } => {
                    self.close.get_or_insert((code.value(), Some(frame_type)));
                }
                Frame::ApplicationClose { code, .. } => {
                    self.close.get_or_insert((code, None));
                }
                _ => {}
            }
        }
        if self.records {
            self.came.push(came);
        }
        self.read(now);
    }

    fn read(&mut self, now: Instant) {
        loop {
            self.pull();
            let Some(tls) = &mut self.tls else { return };
            let level = tls.expected_level();
            let at = level_space(level);
            let Some((offset, data)) = self.incoming[at].first_key_value() else { return };
            if *offset > self.read[at] {
                return;
            }
            let known = (self.read[at] - offset) as usize;
            let data = data.get(known..).unwrap_or_default().to_vec();
            self.incoming[at].pop_first();
            self.read[at] += data.len() as u64;
            let _ = tls.read_crypto(now, level, &data);
        }
    }

    /// ACK of all that came in this space.
    pub(crate) fn ack(&self, at: usize) -> Vec<u8> {
        let mut ranges: Vec<(u64, u64)> = Vec::new();
        for number in self.received[at].iter().rev() {
            match ranges.last_mut() {
                Some((low, _)) if *low == number + 1 => *low = *number,
                _ => ranges.push((*number, *number)),
            }
        }
        ranges.truncate(100);
        let Some(&(low, high)) = ranges.first() else { return Vec::new() };
        let mut frame = numbers(&[0x02, high, 0, ranges.len() as u64 - 1, high - low]);
        for pair in ranges.windows(2) {
            frame.extend(numbers(&[pair[0].0 - pair[1].1 - 2, pair[1].1 - pair[1].0]));
        }
        frame
    }

    /// What it has to say by the book: CRYPTO, ACK, HANDSHAKE_DONE.
    pub(crate) fn respond(&mut self) -> Vec<Vec<u8>> {
        self.pull();
        let mut datagrams = Vec::new();
        if self.mute {
            return datagrams;
        }
        loop {
            let mut datagram = Vec::new();
            for kind in KINDS {
                let at = space(kind);
                if self.keys[at].is_none() {
                    continue;
                }
                let mut frames = Vec::new();
                if self.acks && std::mem::take(&mut self.owes[at]) {
                    frames.extend(self.ack(at));
                }
                let rest = &self.outgoing[at][self.sent[at]..];
                if !rest.is_empty() {
                    let piece = &rest[..rest.len().min(PIECE - datagram.len().min(PIECE - 1))];
                    frames.extend(crypto(self.sent[at] as u64, piece));
                    self.sent[at] += piece.len();
                }
                if at == 2
                    && self.complete
                    && self.side == Side::Server
                    && !std::mem::replace(&mut self.done, true)
                {
                    frames.push(0x1e);
                }
                if frames.is_empty() {
                    continue;
                }
                let mut shape = Shape::new(kind);
                if kind == PacketType::Initial {
                    shape.size = 1200;
                }
                let packet = self.packet(&shape, &frames);
                if !datagram.is_empty() && datagram.len() + packet.len() > 1400 {
                    datagrams.push(std::mem::take(&mut datagram));
                }
                datagram.extend(packet);
            }
            if datagram.is_empty() {
                return datagrams;
            }
            datagrams.push(datagram);
        }
    }
}
