use wirelace_server::proxy_protocol::{
    MAX_TLVS, MAX_V1, MAX_V2, ProxyAddress, ProxyError, ProxyHeader, ProxyRule, ProxyTlv, ProxyTransport,
    decode,
};

use crate::{SIGNATURE, addresses, tlv, v2};

/// Decodes, and sees that no beginning of it is anything but unfinished.
fn decoded(input: &[u8]) -> ProxyHeader {
    let (header, length) = decode(input).unwrap().expect("complete");
    for end in 0..length {
        assert_eq!(decode(&input[..end]), Ok(None), "{end}");
    }
    let mut more = input.to_vec();
    more.extend_from_slice(b"GET / HTTP/1.1\r\n");
    assert_eq!(decode(&more), Ok(Some((header.clone(), length))));
    assert_eq!(length, input.len());
    header
}

/// The error, which stays the same whatever follows, and comes no later than the last octet.
fn refused(input: &[u8]) -> (ProxyRule, usize) {
    let error = decode(input).unwrap_err();
    let first = (0..=input.len()).find(|&end| decode(&input[..end]).is_err()).unwrap();
    (first..input.len()).for_each(|end| assert_eq!(decode(&input[..end]), Err(error)));
    assert!(error.offset <= input.len());
    (error.rule, error.offset)
}

fn ip(text: &str) -> ProxyAddress {
    ProxyAddress::Ip(text.parse().unwrap())
}

#[test]
fn version_1() {
    for (line, source, destination) in [
        // The examples and the longest lines of the protocol's text.
        ("PROXY TCP4 192.168.0.1 192.168.0.11 56324 443", "192.168.0.1:56324", "192.168.0.11:443"),
        (
            "PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535",
            "255.255.255.255:65535",
            "255.255.255.255:65535",
        ),
        (
            "PROXY TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535",
            "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535",
            "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535",
        ),
        ("PROXY TCP6 ::1 2001:DB8::1 0 1", "[::1]:0", "[2001:db8::1]:1"),
        ("PROXY TCP6 ::ffff:1.2.3.4 ::1 1 1", "[::ffff:1.2.3.4]:1", "[::1]:1"),
    ] {
        let header = decoded(format!("{line}\r\n").as_bytes());
        assert_eq!((header.source, header.destination), (ip(source), ip(destination)), "{line}");
        assert_eq!((header.transport, header.local), (ProxyTransport::Stream, false));
        assert!(header.tlvs.is_empty());
    }
    let longest = format!("PROXY UNKNOWN {}\r\n", "f".repeat(MAX_V1 - 16));
    for line in ["PROXY UNKNOWN\r\n", "PROXY UNKNOWN \x00 what ever\r\n", &longest] {
        let header = decoded(line.as_bytes());
        assert_eq!((header.source, header.destination), (ProxyAddress::Unknown, ProxyAddress::Unknown));
        assert_eq!(header.transport, ProxyTransport::Unknown);
    }
}

