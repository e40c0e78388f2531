//! Two sides and the packets between them.

use bytes::Bytes;
use wirelace_tls_glue::quic::Side;

use super::frames::deliver;
use crate::sent_frame::SentFrame;
use crate::streams::{StreamLimits, Streams};

#[derive(Debug, Clone)]
pub(super) struct Packet {
    pub(super) from: usize,
    pub(super) octets: Bytes,
    pub(super) frames: Vec<SentFrame>,
}

pub(super) fn introduce(to: &mut Streams, limits: &StreamLimits) {
    let stream = limits.stream_window;
    let (bidi, uni) = (limits.bidirectional_streams, limits.unidirectional_streams);
    to.set_peer_limits(limits.data_window, stream, stream, stream, bidi, uni);
}

/// A client (0) and a server (1) that know each other's limits.
pub(super) fn pair(client: &StreamLimits, server: &StreamLimits) -> [Streams; 2] {
    let mut pair = [Streams::new(Side::Client, client), Streams::new(Side::Server, server)];
    introduce(&mut pair[0], server);
    introduce(&mut pair[1], client);
    pair
}

/// One packet of at most `room` octets; `None`: nothing wants to go, or nothing fits.
pub(super) fn write(pair: &mut [Streams; 2], from: usize, room: usize, last: bool) -> Option<Packet> {
    let mut out = vec![0xff; 3];
    let mut frames = Vec::new();
    pair[from].write_frames(&mut out, room, last, &mut |frame| frames.push(frame));
    let octets = Bytes::from(out).slice(3..);
    assert!(octets.len() <= room, "{} octets in {room}", octets.len());
    assert_eq!(octets.is_empty(), frames.is_empty());
    (!octets.is_empty()).then_some(Packet { from, octets, frames })
}

pub(super) fn ack(pair: &mut [Streams; 2], packet: &Packet) {
    for frame in &packet.frames {
        pair[packet.from].on_acked(frame);
    }
}

pub(super) fn lose(pair: &mut [Streams; 2], packet: &Packet) {
    for frame in &packet.frames {
        pair[packet.from].on_lost(frame);
    }
}

/// Everything that wants to go arrives and is acknowledged.
pub(super) fn settle(pair: &mut [Streams; 2]) {
    for _ in 0..10_000 {
        let mut quiet = true;
        for from in [0, 1] {
            while let Some(packet) = write(pair, from, 1200, true) {
                quiet = false;
                deliver(&mut pair[1 - from], &packet.octets).unwrap();
                ack(pair, &packet);
            }
            assert!(!pair[from].wants_to_send(), "{:?}", pair[from]);
        }
        if quiet {
            return;
        }
    }
    panic!("it never ends");
}
