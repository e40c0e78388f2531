//! Frames of 64 octets and others: ours beside `tokio-util`'s `LengthDelimitedCodec`, both over 16 KiB of frames, as a
//! read brings them.

use std::hint::black_box;

use bytes::{Bytes, BytesMut};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use tokio_util::codec::{Decoder as _, Encoder as _, LengthDelimitedCodec};
use wirelace_wire::Output;
use wirelace_wire_codec::BaseCodec;
use wirelace_wire_codec::base::{self, Batch, Frame, FrameType, Frames};

/// Octets of frames. What a read has just filled is in the cache.
const TOTAL: usize = 16 * 1024;
const LIMIT: usize = 1 << 20;

/// The same header: version and type in front of the length.
fn length_delimited() -> LengthDelimitedCodec {
    LengthDelimitedCodec::builder().length_field_offset(2).length_field_length(4).num_skip(6).new_codec()
}

fn benches(criterion: &mut Criterion) {
    for len in [16, 64, 1024] {
        let count = TOTAL / (len + base::HEADER_LEN);
        let payload = Bytes::from(vec![7; len]);
        let mut octets = Vec::new();
        for _ in 0..count {
            Frame { kind: FrameType::REQUEST, payload: &payload }.encode_into(&mut octets).unwrap();
        }
        let mut group = criterion.benchmark_group("frame-decode");
        group.throughput(Throughput::Elements(count as u64));
        // All start with a buffer as a read has filled it.
        let filled = || BytesMut::from(&octets[..]);
        let batch = criterion::BatchSize::PerIteration;
        group.bench_function(BenchmarkId::new("LengthDelimitedCodec", len), |bencher| {
            let decode = |mut input: BytesMut| {
                let mut codec = length_delimited();
                let mut seen = 0;
                while let Some(frame) = codec.decode(&mut input).unwrap() {
                    seen += black_box(&frame[..]).len();
                }
                assert_eq!(seen, count * len);
                input
            };
            bencher.iter_batched(filled, decode, batch);
        });
        group.bench_function(BenchmarkId::new("BaseCodec", len), |bencher| {
            let decode = |mut input: BytesMut| {
                let mut codec = BaseCodec::new(LIMIT);
                let mut seen = 0;
                while let Some(frame) = codec.decode(&mut input).unwrap() {
                    seen += black_box(&frame.payload[..]).len();
                }
                assert_eq!(seen, count * len);
                input
            };
            bencher.iter_batched(filled, decode, batch);
        });
        group.bench_function(BenchmarkId::new("owned", len), |bencher| {
            let decode = |input: BytesMut| {
                let mut input = input.freeze();
                let mut seen = 0;
                while let Some(frame) = base::decode_owned(&mut input, LIMIT).unwrap() {
                    seen += black_box(&frame.payload[..]).len();
                }
                assert_eq!(seen, count * len);
                input
            };
            bencher.iter_batched(filled, decode, batch);
        });
        group.bench_function(BenchmarkId::new("batch", len), |bencher| {
            let decode = |mut input: BytesMut| {
                let batch = Batch::take(&mut input, LIMIT).unwrap();
                let mut seen = 0;
                for frame in batch.frames() {
                    seen += black_box(frame.payload).len();
                }
                assert_eq!(seen, count * len);
                (input, batch)
            };
            bencher.iter_batched(filled, decode, batch);
        });
        group.bench_function(BenchmarkId::new("borrowed", len), |bencher| {
            let decode = |input: BytesMut| {
                let mut seen = 0;
                for frame in Frames::new(&input, LIMIT) {
                    seen += black_box(frame.unwrap().payload).len();
                }
                assert_eq!(seen, count * len);
                input
            };
            bencher.iter_batched(filled, decode, batch);
        });
        group.finish();

        let mut group = criterion.benchmark_group("frame-encode");
        group.throughput(Throughput::Elements(count as u64));
        group.bench_function(BenchmarkId::new("LengthDelimitedCodec", len), |bencher| {
            let mut out = BytesMut::with_capacity(TOTAL + 1024);
            let mut codec = length_delimited();
            bencher.iter(|| {
                out.clear();
                for _ in 0..count {
                    codec.encode(payload.clone(), &mut out).unwrap();
                }
                black_box(out.len())
            });
        });
        group.bench_function(BenchmarkId::new("encode_into", len), |bencher| {
            let mut out = Vec::with_capacity(TOTAL + 1024);
            bencher.iter(|| {
                out.clear();
                for _ in 0..count {
                    Frame { kind: FrameType::REQUEST, payload: &payload }.encode_into(&mut out).unwrap();
                }
                black_box(out.len())
            });
        });
        group.bench_function(BenchmarkId::new("output", len), |bencher| {
            let mut output = Output::new(2 * TOTAL);
            bencher.iter(|| {
                output.clear();
                for _ in 0..count {
                    base::encode(&mut output, FrameType::REQUEST, payload.clone()).unwrap();
                }
                black_box(output.len())
            });
        });
        group.finish();
    }
}

criterion_group!(frames, benches);
criterion_main!(frames);
