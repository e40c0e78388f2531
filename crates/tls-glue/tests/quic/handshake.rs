//! Both sides, and what they agree on.

use std::time::Instant;

use crate::world::{Authority, CLIENT_PARAMETERS, Pair};
use wirelace_tls_glue::ct::{CtPolicy, LogList};
use wirelace_tls_glue::quic::{
    Level, QuicClientTls, QuicEvent, QuicHandshake as _, QuicServerTls, QuicSession, Version,
};
use wirelace_tls_glue::{ClientCertificates, TlsError, TlsVersion, Verification};

#[test]
fn both_versions_in_pieces_of_all_sizes() {
    let authority = Authority::new();
    let (client, server) = (authority.client(), authority.server());
    for version in [Version::V1, Version::V2] {
        for piece in (1..64).chain((64..1200).step_by(37)).chain([usize::MAX]) {
            let mut pair = Pair::new(&client, &server, version);
            pair.piece = piece;
            pair.run();
            pair.assert_complete();
        }
    }
}

#[test]
fn cut_in_two_at_every_position() {
    let authority = Authority::new();
    let tls = authority.client_tls().sessions(0).build().unwrap();
    let (client, server) = (QuicClientTls::new(&tls, ["h3"]).unwrap(), authority.server());
    for message in 0..4 {
        let mut at = 1;
        loop {
            let mut pair = Pair::new(&client, &server, Version::V1);
            let (mut seen, mut longest) = (0, 0);
            // The second half comes by itself: `turn` cuts nothing here.
            let mut step = |pair: &mut Pair| {
                let outputs =
                    [std::mem::take(&mut pair.client.output), std::mem::take(&mut pair.server.output)];
                let moved = outputs.iter().any(|output| !output.is_empty());
                for (output, end) in outputs.into_iter().zip([&mut pair.server, &mut pair.client]) {
                    for (level, data) in output {
                        let (first, second) = if seen == message {
                            longest = data.len();
                            data.split_at(at.min(data.len()))
                        } else {
                            (&data[..], &[][..])
                        };
                        seen += 1;
                        end.read(pair.now, level, first);
                        end.read(pair.now, level, second);
                    }
                }
                moved
            };
            while step(&mut pair) {}
            pair.assert_complete();
            at += 1;
            if at >= longest {
                assert!(at > 30, "message {message} has {longest} octets");
                break;
            }
        }
    }
}

/// The order in which keys and octets come, and at which level.
#[test]
fn events_in_order() {
    let authority = Authority::new();
    let pair = Pair::complete(&authority.client(), &authority.server(), Version::V1);
    let client =
        ["crypto Initial", "handshake keys", "parameters", "crypto Handshake", "1-RTT keys", "complete"];
    assert_eq!(pair.client.told, client);
    let server = [
        "parameters",
        "crypto Initial",
        "handshake keys",
        "crypto Handshake",
        "1-RTT keys",
        "crypto OneRtt",
        "complete",
    ];
    assert_eq!(pair.server.told, server);
}

#[test]
fn reports() {
    let authority = Authority::new();
    let mut pair = Pair::complete(&authority.client(), &authority.server(), Version::V1);
    let (client, server) = (pair.client.report.take().unwrap(), pair.server.report.take().unwrap());
    for report in [&client, &server] {
        assert_eq!(report.version, TlsVersion::Tls13);
        assert_eq!(report.alpn.as_deref(), Some(&b"h3"[..]));
        assert!(report.cipher_suite.starts_with("TLS_"), "{}", report.cipher_suite);
        assert!(report.group.is_some());
        assert!(!report.resumed);
        assert_eq!(report.round_trips, 1);
        assert!(report.duration.as_millis() > 0);
    }
    assert_eq!(client.verification, Verification::Chain);
    assert_eq!(client.peer_certificates.len(), 1);
    assert_eq!(server.server_name.as_deref(), Some("example.com"));
    assert_eq!(server.verification, Verification::NoCertificate);
}

