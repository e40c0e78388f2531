//! HTTP/2 frames as a busy connection has them, and a server's machine without I/O: small requests, all there at once.
//! The frame types of peers are private; `cargo xtask race http2` compares whole servers.

use std::hint::black_box;
use std::time::Instant;

use bytes::{Bytes, BytesMut};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use tokio_util::codec::Decoder as _;
use wirelace_hpack::{Encoder, Indexing, StaticName};
use wirelace_http_semantics::{Event, FieldId, HttpMachine as _, ResponseHead};
use wirelace_http2::{Connection, Limits, PREFACE};
use wirelace_http2_frames::{FRAME_HEADER_LEN, Frame, FrameCodec, FrameHeader, Settings};
use wirelace_wire::Machine as _;

/// What 16 small exchanges bring: heads, bodies, credit, now and then a PING.
fn mix() -> Vec<Frame<'static>> {
    let mut frames = Vec::new();
    for stream in (1..32).step_by(2) {
        let fragment = &[0x82, 0x86, 0x84, 0xbe, 0xbf, 0xc0, 0xc1, 0x5c, 2, b'1', b'3'];
        frames.push(Frame::Headers {
            stream,
            fragment,
            dependency: None,
            end_stream: false,
            end_headers: true,
        });
        frames.push(Frame::Data { stream, data: b"hello, world\n", end_stream: true, flow_length: 13 });
        frames.push(Frame::WindowUpdate { stream: 0, increment: 13 });
    }
    frames.push(Frame::Ping { ack: false, data: [7; 8] });
    frames
}

fn frames(criterion: &mut Criterion) {
    let frames = mix();
    let mut octets = Vec::new();
    frames.iter().for_each(|frame| frame.write(&mut octets));
    let mut group = criterion.benchmark_group("http2-frames");
    group.throughput(Throughput::Elements(frames.len() as u64));
    group.bench_function("decode, borrowed", |bencher| {
        bencher.iter(|| {
            let (mut rest, mut seen) = (black_box(&octets[..]), 0usize);
            while let Some(header) = FrameHeader::read(rest) {
                let (payload, after) = rest[FRAME_HEADER_LEN..].split_at(header.length as usize);
                seen += usize::from(matches!(Frame::parse(header, payload), Ok(Frame::Data { .. })));
                rest = after;
            }
            seen
        });
    });
    group.bench_function("decode, owned by the tokio-util codec", |bencher| {
        bencher.iter_batched(
            || BytesMut::from(&octets[..]),
            |mut input| {
                let mut codec = FrameCodec::new(16_384);
                while let Ok(Some(frame)) = codec.decode(&mut input) {
                    black_box(&frame);
                }
                input
            },
            criterion::BatchSize::SmallInput,
        );
    });
    group.bench_function("encode", |bencher| {
        let mut out = Vec::with_capacity(octets.len());
        bencher.iter(|| {
            out.clear();
            frames.iter().for_each(|frame| frame.write(&mut out));
            black_box(out.len())
        });
    });
    group.finish();
}

/// 100 requests of one connection, as one read brings them, and their responses.
fn machine(criterion: &mut Criterion) {
    const REQUESTS: u32 = 100;
    let mut encoder = Encoder::new(4096);
    let mut opening = PREFACE.to_vec();
    Frame::Settings { ack: false, settings: Settings::new(&[]) }.write(&mut opening);
    Frame::Settings { ack: true, settings: Settings::new(&[]) }.write(&mut opening);
    let mut requests = Vec::new();
    for number in 0..REQUESTS {
        let mut block = Vec::new();
        encoder.start(&mut block);
        for (name, value) in [
            (StaticName::METHOD, "GET"),
            (StaticName::SCHEME, "http"),
            (StaticName::PATH, "/hello"),
            (StaticName::AUTHORITY, "127.0.0.1:8080"),
            (StaticName::USER_AGENT, "h2load nghttp2/1.52.0"),
        ] {
            encoder.field(&mut block, name.into(), value.as_bytes(), Indexing::Auto);
        }
        let stream = number * 2 + 1;
        Frame::Headers { stream, fragment: &block, dependency: None, end_stream: true, end_headers: true }
            .write(&mut requests);
    }
    let mut group = criterion.benchmark_group("http2-machine");
    group.throughput(Throughput::Elements(u64::from(REQUESTS)));
    group.bench_function("server, small requests", |bencher| {
        let now = Instant::now();
        let ready = || {
            let mut server = Connection::server(Limits::default(), false, now);
            let mut input = BytesMut::from(&opening[..]);
            while let Ok(Some(_)) = server.poll_event(now, &mut input) {}
            let len = server.output().len();
            server.output().advance(len);
            (server, BytesMut::from(&requests[..]))
        };
        let body = Bytes::from_static(b"hello, world\n");
        bencher.iter_batched(
            ready,
            |(mut server, mut input)| {
                while let Ok(Some(event)) = server.poll_event(now, &mut input) {
                    if let Event::Head { stream, .. } = event {
                        let mut head = ResponseHead::new(http::StatusCode::OK);
                        let _ = head.fields.push(FieldId::CONTENT_TYPE, "text/plain");
                        let _ = server.send_message(stream, head, body.clone());
                    }
                }
                assert!(server.output().len() > 2000);
                server
            },
            criterion::BatchSize::SmallInput,
        );
    });
    group.finish();
}

criterion_group!(groups, frames, machine);
criterion_main!(groups);
