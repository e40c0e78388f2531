//! Datagrams that go: what is in them, how large they are, and when they may (RFC 9000 §12.2, §13, §14).

use std::time::Instant;

use super::close_state::Said;
use super::packet::{HeaderFields, Packet, overhead};
use super::path::MIN_DATAGRAM;
use super::{Connection, Stage};
use crate::error::TransportErrorCode;
use crate::frame::{Frame, PacketType};
use crate::recovery::{Sent, Space};
use crate::sent_frame::SentFrame;
use crate::transmit::{Ecn, Transmit};

/// Octets that are worth another packet in a datagram.
const WORTH: usize = 32;
/// Octets that a datagram may be padded with so that others can follow in one train.
const NEARLY: usize = 48;
const SPACES: [Space; 3] = [Space::Initial, Space::Handshake, Space::Data];

/// What may go in a packet now.
#[derive(Debug, Clone, Copy)]
struct Permit {
    now: Instant,
    /// The window lets it go, or it is a probe.
    data: bool,
}

impl Connection {
    /// Something waits that the window may hold back.
    pub(super) fn wants_to_send(&self) -> bool {
        self.spaces.iter().any(|space| space.wants_crypto() || space.ping) || self.wants_data()
    }

    fn wants_data(&self) -> bool {
        let keys = self.keys.one_rtt.is_some() || self.keys.early.is_some() && !self.is_server();
        keys && (self.streams.wants_to_send() || !self.datagrams.outgoing.is_empty() || self.wants_control())
    }

    fn wants_control(&self) -> bool {
        self.keys.one_rtt.is_some()
            && (self.handshake_done
                || self.new_token.is_some() && self.confirmed
                || self.confirmed && self.local_ids.to_announce().is_some()
                || self.remote_ids.to_announce().is_some()
                || self.path.challenge_due().is_some()
                || self.path.response_due().is_some())
    }

    /// Whether the path works does not wait for the window of the path (RFC 9000 §8.2).
    fn owes_path_frame(&self) -> bool {
        let kept = self.keys.one_rtt.is_some();
        kept && (self.path.challenge_due().is_some() || self.path.response_due().is_some())
    }

    /// Writes datagrams that want to go into `out`, which is emptied first: at most `segments` of the same size, all to
    /// one address. `None`: nothing goes now.
    pub fn poll_transmit(&mut self, now: Instant, out: &mut Vec<u8>, segments: usize) -> Option<Transmit> {
        out.clear();
        match self.stage {
            Stage::Closed | Stage::Draining => return None,
            Stage::Closing => return self.write_close(now, out),
            Stage::Handshaking | Stage::Open => {}
        }
        if let Some(transmit) = self.write_to_previous(now, out) {
            return Some(transmit);
        }
        if let Some(keys) = &mut self.keys.one_rtt
            && self.confirmed
            && keys.wants_update()
            && let Err(error) = keys.update()
        {
            self.fail(now, error.into());
            return self.write_close(now, out);
        }
        let mut segment = usize::from(self.path.mtu.current());
        let mut count = 0;
        while count < segments.max(1) {
            let start = out.len();
            let room = self.path.room();
            if !self.path.has_room(!self.confirmed) {
                break;
            }
            let size = match self.write_datagram(now, out, segment.min(room)) {
                Ok(size) => size,
                Err(error) => {
                    out.truncate(start);
                    self.fail(now, error.into());
                    if start > 0 {
                        break;
                    }
                    return self.write_close(now, out);
                }
            };
            if size == 0 {
                break;
            }
            self.path.sent(size);
            count += 1;
            // Trains have one size; a small first datagram must not make all of them small.
            let short = size < segment;
            if count == 1 {
                segment = size;
            }
            if short {
                break;
            }
        }
        if count == 0 {
            let Some(size) = self.write_mtu_probe(now, out) else {
                self.timers.nothing_went = Some(now);
                return None;
            };
            self.path.sent(size);
            segment = size;
            count = 1;
        }
        self.update_amplification();
        Some(self.transmit(out.len(), segment, count))
    }

    fn transmit(&mut self, size: usize, segment: usize, count: usize) -> Transmit {
        self.stats.datagrams_sent += count as u64;
        self.stats.bytes_sent += size as u64;
        Transmit {
            destination: self.path.remote,
            source: self.path.local,
            ecn: if self.recovery.ecn() { Ecn::Ect0 } else { Ecn::NotEct },
            size,
            segment: (count > 1).then_some(segment),
        }
    }

