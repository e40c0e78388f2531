//! What QUIC packets are made of: headers and transport parameters beside quinn-proto's, and frames, which quinn-proto
//! does not let anybody read alone.

use std::hint::black_box;

use bytes::BytesMut;
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use quinn_proto::{FixedLengthConnectionIdParser, PartialDecode};
use wirelace_quic_lite::frame::{Ack, AckEcn, Frame, Frames, PacketType};
use wirelace_quic_lite::header::Header;
use wirelace_quic_lite::packet::{PacketHeader, set_length};
use wirelace_quic_lite::tls::quic::{Side, Version};
use wirelace_quic_lite::transport_parameters::TransportParameters;
use wirelace_quic_lite::{ConnectionId, StreamId};

/// Octets of a datagram that goes everywhere.
const DATAGRAM: usize = 1200;
/// Ranges of the ACK of a receiver that has lost much.
const RANGES: u64 = 32;

/// Where nothing is lost: an acknowledgement, some credit, pieces of three streams.
fn typical() -> Vec<u8> {
    let (mut payload, mut buffer) = (Vec::new(), Vec::new());
    let ack = Ack::new([70_000..=70_031], 120, None, &mut buffer);
    Frame::Ack(ack.unwrap()).write(&mut payload);
    Frame::MaxData(20 << 20).write(&mut payload);
    for stream in [0, 4, 8] {
        Frame::MaxStreamData { id: StreamId(stream), value: 2 << 20 }.write(&mut payload);
        let (offset, data) = (300_000 + stream, &[7; 350]);
        Frame::Stream { id: StreamId(stream), offset, data, fin: stream == 8 }.write(&mut payload);
    }
    payload.resize(DATAGRAM, 0);
    payload
}

fn large_ack(buffer: &mut Vec<u8>) -> Ack<'_> {
    let ranges = (0..RANGES).rev().map(|at| 100_000 + at * 40..=100_020 + at * 40);
    Ack::new(ranges, 120, Some(AckEcn { ect0: 90_000, ect1: 0, ce: 3 }), buffer).unwrap()
}

fn frames(criterion: &mut Criterion) {
    let payload = typical();
    let mut group = criterion.benchmark_group("quic-frames");
    group.throughput(Throughput::Bytes(payload.len() as u64));
    group.bench_function("read, 1,200 octets", |bencher| {
        bencher.iter(|| {
            let frames = Frames::new(black_box(&payload), PacketType::OneRtt);
            frames.fold(0, |sum, frame| match frame {
                Ok(Frame::Stream { data, .. }) => sum + data.len(),
                Ok(frame) => sum + frame.frame_type() as usize,
                Err(error) => panic!("{error}"),
            })
        });
    });
    let all: Vec<Frame<'_>> = Frames::new(&payload, PacketType::OneRtt).map(Result::unwrap).collect();
    let mut out = Vec::with_capacity(2 * DATAGRAM);
    group.bench_function("write, 1,200 octets", |bencher| {
        bencher.iter(|| {
            out.clear();
            black_box(&all).iter().for_each(|frame| frame.write(&mut out));
            out.len()
        });
    });
    let (mut buffer, mut octets) = (Vec::new(), Vec::new());
    let ack = large_ack(&mut buffer);
    Frame::Ack(ack).write(&mut octets);
    group.throughput(Throughput::Elements(RANGES));
    group.bench_function("read, ACK of 32 ranges", |bencher| {
        bencher.iter(|| {
            let Some(Ok(Frame::Ack(ack))) = Frames::new(black_box(&octets), PacketType::OneRtt).next() else {
                panic!("an ACK was written")
            };
            ack.ranges().map(|range| range.end() - range.start()).sum::<u64>()
        });
    });
    group.bench_function("write, ACK of 32 ranges", |bencher| {
        bencher.iter(|| {
            out.clear();
            Frame::Ack(black_box(ack)).write(&mut out);
            out.len()
        });
    });
    group.finish();
}

/// A packet of each kind, as large as they come.
fn packet(kind: PacketType) -> BytesMut {
    let header = PacketHeader {
        kind,
        version: Version::V1,
        destination: ConnectionId::new(b"8 octets").unwrap(),
        source: ConnectionId::new(b"and some").unwrap(),
        token: b"a token of a server that wanted to see where the client is",
        key_phase: false,
        number: 9,
        number_length: 1,
    };
    let mut out = Vec::new();
    let number_at = header.write(&mut out);
    out.resize(DATAGRAM, 0xee);
    if kind != PacketType::OneRtt {
        set_length(&mut out, number_at, DATAGRAM - number_at);
    }
    out.as_slice().into()
}

fn headers(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("quic-header");
    let parser = FixedLengthConnectionIdParser::new(8);
    for (name, kind) in [
        ("Initial", PacketType::Initial),
        ("Handshake", PacketType::Handshake),
        ("short", PacketType::OneRtt),
    ] {
        let packet = packet(kind);
        // Both are given the packet, and give it up: quinn-proto keeps it.
        group.bench_function(format!("{name}/ours"), |bencher| {
            bencher.iter_batched(
                || packet.clone(),
                |packet| (Header::parse(&packet, 8).unwrap(), packet),
                BatchSize::SmallInput,
            );
        });
        group.bench_function(format!("{name}/quinn-proto"), |bencher| {
            bencher.iter_batched(
                || packet.clone(),
                |packet| PartialDecode::new(packet, &parser, &[1], false).unwrap(),
                BatchSize::SmallInput,
            );
        });
        group.bench_function(format!("{name}/ours, borrowed"), |bencher| {
            bencher.iter(|| Header::parse(black_box(&packet), 8).unwrap().packet_length());
        });
    }
    group.finish();
}

fn parameters(criterion: &mut Criterion) {
    let mut parameters = TransportParameters::default();
    parameters.initial_max_data = 8 << 20;
    parameters.initial_max_stream_data_bidi_local = 1 << 20;
    parameters.initial_max_stream_data_bidi_remote = 1 << 20;
    parameters.initial_max_stream_data_uni = 1 << 20;
    parameters.initial_max_streams_bidi = 100;
    parameters.initial_max_streams_uni = 100;
    parameters.active_connection_id_limit = 4;
    parameters.max_datagram_frame_size = 65_535;
    parameters.initial_source_connection_id = ConnectionId::new(b"8 octets");
    let mut octets = Vec::new();
    parameters.write(&mut octets);
    let mut group = criterion.benchmark_group("quic-parameters");
    group.bench_function("ours", |bencher| {
        bencher.iter(|| TransportParameters::parse(black_box(&octets), Side::Client).unwrap());
    });
    group.bench_function("quinn-proto", |bencher| {
        bencher.iter(|| {
            let read = quinn_proto::transport_parameters::TransportParameters::read(
                quinn_proto::Side::Server,
                &mut black_box(&octets[..]),
            );
            read.unwrap()
        });
    });
    group.finish();
}

criterion_group!(benches, frames, headers, parameters);
criterion_main!(benches);
