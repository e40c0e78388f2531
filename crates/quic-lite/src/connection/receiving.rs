//! Datagrams that come: packets, their keys, and what they were (RFC 9000 §12, RFC 9001 §5).

use std::time::Instant;

use bytes::{Bytes, BytesMut};
use wirelace_tls_glue::quic::{Keys, ProtectionError, TAG_LENGTH, Version, is_retry_valid};

use super::frames::Came;
use super::keys::Which;
use super::path::Path;
use super::{Connection, Stage, UNDECRYPTABLE, Undecryptable};
use crate::connection_id::ConnectionId;
use crate::error::{TransportError, TransportErrorCode};
use crate::event::CloseReason;
use crate::frame::PacketType;
use crate::header::{Header, LongType};
use crate::packet_number;
use crate::recovery::Space;
use crate::transmit::{Datagram, Ecn};

/// The smallest datagram that can be a stateless reset (RFC 9000 §10.3).
const MIN_RESET: usize = 21;

/// What came of a packet.
enum Opened {
    /// It is no packet of this connection, or came before its keys.
    Dropped,
    Packet {
        came: Came,
        number: u64,
        payload: Bytes,
        id: ConnectionId,
    },
}

impl Connection {
    /// Takes a datagram that is for this connection.
    pub fn receive(&mut self, now: Instant, datagram: Datagram) {
        self.stats.datagrams_received += 1;
        self.stats.bytes_received += datagram.data.len() as u64;
        match self.stage {
            Stage::Closed | Stage::Draining => return,
            Stage::Closing => {
                if let Some(closing) = &mut self.closing {
                    closing.came();
                }
                // The peer's own CONNECTION_CLOSE still counts.
            }
            Stage::Handshaking | Stage::Open => {}
        }
        let Datagram { remote, local, ecn, mut data } = datagram;
        self.streams.set_clock(now, self.recovery.rtt().smoothed());
        let on_path = self.path.is(remote, local);
        if on_path {
            self.path.received(data.len());
            self.update_amplification();
        } else if !self.may_come_from(remote) {
            self.stats.packets_dropped += 1;
            return;
        }
        let size = data.len();
        let mut first = None;
        while !data.is_empty() {
            let Ok(header) = Header::parse(&data, self.local_ids.length()) else {
                self.stats.packets_dropped += 1;
                break;
            };
            let id = header.destination();
            // Packets for others must not be in it (RFC 9000 §12.2).
            if first.is_some_and(|first| first != id) {
                self.stats.packets_dropped += 1;
                break;
            }
            first = Some(id);
            let packet = data.split_to(header.packet_length().min(data.len()));
            self.on_packet(now, &header, packet, ecn, on_path, (remote, local), size);
            if self.stage >= Stage::Draining {
                return;
            }
        }
    }

    fn may_come_from(&self, remote: std::net::SocketAddr) -> bool {
        // Before the handshake is confirmed nobody moves (§9), and servers stay where they are.
        // A client that has migrated may still be written to where it was.
        let known = self.previous_path.as_ref().is_some_and(|path| path.remote == remote);
        known
            || !self.is_server() && self.path.remote == remote
            || self.is_server() && self.confirmed && self.limits.migration
    }

    /// One packet.
    #[allow(clippy::too_many_arguments)]
    fn on_packet(
        &mut self,
        now: Instant,
        header: &Header,
        packet: BytesMut,
        ecn: Ecn,
        on_path: bool,
        from: (std::net::SocketAddr, Option<std::net::IpAddr>),
        datagram: usize,
    ) {
        let opened = match self.unprotect(now, header, packet, ecn, on_path, from, datagram) {
            Ok(opened) => opened,
            Err(error) => {
                return self.fail(now, error);
            }
        };
        let Opened::Packet { came, number, payload, id } = opened else {
            self.stats.packets_dropped += 1;
            return;
        };
        self.stats.packets_received += 1;
        if self.stage == Stage::Closing {
            return self.look_for_close(now, came, &payload);
        }
        // Nobody but the client can have sealed that (§8.1): its address is its own.
        if self.is_server() && came.space == Space::Handshake {
            if !self.path.validated {
                self.path.validated = true;
                self.update_amplification();
            }
            self.discard(Space::Initial);
        }
        let what = match self.on_payload(now, came, &id, &payload) {
            Ok(what) => what,
            Err(error) => return self.fail(now, error),
        };
        if self.is_closing() {
            return;
        }
        let delay = (came.space == Space::Data && self.confirmed).then_some(self.limits.max_ack_delay);
        let largest = self.space(came.space).acks.largest();
        self.space(came.space).acks.on_packet(now, number, what.asks, ecn, delay);
        let probe = self.recovery.probe_timeout();
        self.timers.received(now, probe, self.limits.keep_alive);
        if self.is_server() && !on_path && what.moves && largest.is_none_or(|largest| number > largest) {
            self.peer_moved(now, from.0, from.1, datagram);
        }
        // The client still asks with its first packets: it has not got what answers them (RFC 9002 §6.2.3).
        if self.is_server() && came.space == Space::Initial && what.asks && self.keys.handshake.is_some() {
            self.speed_up(now);
        }
        if what.crypto {
            // What follows in the datagram may need the keys that come of it.
            self.work_on_handshake(now);
        }
    }

