//! Transport parameters: there and back, and each rule.

use std::net::{SocketAddrV4, SocketAddrV6};
use std::time::Duration;

use proptest::prelude::*;
use wirelace_quic_lite::transport_parameters::{PreferredAddress, TransportParameters, VersionInformation};
use wirelace_quic_lite::{ConnectionId, TransportError, TransportErrorCode};
use wirelace_sim::mutations;
use wirelace_tls_glue::quic::{ResetToken, Side};

use crate::samples::hex;

const MAX: u64 = (1 << 62) - 1;

fn id(octets: &[u8]) -> ConnectionId {
    ConnectionId::new(octets).unwrap()
}

fn connection_id(least: usize) -> impl Strategy<Value = ConnectionId> {
    proptest::collection::vec(any::<u8>(), least..=20).prop_map(|octets| id(&octets))
}

fn token() -> impl Strategy<Value = ResetToken> {
    any::<[u8; 16]>().prop_map(ResetToken::new)
}

fn preferred() -> impl Strategy<Value = PreferredAddress> {
    let v4 = proptest::option::of((any::<[u8; 4]>(), 1..=u16::MAX));
    let v6 = proptest::option::of((any::<[u8; 16]>(), 1..=u16::MAX));
    (v4, v6, connection_id(1), token()).prop_map(|(v4, v6, connection_id, token)| PreferredAddress {
        v4: v4.map(|(ip, port)| SocketAddrV4::new(ip.into(), port)),
        v6: v6.map(|(ip, port)| SocketAddrV6::new(ip.into(), port, 0, 0)),
        connection_id,
        token,
    })
}

/// What a server may say; a client says the first part.
fn parameters(from: Side) -> impl Strategy<Value = TransportParameters> {
    let number = || prop_oneof![0_u64..100, 0..=MAX];
    let streams = || 0_u64..=1 << 60;
    let numbers = (number(), number(), number(), number(), streams(), streams(), number());
    let times = (number(), 0_u64..1 << 14, 0..=20_u8, 1200..=MAX, 2..=MAX);
    let flags = (any::<bool>(), any::<bool>());
    let versions = proptest::option::of((1..=u32::MAX, proptest::collection::vec(1..=u32::MAX, 0..5)));
    let both = (numbers, times, flags, versions, proptest::option::of(connection_id(0)));
    let both = both.prop_map(|(numbers, times, flags, versions, source)| {
        let mut parameters = TransportParameters::default();
        (
            parameters.initial_max_data,
            parameters.initial_max_stream_data_bidi_local,
            parameters.initial_max_stream_data_bidi_remote,
            parameters.initial_max_stream_data_uni,
            parameters.initial_max_streams_bidi,
            parameters.initial_max_streams_uni,
            parameters.max_datagram_frame_size,
        ) = numbers;
        parameters.max_idle_timeout = Duration::from_millis(times.0);
        parameters.max_ack_delay = Duration::from_millis(times.1);
        (parameters.ack_delay_exponent, parameters.max_udp_payload_size) = (times.2, times.3);
        parameters.active_connection_id_limit = times.4;
        (parameters.disable_active_migration, parameters.grease_quic_bit) = flags;
        parameters.version_information = versions.map(|(chosen, mut available)| {
            available.push(chosen);
            VersionInformation { chosen, available }
        });
        parameters.initial_source_connection_id = source;
        parameters
    });
    let servers = (
        proptest::option::of(connection_id(0)),
        proptest::option::of(connection_id(0)),
        proptest::option::of(token()),
        proptest::option::of(preferred()),
    );
    (both, servers).prop_map(move |(mut parameters, servers)| {
        if from == Side::Server {
            parameters.original_destination_connection_id = servers.0;
            parameters.retry_source_connection_id = servers.1;
            parameters.stateless_reset_token = servers.2;
            parameters.preferred_address = servers.3.map(Box::new);
        }
        parameters
    })
}