    fn kind_of(&self, space: Space) -> Option<PacketType> {
        match space {
            Space::Initial => self.keys.initial.is_some().then_some(PacketType::Initial),
            Space::Handshake => self.keys.handshake.is_some().then_some(PacketType::Handshake),
            Space::Data if self.keys.one_rtt.is_some() => Some(PacketType::OneRtt),
            Space::Data => (self.keys.early.is_some() && !self.is_server()).then_some(PacketType::ZeroRtt),
        }
    }

    /// Writes one datagram of at most `limit` octets; returns how many it has.
    fn write_datagram(
        &mut self,
        now: Instant,
        out: &mut Vec<u8>,
        limit: usize,
    ) -> Result<usize, wirelace_tls_glue::quic::ProtectionError> {
        let start = out.len();
        self.building.clear();
        let mut packets: [Option<Packet>; 3] = [None; 3];
        let mut count = 0;
        let window = self.recovery.allowance(now) >= limit;
        for space in SPACES {
            let Some(kind) = self.kind_of(space) else { continue };
            let probes = self.space(space).probes > 0 || space == Space::Data && self.owes_path_frame();
            let permit = Permit { now, data: window || probes };
            if !self.space_wants(now, space, kind, permit, count > 0) {
                continue;
            }
            let used = out.len() - start;
            let Some(packet) = self.write_packet(out, space, kind, permit, limit - used, start) else {
                continue;
            };
            if let Some(place) = packets.get_mut(count) {
                *place = Some(packet);
                count += 1;
            }
        }
        let Some(last) = packets.iter().rposition(Option::is_some) else { return Ok(0) };
        // RFC 9000 §14.1, §8.2.1.
        let pads = packets.iter().flatten().any(|packet| {
            packet.pads || packet.kind == PacketType::Initial && (!self.is_server() || packet.asks)
        });
        let size = out.len() - start;
        if pads
            && size < usize::from(MIN_DATAGRAM).min(limit)
            && let Some(Some(packet)) = packets.get_mut(last)
        {
            packet.pad(out, usize::from(MIN_DATAGRAM).min(limit) - size);
        }
        // A little less than full would end the train.
        let size = out.len() - start;
        if size < limit
            && limit - size <= NEARLY
            && self.wants_data()
            && let Some(Some(packet)) = packets.get_mut(last)
            && packet.kind == PacketType::OneRtt
        {
            packet.pad(out, limit - size);
        }
        let mut ends = [self.building.len(); 3];
        for (at, packet) in packets.iter().enumerate().skip(1) {
            if let (Some(packet), Some(end)) = (packet, ends.get_mut(at - 1)) {
                *end = packet.frames;
            }
        }
        for (packet, end) in packets.iter().flatten().zip(ends) {
            self.seal(out, packet)?;
            self.note_sent(now, packet, end);
        }
        Ok(out.len() - start)
    }

    fn space_wants(
        &mut self,
        now: Instant,
        space: Space,
        kind: PacketType,
        permit: Permit,
        company: bool,
    ) -> bool {
        let state = self.space(space);
        let acks =
            kind != PacketType::ZeroRtt && (state.acks.is_due(now) || company && state.acks.has_news());
        if acks || permit.data && (state.wants_crypto() && kind != PacketType::ZeroRtt || state.ping) {
            return true;
        }
        space == Space::Data && permit.data && self.wants_data()
    }

