//! Headers of all kinds, whole, cut and wrong.

use wirelace_quic_lite::ConnectionId;
use wirelace_quic_lite::frame::PacketType;
use wirelace_quic_lite::header::{Header, HeaderError, LongType};
use wirelace_quic_lite::packet::{PacketHeader, set_length, write_retry, write_version_negotiation};
use wirelace_sim::mutations;
use wirelace_tls_glue::quic::Version;

use crate::samples::Samples;

const VERSIONS: [Version; 2] = [Version::V1, Version::V2];
const KINDS: [(PacketType, LongType); 3] = [
    (PacketType::Initial, LongType::Initial),
    (PacketType::ZeroRtt, LongType::ZeroRtt),
    (PacketType::Handshake, LongType::Handshake),
];

fn id(octets: &[u8]) -> ConnectionId {
    ConnectionId::new(octets).unwrap()
}

fn header<'a>(kind: PacketType, version: Version, ids: (&[u8], &[u8]), token: &'a [u8]) -> PacketHeader<'a> {
    PacketHeader {
        kind,
        version,
        destination: id(ids.0),
        source: id(ids.1),
        token,
        key_phase: true,
        number: 0x1234_5678_9abc,
        number_length: 3,
    }
}

/// A packet with so many octets behind the header; they are no sealed ones.
fn packet(header: &PacketHeader<'_>, rest: usize) -> Vec<u8> {
    let mut out = Vec::new();
    let number_at = header.write(&mut out);
    out.resize(out.len() + rest, 0xee);
    let length = out.len() - number_at;
    if header.kind != PacketType::OneRtt {
        set_length(&mut out, number_at, length);
    }
    out
}

#[test]
fn long_headers_of_both_versions() {
    for (version, bits) in [(Version::V1, [0xc2, 0xd2, 0xe2]), (Version::V2, [0xd2, 0xe2, 0xf2])] {
        for ((kind, long), first) in KINDS.into_iter().zip(bits) {
            for (destination, source) in [(0, 0), (8, 0), (0, 8), (20, 20), (8, 20)] {
                let (destination, source) = (vec![0xdd; destination], vec![0x55; source]);
                for token in [&b""[..], b"a token", &[7; 300]] {
                    let octets = packet(&header(kind, version, (&destination, &source), token), 40);
                    assert_eq!(octets[0], first);
                    assert_eq!(octets[1..5], version.number().to_be_bytes());
                    let read = Header::parse(&octets, 8).unwrap();
                    assert_eq!((read.packet_length(), read.destination()), (octets.len(), id(&destination)));
                    let Header::Long {
                        kind: read, version: v, source: s, token: place, number_offset, ..
                    } = read
                    else {
                        panic!("{read:?}")
                    };
                    assert_eq!((read, v, s), (long, version, id(&source)));
                    assert_eq!(octets[number_offset..][..3], [0x78, 0x9a, 0xbc]);
                    let token = if kind == PacketType::Initial { token } else { b"" };
                    assert_eq!(octets[place], *token);
                }
            }
        }
    }
}

#[test]
fn short_headers_have_ids_of_a_known_length() {
    for length in [0, 8, 20] {
        let octets = packet(&header(PacketType::OneRtt, Version::V1, (&vec![0xdd; length], b""), b""), 30);
        assert_eq!(octets[0], 0x46, "key phase 1, number of 3 octets");
        let read = Header::parse(&octets, length).unwrap();
        let expected = Header::Short {
            destination: id(&vec![0xdd; length]),
            number_offset: 1 + length,
            length: octets.len(),
        };
        assert_eq!(read, expected);
        for end in 1..=length {
            let cut = Header::parse(&octets[..end], length);
            assert_eq!(cut, Err(HeaderError::Truncated { offset: end }), "{end}");
        }
    }
    assert!(Header::parse(&[0x40; 30], 21).is_err(), "no id has 21 octets");
    assert_eq!(Header::parse(&[0x3f; 30], 8), Err(HeaderError::FixedBit));
    assert_eq!(Header::parse(b"", 8), Err(HeaderError::Truncated { offset: 0 }));
}

#[test]
fn coalesced_packets() {
    for version in VERSIONS {
        let parts = [
            packet(&header(PacketType::Initial, version, (b"12345678", b"abc"), b"token"), 100),
            packet(&header(PacketType::Handshake, version, (b"12345678", b"abc"), b""), 17),
            packet(&header(PacketType::OneRtt, version, (b"12345678", b""), b""), 50),
        ];
        let datagram = parts.concat();
        let mut rest = &datagram[..];
        for part in &parts {
            let read = Header::parse(rest, 8).unwrap();
            assert_eq!(read.packet_length(), part.len());
            assert_eq!(read, Header::parse(part, 8).unwrap(), "what follows does not matter");
            rest = &rest[part.len()..];
        }
        assert_eq!(rest, b"");
    }
}

