//! Peers that do what they must not.

use std::time::Instant;

use crate::foreign::{Foreign, run};
use crate::world::{Authority, CLIENT_PARAMETERS, End, Pair};
use proptest::prelude::*;
use wirelace_tls_glue::quic::{
    Level, QuicClientTls, QuicHandshake as _, QuicServerTls, QuicSession, Version,
};
use wirelace_tls_glue::{Alert, RecordRule, Roots, TlsError};

/// Extensions (RFC 8446 §4.2).
const ALPN: u16 = 16;
const TRANSPORT_PARAMETERS: u16 = 57;

/// The message without this extension; its extensions begin with their length at `at`.
fn without(message: &[u8], at: usize, extension: u16) -> Vec<u8> {
    let number = |at: usize| usize::from(u16::from_be_bytes([message[at], message[at + 1]]));
    let mut kept = Vec::new();
    let mut position = at + 2;
    while position < at + 2 + number(at) {
        let end = position + 4 + number(position + 2);
        if number(position) != usize::from(extension) {
            kept.extend_from_slice(&message[position..end]);
        }
        position = end;
    }
    assert!(kept.len() < number(at), "there is no extension {extension}");
    let body = [&message[4..at], &u16::try_from(kept.len()).unwrap().to_be_bytes(), &kept].concat();
    [&message[..1], &u32::try_from(body.len()).unwrap().to_be_bytes()[1..], &body].concat()
}

/// Where the extensions of a ClientHello begin: behind version, random, session, suites and compression.
fn hello_extensions(hello: &[u8]) -> usize {
    let session = 4 + 2 + 32;
    let suites = session + 1 + usize::from(hello[session]);
    let compression = suites + 2 + usize::from(u16::from_be_bytes([hello[suites], hello[suites + 1]]));
    compression + 1 + usize::from(hello[compression])
}

fn server(authority: &Authority) -> End {
    End::new(QuicSession::server(&authority.server(), Version::V1, b"", Instant::now()).unwrap())
}

fn client(authority: &Authority) -> End {
    let client = authority.client();
    let session = QuicSession::client(&client, Version::V1, "example.com", CLIENT_PARAMETERS, Instant::now());
    End::new(session.unwrap())
}

fn hello(authority: &Authority) -> Vec<u8> {
    client(authority).output.remove(0).1.to_vec()
}

/// It has failed with this code, and stays so.
fn assert_failed(end: &mut End, code: u64) -> TlsError {
    let error = end.error.clone().expect("it goes on");
    assert_eq!(error.code, code, "{error}");
    let again = end.session.read_crypto(Instant::now(), Level::Initial, b"more");
    assert_eq!(again.as_ref(), Err(&error));
    assert_eq!(end.session.poll_event().unwrap_err(), error);
    let alert = u8::try_from(code.wrapping_sub(0x0100)).ok().map(Alert);
    assert_eq!(error.alert(), alert);
    error.error
}

#[test]
fn a_client_without_transport_parameters() {
    let authority = Authority::new();
    let hello = hello(&authority);
    let mut server = server(&authority);
    let changed = without(&hello, hello_extensions(&hello), TRANSPORT_PARAMETERS);
    server.read(Instant::now(), Level::Initial, &changed);
    // missing_extension
    let error = assert_failed(&mut server, 0x016d);
    assert!(error.to_string().contains("transport parameters"), "{error}");
    assert!(server.told.is_empty(), "{:?}", server.told);
}

/// Encrypted extensions are the first message of the Handshake level.
fn without_extension(level: Level, data: Vec<u8>, extension: u16) -> Vec<u8> {
    if level != Level::Handshake {
        return data;
    }
    let length = 4 + usize::from(u16::from_be_bytes([data[2], data[3]]));
    [without(&data[..length], 4, extension), data[length..].to_vec()].concat()
}

#[test]
fn a_server_without_transport_parameters() {
    let authority = Authority::new();
    let (mut client, mut server) =
        (client(&authority), Foreign::server(&authority, rustls::quic::Version::V1));
    run(&mut client, &mut server, |level, data| without_extension(level, data, TRANSPORT_PARAMETERS));
    let error = assert_failed(&mut client, 0x016d);
    assert!(error.to_string().contains("transport parameters"), "{error}");
    assert_eq!(client.parameters, None);
}