    /// Sends the handshake again, no more often than a round trip takes.
    fn speed_up(&mut self, now: Instant) {
        let early = self.timers.repeated.is_some_and(|at| at + self.recovery.probe_timeout() / 3 > now);
        if !early && self.stage == Stage::Handshaking {
            self.timers.repeated = Some(now);
            self.repeat_handshake();
        }
    }

    /// The peer goes on from another address (RFC 9000 §9.3).
    fn peer_moved(
        &mut self,
        now: Instant,
        remote: std::net::SocketAddr,
        local: Option<std::net::IpAddr>,
        datagram: usize,
    ) {
        // It is back, or it was never away and somebody has only forwarded a packet of it (§9.3.3).
        let back = |previous: &mut Path| previous.validated && previous.is(remote, local);
        if let Some(previous) = self.previous_path.take_if(back) {
            return self.go_back(now, previous);
        }
        let same_host = remote.ip() == self.path.remote.ip();
        let mut path =
            Path::new(remote, local, false, self.path.generation.wrapping_add(1), self.limits.max_datagram);
        path.received(datagram);
        path.mtu.enable(self.peer.as_ref().map_or(u64::MAX, |peer| peer.max_udp_payload_size));
        let until = now + self.validation_time();
        path.begin_validation(&mut self.entropy, until);
        path.take_over(&mut self.answers);
        let mut before = core::mem::replace(&mut self.path, path);
        // An attacker may have forwarded the packet: the old place is asked too (§9.3.3).
        if before.validated {
            before.begin_validation(&mut self.entropy, until);
            self.previous_path = Some(before);
        }
        // Another id on another path, so that nobody can tell that it is the same connection (§9.5).
        if let Err(error) = self.remote_ids.switch() {
            return self.fail(now, error);
        }
        // A port alone is most likely a NAT that forgot: the path is the same (§9.4).
        self.recovery.on_path_changed(now, self.path.generation, !same_host);
        self.recovery.on_mtu_changed(self.path.mtu.current());
        self.update_amplification();
    }

    /// Client: goes on from another address of this host, or another socket (RFC 9000 §9.2), where the server allows it and
    /// has given an id for it: else, and before the handshake is [confirmed](crate::Event::Confirmed), it returns false, and nothing changes.
    /// [`Migrated`](crate::Event::Migrated) comes when the new path works; where it does not, the connection goes on as before.
    pub fn migrate(&mut self, now: Instant, local: Option<std::net::IpAddr>) -> bool {
        let allowed = self.peer.as_ref().is_some_and(|peer| !peer.disable_active_migration);
        if self.is_server() || !allowed || !self.confirmed || self.stage != Stage::Open {
            return false;
        }
        if !matches!(self.remote_ids.switch(), Ok(true)) {
            return false;
        }
        let generation = self.path.generation.wrapping_add(1);
        let mut path = Path::new(self.path.remote, local, false, generation, self.limits.max_datagram);
        path.unlimited = true;
        path.mtu.enable(self.peer.as_ref().map_or(u64::MAX, |peer| peer.max_udp_payload_size));
        let until = now + self.validation_time();
        path.begin_validation(&mut self.entropy, until);
        let before = core::mem::replace(&mut self.path, path);
        if before.validated {
            self.previous_path = Some(before);
        }
        self.recovery.on_path_changed(now, generation, true);
        self.recovery.on_mtu_changed(self.path.mtu.current());
        // The challenge alone would not make the server follow (§9.1).
        self.spaces[2].ping = true;
        true
    }

    /// The peer is where it was before.
    pub(super) fn go_back(&mut self, now: Instant, mut previous: Path) {
        let same_host = previous.remote.ip() == self.path.remote.ip();
        // Of its own: what went to the other place says nothing about this one.
        previous.generation = self.path.generation.wrapping_add(1);
        self.path = previous;
        self.recovery.on_path_changed(now, self.path.generation, !same_host);
        self.recovery.on_mtu_changed(self.path.mtu.current());
        self.update_amplification();
    }