/// The secrets are those of the library that made the handshake.
#[cfg(feature = "aws-lc-rs")]
#[test]
fn another_library_for_the_handshake() {
    use wirelace_tls_glue::Provider;
    let authority = Authority::new();
    let tls = authority.server_tls().provider(Provider::AwsLc).build().unwrap();
    let server = QuicServerTls::new(&tls, ["h3"]).unwrap().early_data("limits").unwrap();
    let tls = authority.client_tls().provider(Provider::AwsLc).build().unwrap();
    let client = QuicClientTls::new(&tls, ["h3"]).unwrap().early_data(true);
    let pair = Pair::complete(&client, &server, Version::V1);
    assert_eq!(pair.client.report.unwrap().group, Some("X25519MLKEM768"));
    let pair = Pair::complete(&client, &server, Version::V2);
    assert_eq!(pair.client.early_accepted, Some(true));
}

/// What TCP takes of early data is its own affair, and so are its sessions.
#[test]
fn settings_of_tcp_play_no_part() {
    let authority = Authority::new();
    let tls = authority.server_tls().early_data(16_384).alpn(["h2"]).build().unwrap();
    let server = QuicServerTls::new(&tls, ["h3"]).unwrap();
    let tls = authority.client_tls().early_data(true).alpn(["h2"]).build().unwrap();
    let client = QuicClientTls::new(&tls, ["h3"]).unwrap();
    for resumed in [false, true] {
        let pair = Pair::complete(&client, &server, Version::V1);
        assert!(pair.client.early.is_none() && pair.server.early.is_none());
        assert_eq!(pair.client.report.unwrap().resumed, resumed);
    }
}

#[test]
fn certificate_transparency_is_reported() {
    let authority = Authority::new();
    let list = br#"{"log_list_timestamp": "2026-01-01T00:00:00Z", "operators": []}"#;
    let policy = CtPolicy::report(LogList::from_json(list).unwrap());
    let tls = authority.client_tls().certificate_transparency(policy).build().unwrap();
    let client = QuicClientTls::new(&tls, ["h3"]).unwrap();
    let server = authority.server();
    let first = Pair::complete(&client, &server, Version::V1);
    assert!(first.client.report.unwrap().transparency.is_some());
    assert_eq!(first.server.report.unwrap().transparency, None);
    // They were asked when the session began.
    let again = Pair::complete(&client, &server, Version::V1);
    assert_eq!(again.client.report.unwrap().transparency, None);
    let unasked = Pair::complete(&authority.client(), &server, Version::V1);
    assert_eq!(unasked.client.report.unwrap().transparency, None);
}

#[test]
fn the_servers_preferred_protocol_of_those_offered() {
    let authority = Authority::new();
    let client = QuicClientTls::new(&authority.client_tls().build().unwrap(), ["x", "hq-interop", "h3"]);
    let server = QuicServerTls::new(&authority.server_tls().build().unwrap(), ["h3", "hq-interop"]);
    let pair = Pair::complete(&client.unwrap(), &server.unwrap(), Version::V1);
    assert_eq!(pair.client.report.unwrap().alpn.as_deref(), Some(&b"h3"[..]));
}

#[test]
fn keying_material_is_the_same_on_both_sides() {
    let authority = Authority::new();
    let pair = Pair::new(&authority.client(), &authority.server(), Version::V1);
    let mut nothing = [0; 8];
    let early = pair.client.session.export_keying_material(&mut nothing, b"label", None);
    assert!(matches!(early, Err(TlsError::Local(_))), "{early:?}");

    let pair = Pair::complete(&authority.client(), &authority.server(), Version::V1);
    let export = |label: &[u8], context: Option<&[u8]>| {
        let (mut up, mut down) = ([0; 40], [0; 40]);
        pair.client.session.export_keying_material(&mut up, label, context).unwrap();
        pair.server.session.export_keying_material(&mut down, label, context).unwrap();
        assert_eq!(up, down);
        up
    };
    let all = [export(b"a", None), export(b"b", None), export(b"a", Some(b"x")), export(b"a", Some(b"y"))];
    for (index, one) in all.iter().enumerate() {
        assert!(all[..index].iter().all(|other| other != one));
    }
}

#[test]
fn client_certificates() {
    let authority = Authority::new();
    let required = ClientCertificates::Required(vec![authority.root.clone()]);
    let tls = authority.server_tls().client_certificates(required).build().unwrap();
    let server = QuicServerTls::new(&tls, ["h3"]).unwrap();
    let tls = authority.client_tls().identity(authority.identity()).build().unwrap();
    let client = QuicClientTls::new(&tls, ["h3"]).unwrap();
    let pair = Pair::complete(&client, &server, Version::V2);
    assert_eq!(pair.server.report.unwrap().peer_certificates.len(), 1);

    // certificate_required
    let mut pair = Pair::new(&authority.client(), &server, Version::V1);
    pair.run();
    assert_eq!(pair.server.error.as_ref().map(|error| error.code), Some(0x0174));
    assert!(pair.server.report.is_none());
}

