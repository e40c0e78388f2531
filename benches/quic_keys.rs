//! QUIC's packet protection: ours beside rustls's, which it does not use. Packets of 1,200 octets, as they fill a path.

use std::hint::black_box;
use std::time::{Duration, SystemTime};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use rustls::crypto::ring::cipher_suite::TLS13_AES_128_GCM_SHA256;
use wirelace_tls_glue::quic::{Keys, ResetKey, Side, TokenKeys, Version, retry_tag};

/// Octets of a packet's header and of the whole of it.
const HEADER: usize = 18;
const PACKET: usize = 1200;
const ID: &[u8] = b"\x83\x94\xc8\xf0\x3e\x51\x57\x08";

fn theirs(side: rustls::Side) -> rustls::quic::Keys {
    let suite = TLS13_AES_128_GCM_SHA256.tls13().and_then(rustls::Tls13CipherSuite::quic_suite).unwrap();
    suite.keys(ID, side, rustls::quic::Version::V1)
}

fn packets(criterion: &mut Criterion) {
    let header = [0x43; HEADER];
    let mut payload = vec![7; PACKET - HEADER - 16];
    let mut group = criterion.benchmark_group("quic-packet");
    group.throughput(Throughput::Bytes(PACKET as u64));
    let ours = || Keys::initial(Version::V1, ID, Side::Client).unwrap();
    let mut keys = ours();
    let mut number = 0;
    group.bench_function("seal/ours", |bencher| {
        bencher.iter(|| {
            number += 1;
            if keys.local.packet.remaining() == 0 {
                keys = ours();
            }
            black_box(keys.local.packet.seal(number, &header, &mut payload).unwrap())
        });
    });
    let rustls = theirs(rustls::Side::Client);
    group.bench_function("seal/rustls", |bencher| {
        bencher.iter(|| {
            number += 1;
            black_box(rustls.local.packet.encrypt_in_place(number, &header, &mut payload).unwrap());
        });
    });

    let tag = ours().local.packet.seal(1, &header, &mut payload).unwrap();
    let sealed = [&payload[..], &tag].concat();
    let mut packet = sealed.clone();
    let server = Keys::initial(Version::V1, ID, Side::Server).unwrap();
    group.bench_function("open/ours", |bencher| {
        bencher.iter(|| {
            packet.copy_from_slice(&sealed);
            server.remote.packet.open(1, &header, &mut packet).unwrap()
        });
    });
    let rustls = theirs(rustls::Side::Server);
    group.bench_function("open/rustls", |bencher| {
        bencher.iter(|| {
            packet.copy_from_slice(&sealed);
            rustls.remote.packet.decrypt_in_place(1, &header, &mut packet).unwrap().len()
        });
    });
    group.finish();
}

fn headers(criterion: &mut Criterion) {
    let keys = Keys::initial(Version::V1, ID, Side::Client).unwrap();
    let mut packet = [0x43; 64];
    let mut group = criterion.benchmark_group("quic-header");
    group.bench_function("protect/ours", |bencher| {
        bencher.iter(|| keys.local.header.protect(black_box(&mut packet), 9).unwrap());
    });
    let rustls = theirs(rustls::Side::Client);
    group.bench_function("protect/rustls", |bencher| {
        bencher.iter(|| {
            let (front, sample) = black_box(&mut packet).split_at_mut(13);
            let (first, rest) = front.split_at_mut(1);
            rustls.local.header.encrypt_in_place(&sample[..16], &mut first[0], &mut rest[8..]).unwrap();
        });
    });
    group.finish();
}

/// What a server does for everyone who sends a packet.
fn strangers(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("quic-stranger");
    group.bench_function("initial-keys/ours", |bencher| {
        bencher.iter(|| Keys::initial(Version::V1, black_box(ID), Side::Server).unwrap());
    });
    group.bench_function("initial-keys/rustls", |bencher| {
        bencher.iter(|| black_box(theirs(rustls::Side::Server)));
    });
    let keys = TokenKeys::new(&[1; 32]);
    let (client, now) = ("192.0.2.1:4433".parse().unwrap(), SystemTime::UNIX_EPOCH + Duration::from_secs(1));
    let token = keys.seal_retry(client, ID, ID, now, &[2; 16]).unwrap();
    group.bench_function("retry", |bencher| {
        bencher.iter(|| {
            let token = keys.seal_retry(client, ID, ID, now, black_box(&[2; 16])).unwrap();
            retry_tag(Version::V1, ID, &token).unwrap()
        });
    });
    group.bench_function("open-token", |bencher| {
        bencher.iter(|| keys.open(black_box(&token), client, ID, now).unwrap());
    });
    let reset = ResetKey::new(&[1; 32]);
    group.bench_function("reset-token", |bencher| bencher.iter(|| reset.token(black_box(ID))));
    group.finish();
}

criterion_group!(all, packets, headers, strangers);
criterion_main!(all);