#[test]
fn broken_version_1() {
    for (line, rule, offset) in [
        ("GET / HTTP/1.1\r\n", ProxyRule::Signature, 0),
        ("\x16\x03\x01", ProxyRule::Signature, 0),
        ("POST / HTTP/1.1\r\n", ProxyRule::Signature, 1),
        ("PROXY\r\n", ProxyRule::Signature, 5),
        ("proxy TCP4 1.2.3.4 1.2.3.4 1 1\r\n", ProxyRule::Signature, 0),
        ("PROXY \r\n", ProxyRule::Fields, 6),
        ("PROXY TCP5 1.2.3.4 1.2.3.4 1 1\r\n", ProxyRule::Protocol, 6),
        ("PROXY tcp4 1.2.3.4 1.2.3.4 1 1\r\n", ProxyRule::Protocol, 6),
        ("PROXY UNKNOWN2\r\n", ProxyRule::Protocol, 6),
        ("PROXY  TCP4 1.2.3.4 1.2.3.4 1 1\r\n", ProxyRule::Fields, 6),
        ("PROXY TCP4\r\n", ProxyRule::Fields, 10),
        ("PROXY TCP4 1.2.3.4\r\n", ProxyRule::Fields, 18),
        ("PROXY TCP4 1.2.3.4 1.2.3.4 1\r\n", ProxyRule::Fields, 28),
        ("PROXY TCP4 1.2.3.4 1.2.3.4 1 \r\n", ProxyRule::Fields, 29),
        ("PROXY TCP4 1.2.3.4 1.2.3.4 1 1 \r\n", ProxyRule::Fields, 30),
        ("PROXY TCP4 1.2.3.4 1.2.3.4 1 1 1\r\n", ProxyRule::Fields, 30),
        ("PROXY TCP4 1.2.3.4  1.2.3.4 1 1\r\n", ProxyRule::Fields, 19),
        ("PROXY TCP4 1.2.3 1.2.3.4 1 1\r\n", ProxyRule::Address, 11),
        ("PROXY TCP4 1.2.3.04 1.2.3.4 1 1\r\n", ProxyRule::Address, 11),
        ("PROXY TCP4 1.2.3.256 1.2.3.4 1 1\r\n", ProxyRule::Address, 11),
        ("PROXY TCP4 ::1 ::1 1 1\r\n", ProxyRule::Address, 11),
        ("PROXY TCP4 1.2.3.4 a.b.c.d 1 1\r\n", ProxyRule::Address, 19),
        ("PROXY TCP6 1.2.3.4 ::1 1 1\r\n", ProxyRule::Address, 11),
        ("PROXY TCP6 [::1] ::1 1 1\r\n", ProxyRule::Address, 11),
        ("PROXY TCP6 ::1%eth0 ::1 1 1\r\n", ProxyRule::Address, 11),
        ("PROXY TCP4 1.2.3.4 1.2.3.4 65536 1\r\n", ProxyRule::Port, 27),
        ("PROXY TCP4 1.2.3.4 1.2.3.4 01 1\r\n", ProxyRule::Port, 27),
        ("PROXY TCP4 1.2.3.4 1.2.3.4 00 1\r\n", ProxyRule::Port, 27),
        ("PROXY TCP4 1.2.3.4 1.2.3.4 +1 1\r\n", ProxyRule::Port, 27),
        ("PROXY TCP4 1.2.3.4 1.2.3.4 -1 1\r\n", ProxyRule::Port, 27),
        ("PROXY TCP4 1.2.3.4 1.2.3.4 1 http\r\n", ProxyRule::Port, 29),
        ("PROXY TCP4 1.2.3.4 1.2.3.4 1 1\t\r\n", ProxyRule::Port, 29),
        ("PROXY TCP4 1.2.3.4 1.2.3.4 1 1\n", ProxyRule::LineEnd, 30),
        ("PROXY UNKNOWN\n", ProxyRule::LineEnd, 13),
    ] {
        assert_eq!(refused(line.as_bytes()), (rule, offset), "{line:?}");
    }
    for length in [MAX_V1 - 14 - 1, MAX_V1, 10_000] {
        let endless = format!("PROXY UNKNOWN {}\r\n", "f".repeat(length));
        assert_eq!(refused(endless.as_bytes()), (ProxyRule::LineTooLong, MAX_V1), "{length}");
        assert!(decode(&endless.as_bytes()[..MAX_V1]).is_err());
    }
}

#[test]
fn version_2() {
    for (family, source, destination, transport) in [
        (0x11, "1.2.3.4:5", "127.0.0.1:443", ProxyTransport::Stream),
        (0x12, "1.2.3.4:65535", "127.0.0.1:0", ProxyTransport::Datagram),
        (0x21, "[2001:db8::1]:5", "[::1]:443", ProxyTransport::Stream),
        (0x22, "[2001:db8::1]:5", "[::1]:443", ProxyTransport::Datagram),
    ] {
        let header = decoded(&v2(0x21, family, &addresses(source, destination)));
        let expected = (ip(source), ip(destination), transport, false);
        assert_eq!((header.source, header.destination, header.transport, header.local), expected);
    }
}

/// By hand, from the layout in section 2.2.
#[test]
fn version_2_octet_by_octet() {
    let octets = [
        0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a, 0x21, 0x11, 0x00, 0x0c, 192,
        0, 2, 1, 198, 51, 100, 7, 0x12, 0x34, 0x01, 0xbb,
    ];
    let header = decoded(&octets);
    assert_eq!((header.source, header.destination), (ip("192.0.2.1:4660"), ip("198.51.100.7:443")));
}

