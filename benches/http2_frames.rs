//! HTTP/2 frames, read and written: what many small exchanges bring, and a body in full frames.
//!
//! No peer stands beside them: the frame types of h2 and hyper are private. `cargo xtask race http2` has whole servers.

use std::hint::black_box;
use std::ops::Range;

use bytes::BytesMut;
use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use tokio_util::codec::Decoder as _;
use wirelace_http2_frames::{
    ErrorCode, FRAME_HEADER_LEN, Frame, FrameCodec, FrameHeader, SettingId, Settings, data_range,
    write_data_header, write_headers, write_rst_stream, write_window_update,
};

/// Octets of frames. What a read has just filled is in the cache.
const TOTAL: usize = 64 * 1024;
const MAX_FRAME: u32 = 16_384;

/// A request's field block as it is after the first on a connection, and a response's.
const REQUEST: &[u8] = &[0x82, 0x04, 0x85, 0x62, 0x72, 0xd1, 0x41, 0xff, 0x87, 0xc1, 0xc0, 0xbf, 0x90, 0xbe];
const RESPONSE: &[u8] = &[0x88, 0xc0, 0x0f, 0x0d, 0x02, 0x31, 0x33, 0xbf, 0xbe];
const BODY: &[u8] = b"Hello, World!";

/// Requests, small bodies and window updates, now and then another type.
fn exchanges() -> Vec<u8> {
    let mut out = Vec::new();
    let settings = [0, 2, 0, 0, 0, 0, 0, 4, 0, 0x10, 0, 0];
    Frame::Settings { ack: false, settings: Settings::new(&settings) }.write(&mut out);
    let mut stream = 1;
    while out.len() < TOTAL - 200 {
        let dependency = None;
        let fragment = REQUEST;
        Frame::Headers { stream, fragment, dependency, end_stream: false, end_headers: true }.write(&mut out);
        Frame::Data { stream, data: BODY, end_stream: true, flow_length: 0 }.write(&mut out);
        match stream % 16 {
            1 => Frame::Ping { ack: false, data: [7; 8] }.write(&mut out),
            5 => Frame::RstStream { stream, code: ErrorCode::CANCEL }.write(&mut out),
            9 => Frame::PriorityUpdate { stream, value: b"u=1, i" }.write(&mut out),
            _ => {}
        }
        if stream % 4 == 1 {
            Frame::WindowUpdate { stream: 0, increment: 1000 }.write(&mut out);
        }
        stream += 2;
    }
    out
}

fn body() -> Vec<u8> {
    let mut out = Vec::new();
    for _ in 0..TOTAL / MAX_FRAME as usize {
        let data = &[7; MAX_FRAME as usize];
        Frame::Data { stream: 1, data, end_stream: false, flow_length: 0 }.write(&mut out);
    }
    out
}

/// Header and payload of the frame at `at`, which is complete.
#[inline]
fn next(input: &[u8], at: usize) -> Option<(FrameHeader, Range<usize>)> {
    let header = FrameHeader::read(input.get(at..)?)?;
    let start = at + FRAME_HEADER_LEN;
    let end = start + header.length as usize;
    (end <= input.len()).then_some((header, start..end))
}