proptest! {
    #[test]
    fn a_client_there_and_back(parameters in parameters(Side::Client)) {
        let mut out = Vec::new();
        parameters.write(&mut out);
        prop_assert_eq!(TransportParameters::parse(&out, Side::Client), Ok(parameters.clone()));
        // A server may say all of it too.
        prop_assert_eq!(TransportParameters::parse(&out, Side::Server), Ok(parameters));
    }

    #[test]
    fn a_server_there_and_back(parameters in parameters(Side::Server)) {
        let mut out = Vec::new();
        parameters.write(&mut out);
        prop_assert_eq!(TransportParameters::parse(&out, Side::Server), Ok(parameters.clone()));
        let servers = parameters.original_destination_connection_id.is_some()
            || parameters.retry_source_connection_id.is_some()
            || parameters.stateless_reset_token.is_some()
            || parameters.preferred_address.is_some();
        prop_assert_eq!(TransportParameters::parse(&out, Side::Client).is_err(), servers);
    }

    /// Cut anywhere but between two, they are cut.
    #[test]
    fn truncated_at_every_position(parameters in parameters(Side::Server)) {
        let mut out = Vec::new();
        parameters.write(&mut out);
        let mut ends = vec![0];
        while ends[ends.len() - 1] < out.len() {
            let at = ends[ends.len() - 1];
            let id = 1 << (out[at] >> 6);
            // Each value has less than 64 octets.
            let length = out[at + id];
            prop_assert!(length < 64);
            ends.push(at + id + 1 + usize::from(length));
        }
        for end in 0..out.len() {
            let read = TransportParameters::parse(&out[..end], Side::Server);
            if ends.contains(&end) {
                prop_assert!(read.is_ok());
            } else {
                let error = read.unwrap_err();
                prop_assert_eq!((error.offset, error.code), (Some(end), TransportErrorCode::TRANSPORT_PARAMETER_ERROR));
            }
        }
    }
}

#[test]
fn nothing_is_what_is_not_said() {
    let default = TransportParameters::default();
    assert_eq!(TransportParameters::parse(b"", Side::Client), Ok(default.clone()));
    let mut out = Vec::new();
    default.write(&mut out);
    assert_eq!(out, b"");
    // RFC 9000 §18.2.
    assert_eq!((default.max_udp_payload_size, default.active_connection_id_limit), (65_527, 2));
    assert_eq!((default.ack_delay_exponent, default.max_ack_delay), (3, Duration::from_millis(25)));
}

fn refused(octets: &str, from: Side) -> TransportError {
    let error = TransportParameters::parse(&hex(octets), from).expect_err(octets);
    assert_eq!((error.code, error.frame_type), (TransportErrorCode::TRANSPORT_PARAMETER_ERROR, None));
    error
}

#[test]
fn each_rule_with_its_place() {
    let rows = [
        ("03 02 44af", 2, "max_udp_payload_size is less than 1200"),
        ("04 01 05 0a 01 15", 5, "ack_delay_exponent is more than 20"),
        ("0b 04 80004000", 2, "max_ack_delay is 2^14 or more"),
        ("0e 01 01", 2, "active_connection_id_limit is less than 2"),
        ("0e 01 00", 2, "active_connection_id_limit is less than 2"),
        ("08 08 d000000000000001", 2, "more than 2^60 streams"),
        ("09 08 ffffffffffffffff", 2, "more than 2^60 streams"),
        ("0c 01 00", 2, "must be empty"),
        ("6ab2 01 01", 3, "must be empty"),
        ("0f 15 000000000000000000000000000000000000000000", 2, "more than 20 octets"),
        ("04 02 0001", 2, "longer than its number"),
        ("04 00", 2, "ends within its value"),
        ("04 01 40", 2, "ends within its value"),
        ("04", 1, "cut"),
        ("04 02 40", 3, "cut"),
        ("40", 1, "cut"),
        ("ffffffffffffffff ffffffffffffffff", 16, "cut"),
        ("04 01 05 05 01 00 04 01 05", 6, "twice"),
        ("1b 00 1b 00", 2, "twice"),
        ("4041 00 04 01 05 4041 00", 6, "twice"),
        ("11 00", 2, "not a list of versions"),
        ("11 03 000000", 2, "not a list of versions"),
        ("11 05 0000000100", 2, "not a list of versions"),
        ("11 04 00000000", 2, "version 0 (RFC 9368"),
        ("11 08 00000001 00000000", 2, "version 0 (RFC 9368"),
    ];
    for (octets, offset, words) in rows {
        for from in [Side::Client, Side::Server] {
            let error = refused(octets, from);
            assert!(error.reason.contains(words), "{octets}: {error}");
            assert_eq!(error.offset, Some(offset), "{octets}: {error}");
            assert!(error.to_string().ends_with(&format!(", at octet {offset}")), "{error}");
        }
    }
}