#[test]
fn no_protocol_in_common() {
    let authority = Authority::new();
    let other = QuicClientTls::new(&authority.client_tls().build().unwrap(), ["hq-interop"]).unwrap();
    let mut pair = Pair::new(&other, &authority.server(), Version::V1);
    pair.run();
    // no_application_protocol
    let error = assert_failed(&mut pair.server, 0x0178);
    assert!(matches!(error, TlsError::Incompatible(_)), "{error:?}");

    // A client that offers none at all, and a server that chooses none.
    let hello = hello(&authority);
    let mut end = server(&authority);
    end.read(Instant::now(), Level::Initial, &without(&hello, hello_extensions(&hello), ALPN));
    assert_failed(&mut end, 0x0178);
    let (mut client, mut server) =
        (client(&authority), Foreign::server(&authority, rustls::quic::Version::V1));
    run(&mut client, &mut server, |level, data| without_extension(level, data, ALPN));
    assert_failed(&mut client, 0x0178);
}

#[test]
fn certificates_that_are_not_accepted() {
    let authority = Authority::new();
    let stranger = Authority::named("a stranger");
    let mut pair = Pair::new(&stranger.client(), &authority.server(), Version::V1);
    pair.run();
    // unknown_ca
    let error = assert_failed(&mut pair.client, 0x0130);
    assert!(matches!(error, TlsError::Certificate(_)), "{error:?}");
    assert_eq!(pair.client.report, None);
    assert!(pair.client.one_rtt.is_none());

    let insecure = wirelace_tls_glue::ClientTls::builder(Roots::Insecure).build().unwrap();
    let insecure = QuicClientTls::new(&insecure, ["h3"]).unwrap();
    let pair = Pair::complete(&insecure, &authority.server(), Version::V1);
    assert!(!pair.client.report.unwrap().verification.is_verified());
}

#[test]
fn octets_at_the_wrong_level() {
    let authority = Authority::new();
    let hello = hello(&authority);
    for level in [Level::ZeroRtt, Level::Handshake, Level::OneRtt] {
        let mut server = server(&authority);
        server.read(Instant::now(), level, &hello);
        // PROTOCOL_VIOLATION
        let error = assert_failed(&mut server, 0x0a);
        assert!(error.to_string().contains("expected Initial"), "{error}");
    }
    // After the level has ended, too.
    let mut pair = Pair::complete(&authority.client(), &authority.server(), Version::V1);
    pair.server.read(pair.now, Level::Handshake, &[0]);
    assert_failed(&mut pair.server, 0x0a);
    pair.client.read(pair.now, Level::Initial, &[0]);
    assert_failed(&mut pair.client, 0x0a);
}

/// RFC 9001 §4.1.3: what TLS has not taken when the level ends.
#[test]
fn octets_behind_the_end_of_a_level() {
    let authority = Authority::new();
    let mut end = server(&authority);
    end.read(Instant::now(), Level::Initial, &[&hello(&authority)[..], &[20]].concat());
    let error = assert_failed(&mut end, 0x0a);
    assert!(error.to_string().contains("behind the end of level Initial"), "{error}");

    for ends in [Level::Initial, Level::Handshake] {
        let mut pair = Pair::new(&authority.client(), &authority.server(), Version::V1);
        // The last of the server's octets at each level, and one more.
        while pair.turn(
            |level, data| {
                if level == ends && data[0] != 1 { [&data[..], &[11]].concat() } else { data }
            },
        ) {}
        assert_failed(&mut pair.client, 0x0a);
    }
}

/// Half of a message, and the other half at the next level.
#[test]
fn a_message_across_levels() {
    let authority = Authority::new();
    let hello = hello(&authority);
    let mut server = server(&authority);
    server.read(Instant::now(), Level::Initial, &hello[..100]);
    server.read(Instant::now(), Level::Handshake, &hello[100..]);
    assert_failed(&mut server, 0x0a);
}

/// RFC 9001 §6: keys of QUIC are not updated by TLS.
#[test]
fn a_key_update_of_tls() {
    let authority = Authority::new();
    for request in [0, 1] {
        let mut pair = Pair::complete(&authority.client(), &authority.server(), Version::V1);
        for end in [&mut pair.client, &mut pair.server] {
            end.read(Instant::now(), Level::OneRtt, &[24, 0, 0, 1, request]);
            // unexpected_message
            assert_failed(end, 0x010a);
        }
    }
}