#[test]
fn unix_addresses() {
    let padded = |path: &[u8]| [path, &vec![0; 108 - path.len()]].concat();
    let unix = |path: &[u8]| ProxyAddress::Unix(path.into());
    let full = [b'x'; 108];
    for (octets, expected) in [
        (padded(b"/run/a.sock"), unix(b"/run/a.sock")),
        (padded(b"/run/a\0garbage"), unix(b"/run/a")),
        (padded(b"\0abstract\0name"), unix(b"\0abstract\0name")),
        (full.to_vec(), unix(&full)),
        (padded(b""), ProxyAddress::Unknown),
    ] {
        for (family, transport) in [(0x31, ProxyTransport::Stream), (0x32, ProxyTransport::Datagram)] {
            let header = decoded(&v2(0x21, family, &[padded(b"/from"), octets.clone()].concat()));
            let expected = (unix(b"/from"), expected.clone(), transport);
            assert_eq!((header.source, header.destination, header.transport), expected);
        }
    }
}

#[test]
fn what_is_local_or_unspecified() {
    // Whatever else is in them.
    for (version_command, family, local) in
        [(0x20, 0x00, true), (0x20, 0x11, true), (0x20, 0xff, true), (0x21, 0x00, false)]
    {
        for body in [&b""[..], b"\x01\xff", &addresses("1.2.3.4:5", "1.2.3.4:5")] {
            let header = decoded(&v2(version_command, family, body));
            assert_eq!((header.source, header.destination), (ProxyAddress::Unknown, ProxyAddress::Unknown));
            assert_eq!((header.local, header.tlvs.len()), (local, 0));
        }
    }
}

#[test]
fn extensions() {
    let ssl = [&[0x07, 0, 0, 0, 0][..], &tlv(0x21, b"TLSv1.3")].concat();
    let all = [
        (ProxyTlv::ALPN, &b"h2"[..]),
        (ProxyTlv::AUTHORITY, b"example.com"),
        (ProxyTlv::UNIQUE_ID, &[7; 128]),
        (ProxyTlv::SSL, &ssl),
        (ProxyTlv::NETNS, b""),
        (ProxyTlv::NOOP, &[0; 3]),
        (0xe0, b"own"),
        (ProxyTlv::ALPN, b"second"),
    ];
    let mut body = addresses("1.2.3.4:5", "1.2.3.4:5");
    all.iter().for_each(|(kind, value)| body.extend(tlv(*kind, value)));
    let header = decoded(&v2(0x21, 0x11, &body));
    let found: Vec<(u8, &[u8])> = header.tlvs.iter().map(|tlv| (tlv.kind, &*tlv.value)).collect();
    assert_eq!(found, all);
    assert_eq!(header.tlv(ProxyTlv::ALPN), Some(&b"h2"[..]));
    assert_eq!(header.tlv(0xe1), None);
}

/// Bit by bit, as RFC 3720 §12.1 defines it: not the library that the codec uses.
fn crc32c(octets: &[u8]) -> u32 {
    let bit = |crc: u32, _| if crc & 1 == 1 { crc >> 1 ^ 0x82f6_3b78 } else { crc >> 1 };
    !octets.iter().fold(u32::MAX, |crc, octet| (0..8).fold(crc ^ u32::from(*octet), bit))
}

#[test]
fn checksums() {
    // RFC 3720 §B.4: 32 octets of zeros.
    assert_eq!(crc32c(&[0; 32]).swap_bytes(), 0xaa36_918a);
    let mut body = addresses("1.2.3.4:5", "1.2.3.4:5");
    body.extend(tlv(ProxyTlv::AUTHORITY, b"example.com"));
    body.extend(tlv(ProxyTlv::CRC32C, &[0; 4]));
    body.extend(tlv(ProxyTlv::NOOP, b"behind it"));
    let mut octets = v2(0x21, 0x11, &body);
    let at = 16 + 12 + 14 + 3;
    let sum = crc32c(&octets).to_be_bytes();
    octets[at..at + 4].copy_from_slice(&sum);
    assert_eq!(decoded(&octets).tlv(ProxyTlv::CRC32C), Some(&sum[..]));
    // A changed bit anywhere behind the length is found, but where it makes another extension of the checksum.
    for position in (16..octets.len()).filter(|position| *position != at - 3) {
        octets[position] ^= 1;
        assert!(decode(&octets).is_err(), "{position}");
        octets[position] ^= 1;
    }
    octets[at] ^= 0x80;
    assert_eq!(decode(&octets), Err(ProxyError { rule: ProxyRule::Checksum, offset: at }));
}