#[test]
fn values_at_the_limit() {
    for octets in [
        "03 02 44b0",
        "0a 01 14",
        "0b 02 7fff",
        "0e 01 02",
        "08 08 d000000000000000",
        "01 08 ffffffffffffffff",
    ] {
        TransportParameters::parse(&hex(octets), Side::Client).expect(octets);
    }
    // A number may be longer than it needs to be; a length too.
    let read = TransportParameters::parse(&hex("4004 4008 c000000000000007"), Side::Client);
    assert_eq!(read.unwrap().initial_max_data, 7);
}

#[test]
fn what_only_servers_say() {
    let address =
        "0d 2a 00000000 0000 00000000000000000000000000000000 0000 01 aa 00000000000000000000000000000000";
    let rows =
        ["00 00", "00 02 abcd", "02 10 000102030405060708090a0b0c0d0e0f", "10 08 0011223344556677", address];
    for octets in rows {
        let before = format!("01 01 05 {octets}");
        TransportParameters::parse(&hex(&before), Side::Server).expect(octets);
        let error = refused(&before, Side::Client);
        assert!(error.reason.contains("only servers"), "{error}");
        assert_eq!(error.offset, Some(3));
    }
    for (octets, offset, words) in [
        ("02 0f 000102030405060708090a0b0c0d0e", 2, "16 octets"),
        ("02 11 000102030405060708090a0b0c0d0e0f10", 2, "16 octets"),
        ("0d 00", 2, "ends within its value"),
        ("0d 19 00000000 0000 00000000000000000000000000000000 0000 01", 2, "ends within its value"),
        (
            "0d 29 00000000 0000 00000000000000000000000000000000 0000 00 00000000000000000000000000000000",
            2,
            "empty connection id",
        ),
        (
            "0d 2a 00000000 0000 00000000000000000000000000000000 0000 02 aa 00000000000000000000000000000000",
            2,
            "16 octets",
        ),
        (
            "0d 2b 00000000 0000 00000000000000000000000000000000 0000 01 aa 0000000000000000000000000000000000",
            2,
            "16 octets",
        ),
        (
            "0d 3e 00000000 0000 00000000000000000000000000000000 0000 15 \
             aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa 00000000000000000000000000000000",
            2,
            "more than 20 octets",
        ),
    ] {
        let error = refused(octets, Side::Server);
        assert!(error.reason.contains(words), "{octets}: {error}");
        assert_eq!(error.offset, Some(offset), "{octets}");
    }
}

#[test]
fn what_is_not_known_is_passed_over() {
    // 31 * N + 27 (§18.1), with any length, and one that nobody has registered.
    let octets = hex("1b 03 010203 04 01 07 7fe4 00 c0000000ffffffff 02 abcd 05 01 08");
    let read = TransportParameters::parse(&octets, Side::Client).unwrap();
    assert_eq!((read.initial_max_data, read.initial_max_stream_data_bidi_local), (7, 8));
    let mut many = Vec::new();
    for unknown in 0..128_u16 {
        many.extend_from_slice(&(0x4100 | unknown).to_be_bytes());
        many.push(0);
    }
    TransportParameters::parse(&many, Side::Client).unwrap();
    many.extend_from_slice(&[0x04, 0x01, 0x07]);
    let error = TransportParameters::parse(&many, Side::Client).unwrap_err();
    assert_eq!(error.offset, Some(384));
    assert!(error.reason.contains("more than 128"));
}