/// Cut anywhere, a packet with a long header is no packet.
#[test]
fn long_headers_truncated_at_every_position() {
    for version in VERSIONS {
        for (kind, _) in KINDS {
            let octets = packet(&header(kind, version, (b"12345678", b"abcd"), b"token"), 40);
            let Ok(Header::Long { number_offset, .. }) = Header::parse(&octets, 8) else { panic!() };
            for end in 0..octets.len() {
                let expected = if end < number_offset {
                    HeaderError::Truncated { offset: end }
                } else {
                    HeaderError::Length { offset: number_offset - 2, length: 43 }
                };
                assert_eq!(Header::parse(&octets[..end], 8), Err(expected), "{kind:?} {end}");
            }
        }
    }
}

#[test]
fn ids_of_more_than_20_octets() {
    let mut octets = packet(&header(PacketType::Handshake, Version::V1, (&[1; 20], &[2; 20]), b""), 60);
    octets[5] = 21;
    let wrong = Header::parse(&octets, 8);
    // The source's length is one of the source's octets now.
    assert_eq!(wrong, Err(HeaderError::ConnectionId { offset: 5, length: 21 }));
    let mut octets = packet(&header(PacketType::Handshake, Version::V2, (b"", &[2; 20]), b""), 60);
    octets[6] = 21;
    assert_eq!(Header::parse(&octets, 8), Err(HeaderError::ConnectionId { offset: 6, length: 21 }));
    octets[6] = 255;
    assert_eq!(Header::parse(&octets, 8), Err(HeaderError::Truncated { offset: octets.len() }));
}

#[test]
fn lengths_that_cannot_be() {
    for version in VERSIONS {
        for (kind, _) in KINDS {
            for (length, good) in
                [(0, false), (19, false), (20, true), (40, true), (41, false), (16_383, false)]
            {
                let mut octets = packet(&header(kind, version, (b"12345678", b""), b""), 37);
                let Ok(Header::Long { number_offset, .. }) = Header::parse(&octets, 8) else { panic!() };
                set_length(&mut octets, number_offset, length);
                let read = Header::parse(&octets, 8);
                match good {
                    true => assert_eq!(read.unwrap().packet_length(), number_offset + length),
                    false => assert_eq!(
                        read,
                        Err(HeaderError::Length { offset: number_offset - 2, length: length as u64 })
                    ),
                }
            }
        }
    }
    // A token of 2^62 - 1 octets.
    let mut octets = packet(&header(PacketType::Initial, Version::V1, (b"12345678", b""), &[0; 8]), 37);
    octets[15..23].fill(0xff);
    assert_eq!(Header::parse(&octets, 8), Err(HeaderError::Truncated { offset: octets.len() }));
}

#[test]
fn the_fixed_bit_is_of_the_versions_that_are_known() {
    for version in VERSIONS {
        for (kind, _) in KINDS {
            let mut octets = packet(&header(kind, version, (b"12345678", b""), b""), 40);
            octets[0] &= 0xbf;
            assert_eq!(Header::parse(&octets, 8), Err(HeaderError::FixedBit));
            octets[1..5].copy_from_slice(&[0x1a, 0x2a, 0x3a, 0x4a]);
            assert!(matches!(
                Header::parse(&octets, 8),
                Ok(Header::Unsupported { version: 0x1a2a_3a4a, .. })
            ));
        }
    }
}

#[test]
fn retry_packets() {
    for version in VERSIONS {
        let (destination, source) = (id(b"abc"), id(&[9; 20]));
        for token in [&b""[..], b"t", &[7; 700]] {
            let mut octets = Vec::new();
            write_retry(&mut octets, version, (&destination, &source, &id(b"12345678")), token, 0xff)
                .unwrap();
            assert_eq!(octets[0], if version == Version::V1 { 0xff } else { 0xcf });
            let read = Header::parse(&octets, 8).unwrap();
            let Header::Retry { token: ref place, .. } = read else { panic!("{read:?}") };
            assert_eq!(octets[place.clone()], *token);
            assert_eq!((read.packet_length(), read.destination()), (octets.len(), destination));
            // The tag cannot reach into the ids.
            let end = octets.len() - token.len() - 1;
            assert_eq!(Header::parse(&octets[..end], 8), Err(HeaderError::Truncated { offset: end }));
        }
    }
}

