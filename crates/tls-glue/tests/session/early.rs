//! Early data between sessions of ours.

use std::io::IoSlice;
use std::time::Duration;

use crate::pair::{Authority, Pair, Side};
use wirelace_tls_glue::{
    ClientCertificates, ClientTls, EarlyDataState, ServerTls, TlsError, TlsSession, TlsVersion,
};

const LIMIT: u32 = 16 * 1024;

fn early(authority: &Authority) -> (ClientTls, ServerTls) {
    let client = authority.client().early_data(true).build().unwrap();
    (client, authority.server().early_data(LIMIT).build().unwrap())
}

/// The client has sessions afterwards.
fn meet(client: &ClientTls, server: &ServerTls) {
    let mut pair = Pair::complete(client, server);
    pair.exchange(b"a", b"b");
    assert_eq!(pair.server.session.early_data(), EarlyDataState::None);
}

#[test]
fn comes_and_is_answered_before_the_handshake_is_complete() {
    let authority = Authority::new();
    let client = authority.client().early_data(true).alpn(["http/1.1"]).build().unwrap();
    let server = authority.server().early_data(LIMIT).alpn(["h2", "http/1.1"]).build().unwrap();
    meet(&client, &server);
    for piece in [1, 2, 3, 5, 17, 100, 1000, usize::MAX] {
        let mut pair = Pair::new(&client, &server);
        pair.piece = piece;
        assert_eq!(pair.client.session.early_data(), EarlyDataState::Offered);
        assert_eq!(pair.client.session.early_protocol().map(|name| &name[..]), Some(&b"http/1.1"[..]));
        let slices = [IoSlice::new(b"GET / "), IoSlice::new(b""), IoSlice::new(&[b'x'; 3000])];
        assert_eq!(pair.client.session.send(pair.now, &slices), Ok(3006));
        pair.up();
        assert_eq!(pair.server.plain, [&b"GET / "[..], &[b'x'; 3000]].concat(), "{piece}");
        assert!(pair.server.session.is_handshaking());
        assert_eq!(pair.server.session.early_data(), EarlyDataState::Accepted);
        // Enough is known to answer.
        let report = pair.server.session.report().unwrap().clone();
        assert_eq!(report.alpn.as_deref(), Some(&b"http/1.1"[..]));
        assert_eq!(report.server_name.as_deref(), Some("example.com"));
        assert!(report.resumed && report.early_data == 3006);
        assert_eq!(report.version, TlsVersion::Tls13);
        pair.server.plain.clear();
        let answer: Vec<u8> = (0..40_000_u32).flat_map(u32::to_be_bytes).collect();
        let sent = pair.server.send(pair.now, &answer);
        assert!((128 * 1024..150_000).contains(&sent) && pair.server.session.room() == 0, "{sent}");
        pair.down();
        // The answer is there before the server has heard a second time.
        assert!(pair.server.session.is_handshaking() && !pair.client.session.is_handshaking());
        let mut got = pair.client.plain.split();
        while got.len() < sent {
            pair.client.receive(pair.now);
            got.unsplit(pair.client.plain.split());
        }
        assert_eq!(got, answer[..sent]);
        assert_eq!(pair.client.session.early_data(), EarlyDataState::Accepted);
        let report = pair.client.session.report().unwrap();
        assert!(report.resumed && report.early_data == 3006 && !report.early_data_refused);
        pair.run();
        assert!(!pair.server.session.is_handshaking());
        assert_eq!(pair.server.session.report().unwrap().early_data, 3006);
        assert_eq!(pair.server.session.report().unwrap().round_trips, 1);
        pair.exchange(&[7; 100_000], &[8; 100_000]);
        pair.server.session.update_keys(true).unwrap();
        pair.exchange(&[7; 100_000], &[8; 100_000]);
    }
}

#[test]
fn is_sent_again_where_the_session_is_forgotten() {
    let authority = Authority::new();
    for resumes in [false, true] {
        let (client, server) = early(&authority);
        meet(&client, &server);
        // One that would take early data, and one that takes none.
        let other = if resumes { early(&authority).1 } else { authority.server().build().unwrap() };
        for piece in [1, 100, usize::MAX] {
            let mut pair = Pair::new(&client, &other);
            pair.piece = piece;
            assert_eq!(pair.client.send(pair.now, b"first "), 6);
            // Each is skipped once.
            for part in [&[b'x'; 2500]; 6] {
                assert_eq!(pair.client.send(pair.now, part), 2500);
            }
            pair.up();
            assert_eq!(pair.server.session.early_data(), EarlyDataState::None);
            assert!(pair.server.plain.is_empty());
            pair.run();
            assert_eq!(pair.client.error, None);
            assert_eq!(pair.client.session.early_data(), EarlyDataState::Refused);
            let report = pair.client.session.report().unwrap();
            assert!(!report.resumed && report.early_data == 0 && report.early_data_refused);
            assert_eq!(pair.client.send(pair.now, b" last"), 5);
            pair.run();
            assert_eq!(pair.server.plain, [&b"first "[..], &[b'x'; 15_000], b" last"].concat(), "{piece}");
            pair.server.plain.clear();
            pair.exchange(&[7; 50_000], &[8; 50_000]);
            meet(&client, &server);
        }
    }
}

