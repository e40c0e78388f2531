//! TLS sessions of both sides against each other.

mod attacker;
mod attacks;
mod early;
mod early_peers;
mod pair;

use pair::{Authority, Pair};
use wirelace_tls_glue::{Alert, TlsError, TlsVersion};

#[test]
fn both_versions_in_pieces_of_all_sizes() {
    let authority = Authority::new();
    for version in [TlsVersion::Tls12, TlsVersion::Tls13] {
        let server = authority.server().versions(version, version).alpn(["h2", "http/1.1"]).build().unwrap();
        let client = authority.client().alpn(["http/1.1"]).sessions(0).build().unwrap();
        for piece in [1, 2, 3, 5, 17, 100, 1000, usize::MAX] {
            let mut pair = Pair::new(&client, &server);
            pair.piece = piece;
            pair.run();
            let report = pair.server.session.report().expect("complete").clone();
            assert_eq!(report.version, version);
            assert_eq!(report.alpn.as_deref(), Some(&b"http/1.1"[..]));
            assert_eq!(report.server_name.as_deref(), Some("example.com"));
            assert_eq!(pair.client.session.report().unwrap().version, version);
            pair.exchange(b"hello", &[7; 100_000]);
            pair.exchange(&[8; 70_000], b"x");
        }
    }
}

#[test]
fn sessions_are_resumed() {
    let authority = Authority::new();
    for version in [TlsVersion::Tls12, TlsVersion::Tls13] {
        let server = authority.server().versions(version, version).build().unwrap();
        let client = authority.client().build().unwrap();
        let mut first = Pair::complete(&client, &server);
        assert!(!first.client.session.report().unwrap().resumed);
        first.exchange(b"a", b"b");
        for _ in 0..3 {
            let mut again = Pair::complete(&client, &server);
            assert!(again.client.session.report().unwrap().resumed, "{version}");
            assert!(again.server.session.report().unwrap().resumed, "{version}");
            again.exchange(b"a", b"b");
        }
    }
}

#[test]
fn each_ticket_is_for_one_connection() {
    let authority = Authority::new();
    for tickets in [0, 1, 2] {
        let server = authority.server().tickets(tickets).build().unwrap();
        let client = authority.client().build().unwrap();
        Pair::complete(&client, &server);
        // All begin before one of them has a new ticket.
        let mut pairs = [(); 3].map(|()| Pair::new(&client, &server));
        pairs.iter_mut().for_each(Pair::run);
        let resumed = pairs.iter().filter(|pair| pair.server.session.report().unwrap().resumed);
        assert_eq!(resumed.count(), tickets);
    }
}

#[test]
fn only_tickets_may_wait() {
    let authority = Authority::new();
    for version in [TlsVersion::Tls12, TlsVersion::Tls13] {
        let server = authority.server().versions(version, version).build().unwrap();
        let mut pair = Pair::new(&authority.client().build().unwrap(), &server);
        while pair.server.session.is_handshaking() {
            assert!(!pair.server.session.output_may_wait(), "the client waits for it");
            pair.up();
            if pair.server.session.is_handshaking() {
                pair.down();
            }
        }
        assert!(!pair.server.session.output().is_empty());
        // In TLS 1.2 the server's Finished is the last.
        assert_eq!(pair.server.session.output_may_wait(), version == TlsVersion::Tls13);
        assert!(!pair.client.session.output_may_wait());
    }
}

#[test]
fn more_is_encrypted_at_a_time_for_a_peer_that_takes_all() {
    const KIB: usize = 1024;
    let authority = Authority::new();
    let mut pair = Pair::complete(&authority.client().build().unwrap(), &authority.server().build().unwrap());
    let data = vec![7; 1024 * KIB];
    // A last record may go beyond.
    for expected in [128, 256, 512, 512].map(|kib| kib * KIB) {
        let sent = pair.server.send(pair.now, &data);
        assert!((expected..expected + 16 * KIB).contains(&sent), "{sent}");
        assert_eq!(pair.server.session.room(), 0);
        pair.server.output();
    }
    // One that leaves something behind has little waiting, until it has caught up.
    pair.server.send(pair.now, &data);
    let waiting = pair.server.session.output().len();
    pair.server.session.output().advance(waiting - 100 * KIB);
    let sent = pair.server.send(pair.now, &data);
    assert!((28 * KIB..44 * KIB).contains(&sent), "{sent}");
}

#[test]
fn keys_change_on_both_sides() {
    let authority = Authority::new();
    let mut pair = Pair::complete(&authority.client().build().unwrap(), &authority.server().build().unwrap());
    for ask in [false, true, true] {
        pair.client.session.update_keys(ask).unwrap();
        pair.exchange(b"after", &[1; 40_000]);
        pair.server.session.update_keys(ask).unwrap();
        pair.exchange(&[2; 40_000], b"after");
    }
}

#[test]
fn the_end_is_said() {
    let authority = Authority::new();
    let mut pair = Pair::complete(&authority.client().build().unwrap(), &authority.server().build().unwrap());
    pair.exchange(b"a", b"b");
    pair.client.session.close();
    pair.run();
    assert!(pair.server.session.peer_closed());
    assert_eq!(pair.server.session.end_of_input(), Ok(()));
    // The other direction goes on.
    pair.exchange(b"", b"more");
    assert_eq!(pair.client.session.end_of_input(), Err(TlsError::Truncated));
}

#[test]
fn a_refusal_is_told_though_an_answer_has_begun() {
    let authority = Authority::new();
    for version in [TlsVersion::Tls12, TlsVersion::Tls13] {
        let server = authority.server().versions(version, version).alpn(["h2"]).build().unwrap();
        let client = authority.client().alpn(["http/1.1"]).build().unwrap();
        let mut pair = Pair::new(&client, &server);
        pair.run();
        // RFC 7301, 3.2. In TLS 1.3 it comes behind the ServerHello, encrypted.
        assert_eq!(pair.client.error, Some(TlsError::Alert(Alert(120))), "{version}");
    }
}

#[test]
fn a_record_that_does_not_decrypt_within_the_handshake_has_one_alert() {
    let authority = Authority::new();
    let server = authority.server().versions(TlsVersion::Tls13, TlsVersion::Tls13).build().unwrap();
    let mut pair = Pair::new(&authority.client().build().unwrap(), &server);
    let hello = pair.client.output();
    pair.server.input.extend_from_slice(&hello);
    pair.server.receive(pair.now);
    let flight = pair.server.output();
    pair.client.input.extend_from_slice(&flight);
    pair.client.receive(pair.now);
    let mut finished = pair.client.output();
    *finished.last_mut().unwrap() ^= 1;
    pair.server.input.extend_from_slice(&finished);
    pair.server.receive(pair.now);
    assert_eq!(pair.server.error, Some(TlsError::Decrypt));
    // An alert's two octets, its type, and the tag, behind a header.
    assert_eq!(pair.server.output().len(), 5 + 2 + 1 + 16);
}