fn decode(criterion: &mut Criterion) {
    for (name, octets) in [("exchanges", exchanges()), ("body", body())] {
        let mut count = 0;
        let mut at = 0;
        while let Some((_, payload)) = next(&octets, at) {
            count += 1;
            at = payload.end;
        }
        assert_eq!(at, octets.len());
        let mut group = criterion.benchmark_group("http2-frames-decode");
        group.throughput(Throughput::Elements(count));
        group.bench_function(BenchmarkId::new("headers only", name), |bencher| {
            bencher.iter(|| {
                let (mut at, mut streams) = (0, 0);
                while let Some((header, payload)) = next(black_box(&octets), at) {
                    streams ^= header.stream;
                    at = payload.end;
                }
                streams
            });
        });
        group.bench_function(BenchmarkId::new("borrowed", name), |bencher| {
            bencher.iter(|| {
                let mut at = 0;
                while let Some((header, payload)) = next(black_box(&octets), at) {
                    at = payload.end;
                    black_box(Frame::parse(header, &octets[payload]).unwrap());
                }
            });
        });
        group.bench_function(BenchmarkId::new("split", name), |bencher| {
            // As a machine does: DATA leave the buffer without a copy, other frames are read where they lie.
            let decode = |mut input: BytesMut| {
                while let Some((header, payload)) = next(&input, 0) {
                    let frame = input.split_to(payload.end);
                    if header.frame_type == wirelace_http2_frames::FrameType::DATA {
                        let range = data_range(header, &frame[FRAME_HEADER_LEN..]).unwrap();
                        let at = FRAME_HEADER_LEN + range.start..FRAME_HEADER_LEN + range.end;
                        black_box(frame.freeze().slice(at));
                    } else {
                        black_box(Frame::parse(header, &frame[FRAME_HEADER_LEN..]).unwrap());
                    }
                }
                input
            };
            bencher.iter_batched(|| BytesMut::from(&octets[..]), decode, BatchSize::PerIteration);
        });
        group.bench_function(BenchmarkId::new("FrameCodec", name), |bencher| {
            let decode = |mut input: BytesMut| {
                let mut codec = FrameCodec::new(MAX_FRAME);
                while let Some(frame) = codec.decode(&mut input).unwrap() {
                    black_box(frame);
                }
                input
            };
            bencher.iter_batched(|| BytesMut::from(&octets[..]), decode, BatchSize::PerIteration);
        });
        group.finish();
    }
}

fn encode(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("http2-frames-encode");
    group.throughput(Throughput::Elements(300));
    group.bench_function("100 responses", |bencher| {
        let mut out = Vec::with_capacity(TOTAL);
        bencher.iter(|| {
            out.clear();
            for stream in 0..100 {
                write_headers(&mut out, stream * 2 + 1, black_box(RESPONSE), false, MAX_FRAME as usize);
                write_data_header(&mut out, stream * 2 + 1, BODY.len(), true);
                out.extend_from_slice(BODY);
                write_window_update(&mut out, 0, 1000);
            }
            black_box(out.len())
        });
    });
    group.bench_function("100 responses, as frames", |bencher| {
        let mut out = Vec::with_capacity(TOTAL);
        bencher.iter(|| {
            out.clear();
            for stream in (0..100).map(|number| number * 2 + 1) {
                let (dependency, fragment) = (None, black_box(RESPONSE));
                Frame::Headers { stream, fragment, dependency, end_stream: false, end_headers: true }
                    .write(&mut out);
                Frame::Data { stream, data: BODY, end_stream: true, flow_length: 0 }.write(&mut out);
                Frame::WindowUpdate { stream: 0, increment: 1000 }.write(&mut out);
            }
            black_box(out.len())
        });
    });
    group.bench_function("300 resets", |bencher| {
        let mut out = Vec::with_capacity(TOTAL);
        bencher.iter(|| {
            out.clear();
            for stream in 0..300 {
                write_rst_stream(&mut out, black_box(stream * 2 + 1), ErrorCode::CANCEL);
            }
            black_box(out.len())
        });
    });
    group.bench_function("settings of 6 in 300 frames", |bencher| {
        let settings = [1, 2, 3, 4, 5, 8].map(|id| (SettingId(id), 4096));
        let mut out = Vec::with_capacity(TOTAL);
        bencher.iter(|| {
            out.clear();
            for _ in 0..300 {
                wirelace_http2_frames::write_settings(&mut out, black_box(&settings));
            }
            black_box(out.len())
        });
    });
    group.finish();
}

criterion_group!(frames, decode, encode);
criterion_main!(frames);