    /// Removes the protection. An error ends the connection.
    #[allow(clippy::too_many_arguments)] // What is known of the datagram.
    fn unprotect(
        &mut self,
        now: Instant,
        header: &Header,
        mut packet: BytesMut,
        ecn: Ecn,
        on_path: bool,
        (remote, local): (std::net::SocketAddr, Option<std::net::IpAddr>),
        datagram: usize,
    ) -> Result<Opened, TransportError> {
        let (space, kind, offset) = match header {
            Header::Long { kind, version, source, number_offset, token, .. } => {
                if *version != self.version {
                    return Ok(Opened::Dropped);
                }
                let place = match kind {
                    LongType::Initial => (Space::Initial, PacketType::Initial),
                    LongType::ZeroRtt => (Space::Data, PacketType::ZeroRtt),
                    LongType::Handshake => (Space::Handshake, PacketType::Handshake),
                };
                let token = !token.is_empty();
                if !self.is_server() && (*kind == LongType::ZeroRtt || *kind == LongType::Initial && token) {
                    return Ok(Opened::Dropped);
                }
                if self.peer_first.is_some_and(|first| first != *source) {
                    return Ok(Opened::Dropped);
                }
                (place.0, place.1, *number_offset)
            }
            Header::Short { number_offset, .. } => (Space::Data, PacketType::OneRtt, *number_offset),
            Header::Retry { version, source, token, .. } => {
                self.on_retry(now, *version, source, packet.get(token.clone()).unwrap_or_default(), &packet);
                return Ok(Opened::Dropped);
            }
            Header::VersionNegotiation { versions, source, .. } => {
                // Who has not seen the client's packet does not know its id (RFC 9000 §17.2.1).
                if *source == self.original {
                    self.on_version_negotiation(versions);
                }
                return Ok(Opened::Dropped);
            }
            Header::Unsupported { .. } => return Ok(Opened::Dropped),
        };
        let key = match kind {
            PacketType::Initial => {
                self.keys.initial.as_deref().map(|keys| (&keys.remote.header, Some(&keys.remote.packet)))
            }
            PacketType::Handshake => {
                self.keys.handshake.as_deref().map(|keys| (&keys.remote.header, Some(&keys.remote.packet)))
            }
            PacketType::ZeroRtt => self
                .keys
                .early
                .as_deref()
                .filter(|_| self.is_server())
                .map(|keys| (&keys.header, Some(&keys.packet))),
            PacketType::OneRtt => self
                .keys
                .one_rtt
                .as_deref()
                .filter(|_| self.keys.may_open || !self.is_server())
                .map(|keys| (&keys.remote_header, None)),
        };
        let Some((header_key, packet_key)) = key else {
            self.keep(kind, packet, ecn);
            return Ok(Opened::Dropped);
        };
        // Before the number is known, the packet is as it came: a reset looks like any other (§10.3.1).
        let tail: Option<[u8; MIN_RESET]> =
            if kind == PacketType::OneRtt { packet.last_chunk::<MIN_RESET>().copied() } else { None };
        let Ok(truncated) = header_key.unprotect(&mut packet, offset) else {
            self.look_for_reset(now, tail);
            return Ok(Opened::Dropped);
        };
        let largest = self.spaces.get(space.index()).and_then(|space| space.acks.largest());
        let number = packet_number::decode(
            truncated.value,
            truncated.length,
            largest.map_or(0, |largest| largest + 1),
        );
        let head = offset + truncated.length;
        let first = packet.first().copied().unwrap_or_default();
        let phase = first & 0x04 != 0;
        let which = match (kind, &self.keys.one_rtt) {
            (PacketType::OneRtt, Some(keys)) => keys.which(phase, number),
            _ => Which::Current,
        };
        let key = match (packet_key, &self.keys.one_rtt) {
            (Some(key), _) => key,
            (None, Some(keys)) => keys.remote(which),
            (None, None) => return Ok(Opened::Dropped),
        };
        if packet.len() < head + TAG_LENGTH {
            self.look_for_reset(now, tail);
            return Ok(Opened::Dropped);
        }
        let (front, sealed) = packet.split_at_mut(head);
        let length = match key.open(number, front, sealed) {
            Ok(length) => length,
            Err(ProtectionError::Decrypt) => {
                let counted = self.keys.forgeries.count(key);
                if !self.look_for_reset(now, tail) {
                    counted?;
                }
                return Ok(Opened::Dropped);
            }
            Err(_) => return Ok(Opened::Dropped),
        };
        let reserved = if kind == PacketType::OneRtt { 0x18 } else { 0x0c };
        if first & reserved != 0 {
            return Err(TransportError::new(
                TransportErrorCode::PROTOCOL_VIOLATION,
                "reserved bits of a packet's header are not zero (RFC 9000 §17.2, §17.3.1)",
            ));
        }
        if self.space(space).acks.is_known(number) {
            self.stats.duplicates += 1;
            return Ok(Opened::Dropped);
        }
        if kind == PacketType::OneRtt {
            let forget = self.three_probes();
            if let Some(keys) = &mut self.keys.one_rtt {
                keys.opened(which, number, now, forget)?;
            }
            // Early packets may still come for a while (RFC 9001 §4.9.3); the client sends none any more.
        }
        // Of a packet that is known to be genuine: a client's first may have been changed on its way.
        if let Header::Long { source, .. } = header
            && self.peer_first.is_none()
        {
            self.peer_first = Some(*source);
            self.remote_ids.set_first(*source);
        }
        let mut payload = packet.split_off(head);
        payload.truncate(length);
        let came = Came { space, packet: kind, on_path, remote, local, datagram };
        Ok(Opened::Packet { came, number, payload: payload.freeze(), id: header.destination() })
    }