/// RFC 9368 §3: a client's choice is among what it offers; a server's need not be.
#[test]
fn version_information() {
    let octets = hex("11 0c 00000001 00000001 6b3343cf");
    let expected = VersionInformation { chosen: 1, available: vec![1, 0x6b33_43cf] };
    for from in [Side::Client, Side::Server] {
        let read = TransportParameters::parse(&octets, from).unwrap();
        assert_eq!(read.version_information, Some(expected.clone()));
    }
    for octets in ["11 04 00000001", "11 08 00000001 6b3343cf"] {
        TransportParameters::parse(&hex(octets), Side::Server).unwrap();
        let error = refused(octets, Side::Client);
        assert!(error.reason.contains("not among its available ones (RFC 9368"), "{error}");
    }
}

/// RFC 9000 §7.4.1: a server that takes early data must not take back what it allowed.
#[test]
fn remembered_limits_must_not_shrink() {
    let change: [fn(&mut TransportParameters) -> &mut u64; 8] = [
        |parameters| &mut parameters.initial_max_data,
        |parameters| &mut parameters.initial_max_stream_data_bidi_local,
        |parameters| &mut parameters.initial_max_stream_data_bidi_remote,
        |parameters| &mut parameters.initial_max_stream_data_uni,
        |parameters| &mut parameters.initial_max_streams_bidi,
        |parameters| &mut parameters.initial_max_streams_uni,
        |parameters| &mut parameters.active_connection_id_limit,
        |parameters| &mut parameters.max_datagram_frame_size,
    ];
    let mut remembered = TransportParameters::default();
    change.iter().for_each(|limit| *limit(&mut remembered) = 10);
    assert!(remembered.keeps(&remembered));
    for limit in change {
        let mut now = remembered.clone();
        *limit(&mut now) = 9;
        assert!(!now.keeps(&remembered) && remembered.keeps(&now));
    }
    let mut other = remembered.clone();
    other.max_idle_timeout = Duration::from_secs(1);
    other.disable_active_migration = true;
    assert!(other.keeps(&remembered), "these are not remembered");
}

#[test]
fn mutated_parameters_are_read_or_refused() {
    let good = hex(
        "00 08 8394c8f03e515708 01 02 4bb8 02 10 000102030405060708090a0b0c0d0e0f 03 02 45ac 04 04 80100000 \
         05 01 07 08 02 4064 0a 01 03 0b 01 19 0c 00 0d 2a c0000201 01bb 20010db8000000000000000000000001 01bb 01 aa \
         00000000000000000000000000000000 0e 01 04 0f 00 10 01 bb 11 0c 00000001 00000001 6b3343cf 20 04 8000ffff 6ab2 00",
    );
    TransportParameters::parse(&good, Side::Server).unwrap();
    let (mut read, mut refused) = (0, 0);
    for input in mutations(7, &good).take(50_000) {
        match TransportParameters::parse(&input, Side::Server) {
            Ok(parameters) => {
                let mut out = Vec::new();
                parameters.write(&mut out);
                assert_eq!(TransportParameters::parse(&out, Side::Server), Ok(parameters));
                read += 1;
            }
            Err(error) => {
                assert_eq!(error.code, TransportErrorCode::TRANSPORT_PARAMETER_ERROR);
                assert!(error.offset.is_some_and(|at| at <= input.len()), "{error}");
                refused += 1;
            }
        }
    }
    assert!(read > 1000 && refused > 1000, "{read} {refused}");
}