/// RFC 9368: both go on with another version than the client began with.
#[test]
fn the_version_changes_before_the_keys_do() {
    let authority = Authority::new();
    let (client, server) = (authority.client(), authority.server());
    let now = Instant::now();
    let mut pair = Pair::new(&client, &server, Version::V1);
    let mut session = QuicSession::server(&server, Version::V1, b"", now).unwrap();
    for (level, data) in &pair.client.output {
        session.read_crypto(now, *level, data).unwrap();
    }
    // A server decides when it has read what the client can.
    let first = session.poll_event().unwrap().unwrap();
    assert!(matches!(&first, QuicEvent::TransportParameters(told) if told == CLIENT_PARAMETERS));
    session.set_version(Version::V2).unwrap();
    while let Some(event) = session.poll_event().unwrap() {
        if let QuicEvent::Crypto { level: Level::Initial, data } = event {
            // The client sees it from the first packet that comes.
            pair.client.session.set_version(Version::V2).unwrap();
            pair.client.read(now, Level::Initial, &data);
        } else if let QuicEvent::HandshakeKeys(mut keys) = event {
            let client = pair.client.handshake.as_mut().unwrap();
            crate::world::assert_fit(&mut keys.local, &client.remote);
            crate::world::assert_fit(&mut client.local, &keys.remote);
        }
    }
    assert_eq!((session.version(), pair.client.session.version()), (Version::V2, Version::V2));
    // Now it is too late.
    for session in [&mut session, &mut pair.client.session] {
        assert!(matches!(session.set_version(Version::V1), Err(TlsError::Local(_))));
        assert_eq!(session.set_version(Version::V2), Ok(()));
    }
}

#[test]
fn settings_that_do_not_go_together() {
    let authority = Authority::new();
    let none: [&str; 0] = [];
    let wrong = |result: Result<(), TlsError>, part: &str| match result {
        Err(TlsError::Local(why)) => assert!(why.contains(part), "{why}"),
        other => panic!("{other:?}"),
    };
    let tls = authority.server_tls().build().unwrap();
    wrong(QuicServerTls::new(&tls, none).map(drop), "application protocol");
    let tls = authority.client_tls().build().unwrap();
    wrong(QuicClientTls::new(&tls, none).map(drop), "application protocol");

    let old = (TlsVersion::Tls12, TlsVersion::Tls12);
    let tls = authority.server_tls().versions(old.0, old.1).build().unwrap();
    wrong(QuicServerTls::new(&tls, ["h3"]).map(drop), "TLS 1.3");
    let tls = authority.client_tls().versions(old.0, old.1).build().unwrap();
    wrong(QuicClientTls::new(&tls, ["h3"]).map(drop), "TLS 1.3");

    let tls = authority.server_tls().resumption(false).build().unwrap();
    let server = QuicServerTls::new(&tls, ["h3"]).unwrap();
    wrong(server.early_data("limits").map(drop), "resumed");

    let client = authority.client();
    let session = QuicSession::client(&client, Version::V1, "not a name", b"", Instant::now());
    wrong(session.map(drop), "neither a host name");
}

#[test]
fn secrets_go_to_the_key_log_too() {
    let authority = Authority::new();
    let path = std::env::temp_dir().join(format!("wirelace-quic-keys-{}", std::process::id()));
    let log = wirelace_tls_glue::KeyLog::to_file(&path).unwrap();
    let tls = authority.client_tls().key_log(log).build().unwrap();
    Pair::complete(&QuicClientTls::new(&tls, ["h3"]).unwrap(), &authority.server(), Version::V1);
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::remove_file(&path).unwrap();
    for label in ["CLIENT_HANDSHAKE_TRAFFIC_SECRET", "SERVER_TRAFFIC_SECRET_0", "EXPORTER_SECRET"] {
        assert_eq!(text.lines().filter(|line| line.starts_with(label)).count(), 1, "{text}");
    }
}