    /// Writes a packet with what its space has, where there is room for any of it.
    fn write_packet(
        &mut self,
        out: &mut Vec<u8>,
        space: Space,
        kind: PacketType,
        permit: Permit,
        room: usize,
        datagram: usize,
    ) -> Option<Packet> {
        let number = self.recovery.next_number(space, &mut self.entropy);
        let token = if kind == PacketType::Initial { self.token.clone() } else { bytes::Bytes::new() };
        let fields = HeaderFields {
            kind,
            version: self.version,
            destination: self.remote_ids.active(),
            source: self.local_ids.first().unwrap_or_default(),
            token: &token,
            phase: self.keys.one_rtt.as_ref().is_some_and(|keys| keys.phase()),
            number,
            largest_acked: self.recovery.largest_acked(space),
        };
        let room = room.checked_sub(overhead(&fields)).filter(|room| *room >= WORTH)?;
        let mut packet = Packet::begin(out, space, &fields, self.building.len());
        let begin = out.len();
        let end = begin + room;
        if kind != PacketType::ZeroRtt {
            self.write_ack(out, space, permit.now, end);
        }
        let (frames, quiet) = (self.building.len(), out.len());
        if permit.data {
            if kind != PacketType::ZeroRtt {
                self.write_crypto(out, space, end);
            }
            if kind == PacketType::OneRtt {
                packet.pads = self.write_control(out, permit.now, end);
            }
            if space == Space::Data {
                self.write_datagram_frames(out, end);
                let building = &mut self.building;
                self.streams.write_frames(out, end - out.len(), false, &mut |frame| building.push(frame));
            }
            // A side that only acknowledges has to learn what of that arrived (RFC 9000 §13.2.4).
            let curious = self.recovery.wants_ping(space);
            let state = self.space(space);
            if (state.ping || curious) && out.len() < end {
                state.ping = false;
                // With probing frames alone, a peer whose address has changed without its knowledge would not be followed
                // (RFC 9000 §9.1).
                let probing = |frame: &SentFrame| {
                    matches!(frame, SentFrame::NewConnectionId { .. } | SentFrame::PathResponse)
                };
                if self.building.iter().skip(frames).all(probing) {
                    out.push(0x01);
                    self.building.push(SentFrame::Ping);
                }
            }
        }
        packet.asks = out.len() > quiet;
        packet.in_flight = packet.asks;
        if packet.is_empty(out) {
            packet.abandon(out);
            return None;
        }
        if packet.asks {
            let state = self.space(space);
            state.probes = state.probes.saturating_sub(1);
        }
        packet.finish(out);
        debug_assert!(out.len() - datagram <= 65_535);
        Some(packet)
    }

    fn seal(
        &mut self,
        out: &mut [u8],
        packet: &Packet,
    ) -> Result<(), wirelace_tls_glue::quic::ProtectionError> {
        match packet.kind {
            PacketType::Initial => {
                let Some(keys) = self.keys.initial.as_deref_mut() else { return Ok(()) };
                packet.seal(out, &mut keys.local.packet, &keys.local.header)
            }
            PacketType::Handshake => {
                let Some(keys) = self.keys.handshake.as_deref_mut() else { return Ok(()) };
                packet.seal(out, &mut keys.local.packet, &keys.local.header)
            }
            PacketType::ZeroRtt => {
                let Some(keys) = self.keys.early.as_deref_mut() else { return Ok(()) };
                packet.seal(out, &mut keys.packet, &keys.header)
            }
            PacketType::OneRtt => {
                let Some(keys) = self.keys.one_rtt.as_deref_mut() else { return Ok(()) };
                keys.sent(packet.number);
                packet.seal(out, &mut keys.local, &keys.local_header)
            }
        }
    }

    fn note_sent(&mut self, now: Instant, packet: &Packet, end: usize) {
        self.stats.packets_sent += 1;
        let sent = Sent {
            time: now,
            size: u16::try_from(packet.size()).unwrap_or(u16::MAX),
            ack_eliciting: packet.asks,
            in_flight: packet.in_flight,
            ecn: self.recovery.ecn(),
            path: self.path.generation,
        };
        if packet.in_flight {
            self.path.mtu.sent(sent.size);
        }
        let frames = self.building.get(packet.frames..end).unwrap_or_default();
        self.recovery.on_sent(packet.space, packet.number, sent, frames);
        if packet.asks {
            let probe = self.recovery.probe_timeout();
            self.timers.sent_asking(now, probe, self.limits.keep_alive);
        }
        // A client's first Handshake packet ends the Initial space (RFC 9001 §4.9.1).
        if packet.space == Space::Handshake && !self.is_server() {
            self.discard(Space::Initial);
        }
    }

    /// Looks whether larger datagrams go through (RFC 8899).
    fn write_mtu_probe(&mut self, now: Instant, out: &mut Vec<u8>) -> Option<usize> {
        if !self.confirmed || !self.path.validated || self.path.is_validating() {
            return None;
        }
        let size = self.path.mtu.wants_probe(now)?;
        self.building.clear();
        let number = self.recovery.next_number(Space::Data, &mut self.entropy);
        let fields = self.short(number);
        let mut packet = Packet::begin(out, Space::Data, &fields, 0);
        out.push(0x01);
        self.building.push(SentFrame::MtuProbe { size });
        packet.asks = true;
        packet.finish(out);
        packet.pad(out, usize::from(size).saturating_sub(packet.size()));
        // Its loss is no sign of congestion (RFC 9000 §14.4).
        packet.in_flight = false;
        if self.seal(out, &packet).is_err() {
            out.clear();
            return None;
        }
        self.path.mtu.probe_sent(size);
        self.note_sent(now, &packet, 1);
        Some(out.len())
    }