#[test]
fn a_first_flight_that_is_heard_twice_is_read_once() {
    let authority = Authority::new();
    let (client, server) = early(&authority);
    meet(&client, &server);
    let mut pair = Pair::new(&client, &server);
    pair.client.send(pair.now, b"once");
    let flight = pair.client.output();
    let mut sides = [0, 1].map(|_| Side::new(TlsSession::server(&server, pair.now).unwrap()));
    for side in &mut sides {
        side.deliver(&flight, usize::MAX, pair.now);
        assert_eq!(side.error, None);
    }
    assert_eq!(sides[0].plain, "once");
    assert_eq!(sides[0].session.early_data(), EarlyDataState::Accepted);
    // The ticket is used up: this one goes on as if there was none.
    assert!(sides[1].plain.is_empty());
    assert_eq!(sides[1].session.early_data(), EarlyDataState::None);
    assert_eq!(sides[1].session.room(), 0);
    // The client meets the second, and its data comes to that one.
    let [_, second] = sides;
    pair.server = second;
    pair.run();
    assert_eq!(pair.client.error, None);
    assert_eq!(pair.server.plain, "once");
    assert!(pair.client.session.report().unwrap().early_data_refused);
}

#[test]
fn another_protocol_does_not_get_it() {
    let authority = Authority::new();
    let client = authority.client().early_data(true).alpn(["h2", "http/1.1"]).build().unwrap();
    let [new, old] =
        ["h2", "http/1.1"].map(|name| authority.server().early_data(LIMIT).alpn([name]).build().unwrap());
    meet(&client, &old);
    let mut pair = Pair::new(&client, &new);
    assert_eq!(pair.client.send(pair.now, b"GET / HTTP/1.1"), 14);
    pair.run();
    assert_eq!(pair.client.error, Some(TlsError::EarlyDataProtocol));
    assert!(pair.server.plain.is_empty());
    // The tickets that led there are gone.
    let pair = Pair::new(&client, &new);
    assert_eq!((pair.client.session.early_data(), pair.client.session.room()), (EarlyDataState::None, 0));
    // Without early data, another protocol is no trouble.
    meet(&client, &old);
    let mut pair = Pair::complete(&client, &new);
    pair.exchange(b"a", b"b");
}

#[test]
fn of_a_protocol_that_is_not_offered_nothing_is_sent() {
    let authority = Authority::new();
    let server = authority.server().early_data(LIMIT).build().unwrap();
    let client = authority.client().early_data(true).build().unwrap();
    meet(&client, &server);
    // That takes the ticket.
    assert_eq!(Pair::new(&client, &server).client.session.early_protocol(), None);
    meet(&client, &server);
    let mut pair = Pair::new(&client, &server);
    // Nothing needs to be sent.
    pair.run();
    assert!(pair.client.session.report().unwrap().resumed);
    assert_eq!(pair.client.session.early_data(), EarlyDataState::Accepted);
    pair.exchange(b"a", b"b");
}

#[test]
fn no_more_is_sent_than_the_ticket_allows() {
    let authority = Authority::new();
    let client = authority.client().early_data(true).build().unwrap();
    let server = authority.server().early_data(1000).build().unwrap();
    let forgetful = authority.server().early_data(1000).build().unwrap();
    for other in [&forgetful, &server] {
        meet(&client, &server);
        let mut pair = Pair::new(&client, other);
        // With what protects it: a server that refuses counts that.
        assert_eq!(pair.client.session.room(), 983);
        assert_eq!(pair.client.send(pair.now, &[b'x'; 500]), 500);
        assert_eq!(pair.client.send(pair.now, &[b'x'; 5000]), 466);
        assert_eq!(pair.client.send(pair.now, b"x"), 0);
        pair.run();
        assert_eq!((&pair.client.error, &pair.server.error), (&None, &None));
        assert_eq!(pair.server.plain, [b'x'; 966][..]);
    }
    // However much the ticket allows, what is kept is bounded.
    let server = authority.server().early_data(10_000_000).build().unwrap();
    let client = authority.client().early_data(true).build().unwrap();
    meet(&client, &server);
    let mut pair = Pair::new(&client, &server);
    assert_eq!(pair.client.send(pair.now, &[b'x'; 1_000_000]), 64 * 1024);
    assert_eq!(pair.client.session.room(), 0);
}