    /// A packet whose keys are to come.
    fn keep(&mut self, kind: PacketType, data: BytesMut, ecn: Ecn) {
        let to_come = match kind {
            PacketType::Initial => false,
            PacketType::Handshake => self.stage == Stage::Handshaking && self.keys.handshake.is_none(),
            PacketType::ZeroRtt => self.is_server() && self.stage == Stage::Handshaking,
            PacketType::OneRtt => self.stage == Stage::Handshaking,
        };
        if to_come && self.undecryptable.len() < UNDECRYPTABLE {
            self.undecryptable.push_back(Undecryptable { data, ecn });
        }
    }

    /// Keys came: what had to wait for them is tried again.
    pub(super) fn retry_undecryptable(&mut self, now: Instant) {
        for _ in 0..self.undecryptable.len() {
            let Some(Undecryptable { data, ecn }) = self.undecryptable.pop_front() else { return };
            let Ok(header) = Header::parse(&data, self.local_ids.length()) else { continue };
            let from = (self.path.remote, self.path.local);
            self.on_packet(now, &header, data, ecn, true, from, 0);
        }
    }

    /// While this side closes, only the peer's own word matters.
    fn look_for_close(&mut self, now: Instant, came: Came, payload: &Bytes) {
        use crate::frame::{Frame, Frames};
        let closes = |frame: &Frame<'_>| {
            matches!(frame, Frame::ConnectionClose { .. } | Frame::ApplicationClose { .. })
        };
        if Frames::new(payload, came.packet).flatten().any(|frame| closes(&frame)) {
            self.on_peer_close(now, CloseReason::Local);
        }
    }

    /// What cannot be opened may say that the peer knows nothing any more, and hears nothing (RFC 9000 §10.3.1).
    fn look_for_reset(&mut self, now: Instant, tail: Option<[u8; MIN_RESET]>) -> bool {
        let reset = tail.is_some_and(|tail| self.remote_ids.is_reset(&tail));
        if reset {
            self.on_peer_close(now, CloseReason::Reset);
        }
        reset
    }

    /// The server wants to see that the client is where it says (RFC 9000 §17.2.5.2).
    fn on_retry(
        &mut self,
        now: Instant,
        version: Version,
        source: &ConnectionId,
        token: &[u8],
        packet: &[u8],
    ) {
        let first = self.peer_first.is_none() && self.retry.is_none() && !self.is_server();
        if !first || version != self.version || *source == self.original || token.is_empty() {
            return;
        }
        if is_retry_valid(self.version, self.original.as_slice(), packet) != Ok(true) {
            return;
        }
        let Ok(keys) = Keys::initial(self.version, source.as_slice(), self.side) else {
            return;
        };
        self.token = Bytes::copy_from_slice(token);
        self.retry = Some(*source);
        self.remote_ids.set_first(*source);
        self.keys.initial = Some(Box::new(keys));
        // All goes again, early data too; packet numbers go on (§17.2.5.3).
        for space in [Space::Initial, Space::Data] {
            self.lost.clear();
            self.recovery.lose_all(space, &mut self.lost);
            self.on_lost(now);
        }
    }

    /// The server does not speak this version (RFC 9000 §6.2).
    fn on_version_negotiation(&mut self, versions: &[u32]) {
        let first = self.peer_first.is_none() && self.retry.is_none() && !self.is_server();
        if first && !versions.contains(&self.version.number()) {
            self.drop_silently(CloseReason::Version { versions: versions.to_vec() });
        }
    }
}