#[test]
fn broken_version_2() {
    let good = addresses("1.2.3.4:5", "1.2.3.4:5");
    let with = |more: &[u8]| [&good[..], more].concat();
    for (octets, rule, offset) in [
        (b"\r\n\r\n\0\r\nQUIT\r".to_vec(), ProxyRule::Signature, 11),
        (b"\r\nGET".to_vec(), ProxyRule::Signature, 2),
        (v2(0x11, 0x11, &good), ProxyRule::Version, 12),
        (v2(0x31, 0x11, &good), ProxyRule::Version, 12),
        (v2(0x01, 0x11, &good), ProxyRule::Version, 12),
        (v2(0x22, 0x11, &good), ProxyRule::Command, 12),
        (v2(0x2f, 0x11, &good), ProxyRule::Command, 12),
        (v2(0x21, 0x01, &good), ProxyRule::Family, 13),
        (v2(0x21, 0x10, &good), ProxyRule::Family, 13),
        (v2(0x21, 0x13, &good), ProxyRule::Family, 13),
        (v2(0x21, 0x41, &good), ProxyRule::Family, 13),
        (v2(0x21, 0xff, &good), ProxyRule::Family, 13),
        (v2(0x21, 0x11, &good[..11]), ProxyRule::TooShort, 14),
        (v2(0x21, 0x21, &good), ProxyRule::TooShort, 14),
        (v2(0x21, 0x31, &[0; 215]), ProxyRule::TooShort, 14),
        (v2(0x21, 0x11, &with(&[1])), ProxyRule::Tlv, 28),
        (v2(0x21, 0x11, &with(&[1, 0])), ProxyRule::Tlv, 28),
        (v2(0x21, 0x11, &with(&[1, 0, 1])), ProxyRule::Tlv, 28),
        (v2(0x21, 0x11, &with(&[1, 0, 0, 2, 0xff, 0xff])), ProxyRule::Tlv, 31),
        (v2(0x21, 0x11, &with(&tlv(ProxyTlv::CRC32C, &[0; 3]))), ProxyRule::TlvLength, 28),
        (v2(0x21, 0x11, &with(&tlv(ProxyTlv::CRC32C, &[0; 5]))), ProxyRule::TlvLength, 28),
        (v2(0x21, 0x11, &with(&tlv(ProxyTlv::CRC32C, &[0; 4]))), ProxyRule::Checksum, 31),
        (v2(0x21, 0x11, &with(&tlv(ProxyTlv::UNIQUE_ID, &[0; 129]))), ProxyRule::TlvLength, 28),
        (v2(0x21, 0x11, &with(&tlv(ProxyTlv::SSL, &[0; 4]))), ProxyRule::TlvLength, 28),
    ] {
        assert_eq!(refused(&octets), (rule, offset), "{}", octets.escape_ascii());
    }
}

#[test]
fn limits() {
    let good = addresses("1.2.3.4:5", "1.2.3.4:5");
    let padding = |length: usize| [&good[..], &tlv(ProxyTlv::NOOP, &vec![0; length])].concat();
    decoded(&v2(0x21, 0x11, &padding(MAX_V2 - 12 - 3)));
    // Seen at the length: nobody waits for 64 KiB.
    for length in [MAX_V2 + 1, usize::from(u16::MAX)] {
        let start = [SIGNATURE, &[0x20, 0], &u16::try_from(length).unwrap().to_be_bytes()].concat();
        assert_eq!(refused(&start), (ProxyRule::TooLong, 14));
    }
    let many = |count: usize| [good.clone(), tlv(ProxyTlv::NOOP, b"").repeat(count)].concat();
    assert_eq!(decoded(&v2(0x21, 0x11, &many(MAX_TLVS))).tlvs.len(), MAX_TLVS);
    let last = 28 + 3 * MAX_TLVS;
    assert_eq!(refused(&v2(0x21, 0x11, &many(MAX_TLVS + 1))), (ProxyRule::TooManyTlvs, last));
}

#[test]
fn errors_in_words() {
    let error = decode(b"GET / HTTP/1.1").unwrap_err();
    assert_eq!(
        error.to_string(),
        "expected `PROXY ` or the signature of version 2 at offset 0 of the PROXY header"
    );
}