#[test]
fn too_much_in_one_message_and_in_all() {
    let authority = Authority::new();
    let mut end = server(&authority);
    // A hello of 2^16 octets is refused as soon as it says so.
    end.read(Instant::now(), Level::Initial, &[1, 1, 0, 0]);
    let error = assert_failed(&mut end, 0x010a);
    let rule = RecordRule::MessageTooLong { length: 0x1_0000, limit: 0xffff };
    assert_eq!(error, TlsError::Record(rule));

    let mut end = server(&authority);
    end.read(Instant::now(), Level::Initial, &[1, 0, 0xff, 0xff]);
    assert_eq!(end.error, None);
    end.read(Instant::now(), Level::Initial, &vec![0; 128 * 1024 - 3]);
    let error = assert_failed(&mut end, 0x0128);
    assert_eq!(error, TlsError::HandshakeTooLong(128 * 1024));
}

/// Tickets for ever.
#[test]
fn too_many_session_tickets() {
    let authority = Authority::new();
    let mut pair = Pair::new(&authority.client(), &authority.server(), Version::V1);
    let mut tickets = Vec::new();
    while pair.turn(|level, data| {
        if level == Level::OneRtt {
            tickets.clone_from(&data);
        }
        data
    }) {}
    assert!(tickets.len() > 50);
    let mut octets = tickets.len();
    loop {
        pair.client.read(pair.now, Level::OneRtt, &tickets);
        octets += tickets.len();
        assert_eq!(pair.client.error.is_some(), octets > 1024 * 1024);
        if octets > 1024 * 1024 {
            break;
        }
    }
    assert_eq!(assert_failed(&mut pair.client, 0x0128), TlsError::HandshakeTooLong(1024 * 1024));
}

#[test]
fn a_client_that_speaks_only_tls_1_2() {
    let authority = Authority::new();
    let hello = hello(&authority);
    let mut end = server(&authority);
    // Without supported_versions.
    end.read(Instant::now(), Level::Initial, &without(&hello, hello_extensions(&hello), 43));
    // protocol_version
    assert_failed(&mut end, 0x0146);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Whatever is changed on its way, both sides never think that all is well.
    #[test]
    fn changed_handshakes_are_not_completed(
        at in 0..2000_usize,
        bit in 0..8_u32,
        early: bool,
    ) {
        let authority = Authority::new();
        let client = authority.client().early_data(true);
        let server = authority.server().early_data("limits").unwrap();
        if early {
            Pair::complete(&client, &server, Version::V1);
        }
        let mut pair = Pair::new(&client, &server, Version::V1);
        let (mut position, mut changed) = (0, false);
        while pair.turn(|level, mut data| {
            if level != Level::OneRtt && (position..position + data.len()).contains(&at) {
                data[at - position] ^= 1 << bit;
                changed = true;
            }
            position += data.len();
            data
        }) {}
        let complete = [&pair.client, &pair.server].map(|end| end.report.is_some());
        prop_assert_eq!(complete == [true; 2], !changed, "{:?} {:?}", pair.client.error, pair.server.error);
    }

    #[test]
    fn anything_may_come(octets in proptest::collection::vec(any::<u8>(), 0..300), level in 0..4_usize) {
        let authority = Authority::new();
        let level = [Level::Initial, Level::ZeroRtt, Level::Handshake, Level::OneRtt][level];
        for end in [&mut server(&authority), &mut client(&authority)] {
            end.read(Instant::now(), level, &octets);
            prop_assert!(end.report.is_none());
        }
        let mut pair = Pair::complete(&authority.client(), &authority.server(), Version::V1);
        for end in [&mut pair.client, &mut pair.server] {
            end.read(Instant::now(), level, &octets);
        }
    }
}

/// QUIC has the certificates of TCP, also when they are replaced.
#[test]
fn certificates_are_replaced_for_both() {
    let authority = Authority::new();
    let stranger = Authority::named("a stranger");
    let tls = stranger.server_tls().build().unwrap();
    let server = QuicServerTls::new(&tls, ["h3"]).unwrap();
    let client = authority.client();
    let mut pair = Pair::new(&client, &server, Version::V1);
    pair.run();
    assert_failed(&mut pair.client, 0x0130);
    tls.store().replace(vec![authority.identity()]);
    Pair::complete(&client, &server, Version::V1);
}