#[test]
fn version_negotiation_packets() {
    let mut octets = Vec::new();
    write_version_negotiation(&mut octets, b"abc", &[9; 20], &[1, 0x6b33_43cf, 0x1a2a_3a4a], 0x2c);
    assert_eq!(octets[..9], *b"\xac\0\0\0\0\x03abc");
    let read = Header::parse(&octets, 8).unwrap();
    assert_eq!((read.packet_length(), read.destination()), (octets.len(), id(b"abc")));
    let Header::VersionNegotiation { source, versions, .. } = read else { panic!("{read:?}") };
    assert_eq!((source, &versions[..]), (id(&[9; 20]), &[1, 0x6b33_43cf, 0x1a2a_3a4a][..]));
    for cut in 1..12 {
        let octets = &octets[..octets.len() - cut];
        let read = Header::parse(octets, 8);
        match cut {
            4 | 8 => assert!(matches!(read, Ok(Header::VersionNegotiation { .. }))),
            _ => assert_eq!(read, Err(HeaderError::Versions { offset: 30, length: 12 - cut })),
        }
    }
    let mut none = Vec::new();
    write_version_negotiation(&mut none, b"abc", b"", &[], 0);
    assert_eq!(Header::parse(&none, 8), Err(HeaderError::Versions { offset: 10, length: 0 }));
    // This side never has ids of more than 20 octets: no answer to it brings one.
    let mut long = Vec::new();
    write_version_negotiation(&mut long, &[1; 21], b"", &[1], 0);
    assert_eq!(Header::parse(&long, 8), Err(HeaderError::ConnectionId { offset: 5, length: 21 }));
}

/// RFC 8999 §5.1: the ids of versions to come may have 255 octets.
#[test]
fn unsupported_versions_with_long_ids() {
    for (destination, source) in [(0, 0), (8, 8), (21, 20), (255, 255)] {
        let (destination, source) = (vec![1; destination], vec![2; source]);
        let mut octets = vec![0x80, 0xfa, 0xce, 0xb0, 0x0c, destination.len() as u8];
        octets.extend_from_slice(&destination);
        octets.push(source.len() as u8);
        octets.extend_from_slice(&source);
        let header_length = octets.len();
        octets.extend_from_slice(&[0xff; 700]);
        let read = Header::parse(&octets, 8).unwrap();
        assert_eq!(read.destination(), id(&destination[..destination.len().min(20)]));
        let expected = Header::Unsupported {
            version: 0xface_b00c,
            destination: destination.clone(),
            source: source.clone(),
            length: octets.len(),
        };
        assert_eq!(read, expected);
        for end in 0..header_length {
            assert_eq!(Header::parse(&octets[..end], 8), Err(HeaderError::Truncated { offset: end }));
        }
        // What answers it turns them round.
        let mut answer = Vec::new();
        write_version_negotiation(&mut answer, &source, &destination, &[1], 0);
        assert_eq!(answer[5..][..=source.len()], *[&[source.len() as u8], &source[..]].concat());
        assert_eq!(
            answer[6 + source.len()..][..=destination.len()],
            *[&[destination.len() as u8], &destination[..]].concat()
        );
    }
}

#[test]
fn mutated_packets_are_read_or_refused() {
    let samples = Samples::both();
    let mut good = vec![
        packet(&header(PacketType::Handshake, Version::V1, (b"12345678", b"abc"), b""), 17),
        packet(&header(PacketType::OneRtt, Version::V1, (b"12345678", b""), b""), 50),
    ];
    for samples in &samples {
        let names = ["client-packet", "server-packet", "retry-packet", "chacha-packet"];
        good.extend(names.map(|name| samples.get(name).to_vec()));
    }
    let (mut read, mut refused) = (0, 0);
    for (seed, good) in good.iter().enumerate() {
        for datagram in mutations(seed as u64, &good[..good.len().min(80)]).take(20_000) {
            match Header::parse(&datagram, 8) {
                Ok(header) => {
                    assert!(header.packet_length() <= datagram.len());
                    if let Header::Long { token, number_offset, length, .. } = &header {
                        assert!(token.start <= token.end && token.end < *number_offset);
                        assert!(number_offset + 20 <= *length);
                    }
                    read += 1;
                }
                Err(HeaderError::Truncated { offset }) => {
                    assert_eq!(offset, datagram.len());
                    refused += 1;
                }
                Err(error) => {
                    assert!(error.to_string().contains("RFC 9000 §17"), "{error}");
                    assert!(error.offset() <= datagram.len());
                    refused += 1;
                }
            }
        }
    }
    assert!(read > 10_000 && refused > 10_000, "{read} {refused}");
}