#[test]
fn a_client_that_never_finishes_is_waited_for_until_the_deadline() {
    let authority = Authority::new();
    let (client, server) = early(&authority);
    meet(&client, &server);
    let mut pair = Pair::new(&client, &server);
    pair.client.send(pair.now, b"hello");
    pair.up();
    let began = pair.server.session.deadline().unwrap() - server.handshake_timeout().unwrap();
    assert!(began <= pair.now);
    // What is answered until then is bounded, whoever reads it.
    let mut answered = 0;
    loop {
        let sent = pair.server.send(pair.now, &[b'x'; 60_000]);
        answered += sent;
        if sent == 0 && pair.server.output().is_empty() {
            break;
        }
    }
    assert_eq!(answered, 16 * 1024 * 1024);
    let late = began + server.handshake_timeout().unwrap();
    assert_eq!(pair.server.session.on_deadline(late - Duration::from_nanos(1)), Ok(()));
    let timeout = TlsError::HandshakeTimeout(server.handshake_timeout().unwrap());
    assert_eq!(pair.server.session.on_deadline(late), Err(timeout.clone()));
    assert_eq!(pair.server.session.send(late, &[IoSlice::new(b"x")]), Err(timeout));
}

#[test]
fn the_end_of_an_early_answer_is_said_after_the_handshake() {
    let authority = Authority::new();
    let (client, server) = early(&authority);
    meet(&client, &server);
    let mut pair = Pair::new(&client, &server);
    pair.client.send(pair.now, b"hello");
    pair.up();
    assert_eq!(pair.server.send(pair.now, b"answer"), 6);
    pair.server.session.close();
    assert_eq!(pair.server.send(pair.now, b"more"), 0);
    pair.down();
    assert_eq!(pair.client.plain, "answer");
    assert!(!pair.client.session.peer_closed());
    pair.run();
    assert!(pair.client.session.peer_closed());
    assert_eq!((&pair.client.error, &pair.server.error), (&None, &None));
}

#[test]
fn nothing_is_sent_to_those_whose_certificate_is_waited_for() {
    let authority = Authority::new();
    let asking = ClientCertificates::Required(vec![authority.root.clone()]);
    let server = authority.server().early_data(LIMIT).client_certificates(asking).build().unwrap();
    let client = authority.client().early_data(true).identity(authority.identity(&["me"])).build().unwrap();
    let mut pair = Pair::new(&client, &server);
    pair.up();
    assert!(pair.server.session.is_handshaking());
    assert_eq!((pair.server.session.room(), pair.server.send(pair.now, b"early")), (0, 0));
    pair.run();
    pair.exchange(b"a", b"b");
    // The session that is resumed is that of the certificate, and shown by the ticket.
    let mut pair = Pair::new(&client, &server);
    pair.client.send(pair.now, b"hello");
    pair.up();
    assert_eq!(pair.server.plain, "hello");
    assert_eq!(pair.server.session.report().unwrap().peer_certificates.len(), 1);
    pair.server.plain.clear();
    pair.run();
    pair.exchange(b"a", b"b");
    // Without one: nothing, and no session.
    let stranger = authority.client().early_data(true).build().unwrap();
    let mut pair = Pair::new(&stranger, &server);
    pair.run();
    assert!(pair.server.error.is_some());
    assert_eq!(Pair::new(&stranger, &server).client.session.early_data(), EarlyDataState::None);
}

#[test]
fn without_being_asked_for_there_is_none() {
    let authority = Authority::new();
    let server = authority.server().early_data(LIMIT).build().unwrap();
    for client in [
        authority.client().build().unwrap(),
        authority.client().early_data(true).sessions(0).build().unwrap(),
        authority.client().early_data(true).versions(TlsVersion::Tls12, TlsVersion::Tls12).build().unwrap(),
    ] {
        meet(&client, &server);
        let mut pair = Pair::new(&client, &server);
        assert_eq!((pair.client.session.early_data(), pair.client.session.room()), (EarlyDataState::None, 0));
        assert_eq!(pair.client.send(pair.now, b"early"), 0);
        pair.run();
        pair.exchange(b"a", b"b");
        assert!(!pair.client.session.report().unwrap().early_data_refused);
    }
}

#[test]
fn an_old_server_is_an_error_that_leaves_nothing_behind() {
    let authority = Authority::new();
    let (client, server) = early(&authority);
    meet(&client, &server);
    let old = authority.server().versions(TlsVersion::Tls12, TlsVersion::Tls12).build().unwrap();
    for failed in 0..10 {
        let mut pair = Pair::new(&client, &old);
        pair.client.send(pair.now, b"early");
        pair.run();
        let Some(error) = pair.client.error else {
            pair.exchange(b"a", b"b");
            assert!(failed > 0);
            return;
        };
        // RFC 8446 Appendix D.3.
        assert!(matches!(error, TlsError::Handshake(_)), "{error}");
        assert!(pair.server.plain.is_empty());
    }
    panic!("never again");
}