    fn short(&self, number: u64) -> HeaderFields<'static> {
        HeaderFields {
            kind: PacketType::OneRtt,
            version: self.version,
            destination: self.remote_ids.active(),
            source: self.local_ids.first().unwrap_or_default(),
            token: &[],
            phase: self.keys.one_rtt.as_ref().is_some_and(|keys| keys.phase()),
            number,
            largest_acked: self.recovery.largest_acked(Space::Data),
        }
    }

    /// Answers to challenges from elsewhere, and challenges to where the peer was before.
    fn write_to_previous(&mut self, now: Instant, out: &mut Vec<u8>) -> Option<Transmit> {
        self.keys.one_rtt.as_ref()?;
        let patience = self.recovery.probe_timeout();
        let mut size = usize::from(MIN_DATAGRAM);
        let (destination, source, response, challenge);
        if let Some(answer) = self.answers.pop() {
            size = size.min(answer.room);
            (destination, source, response, challenge) =
                (answer.remote, answer.local, Some(answer.data), None);
        } else {
            let previous = self.previous_path.as_mut()?;
            (destination, source, response) = (previous.remote, previous.local, None);
            challenge = Some(previous.challenge_due()?);
            previous.challenge_sent(now, patience);
        }
        self.building.clear();
        let number = self.recovery.next_number(Space::Data, &mut self.entropy);
        let fields = self.short(number);
        let mut packet = Packet::begin(out, Space::Data, &fields, 0);
        if let Some(data) = response {
            Frame::PathResponse(data).write(out);
            self.building.push(SentFrame::PathResponse);
        }
        if let Some(data) = challenge {
            Frame::PathChallenge(data).write(out);
            self.building.push(SentFrame::PathChallenge);
        }
        packet.asks = true;
        packet.finish(out);
        packet.pad(out, size.saturating_sub(packet.size()));
        if self.seal(out, &packet).is_err() {
            out.clear();
            return None;
        }
        let end = self.building.len();
        self.note_sent(now, &packet, end);
        self.stats.datagrams_sent += 1;
        self.stats.bytes_sent += out.len() as u64;
        Some(Transmit { destination, source, ecn: Ecn::NotEct, size: out.len(), segment: None })
    }

    /// CONNECTION_CLOSE at every level that the peer may be able to read (RFC 9000 §10.2.3).
    fn write_close(&mut self, now: Instant, out: &mut Vec<u8>) -> Option<Transmit> {
        let closing = self.closing.as_mut()?;
        if !core::mem::take(&mut closing.due) || self.path.room() < usize::from(MIN_DATAGRAM) {
            return None;
        }
        let (said, reason) = (closing.said.clone(), closing.reason.clone());
        self.building.clear();
        let mut packets = Vec::with_capacity(3);
        for space in SPACES {
            let Some(kind) = self.kind_of(space) else { continue };
            // What both sides have is enough.
            if space != Space::Data && self.confirmed {
                continue;
            }
            let number = self.recovery.next_number(space, &mut self.entropy);
            let token = self.token.clone();
            let fields = HeaderFields {
                kind,
                version: self.version,
                token: &token,
                number,
                largest_acked: self.recovery.largest_acked(space),
                ..self.short(number)
            };
            let mut packet = Packet::begin(out, space, &fields, 0);
            let early = matches!(kind, PacketType::Initial | PacketType::Handshake);
            match &said {
                Said::Transport { code, frame_type } => {
                    Frame::ConnectionClose { code: *code, frame_type: *frame_type, reason: &reason }
                        .write(out);
                }
                // What the application says is not for everyone to read (§10.2.3).
                Said::Application { .. } if early => {
                    let code = TransportErrorCode::APPLICATION_ERROR;
                    Frame::ConnectionClose { code, frame_type: 0, reason: &[] }.write(out);
                }
                Said::Application { code } => {
                    Frame::ApplicationClose { code: *code, reason: &reason }.write(out);
                }
            }
            packet.finish(out);
            packets.push(packet);
        }
        let initial = packets.iter().any(|packet| packet.kind == PacketType::Initial);
        let missing = usize::from(MIN_DATAGRAM).saturating_sub(out.len());
        if let (true, Some(last)) = (initial && !self.is_server(), packets.last_mut()) {
            last.pad(out, missing);
        }
        for packet in &packets {
            self.seal(out, packet).ok()?;
        }
        let _ = now;
        if out.is_empty() {
            return None;
        }
        self.path.sent(out.len());
        Some(self.transmit(out.len(), out.len(), 1))
    }
}
