//! Sessions that are taken up again, and early data.

use crate::world::{Authority, Pair, SERVER_PARAMETERS, assert_fit};
use wirelace_tls_glue::quic::{
    Keys, QuicClientTls, QuicHandshake as _, QuicServerTls, QuicSession, Side, Version,
};

struct World {
    client: QuicClientTls,
    server: QuicServerTls,
}

fn world() -> World {
    let authority = Authority::new();
    World {
        client: authority.client().early_data(true),
        server: authority.server().early_data("limits").unwrap(),
    }
}

fn is_resumed(pair: &Pair) -> bool {
    let [client, server] = [&pair.client, &pair.server].map(|end| end.report.as_ref().unwrap().resumed);
    assert_eq!(client, server);
    client
}

#[test]
fn early_data_is_accepted() {
    for version in [Version::V1, Version::V2] {
        let World { client, server } = world();
        let first = Pair::complete(&client, &server, version);
        assert!(!is_resumed(&first) && first.client.early.is_none() && first.server.early.is_none());
        assert_eq!(first.client.early_accepted, None);
        assert_eq!(first.client.session.remembered_parameters(), None);
        for _ in 0..3 {
            let mut again = Pair::new(&client, &server, version);
            assert_eq!(again.client.told, ["early keys", "crypto Initial"]);
            let remembered = again.client.session.remembered_parameters();
            assert_eq!(remembered.map(|octets| &octets[..]), Some(SERVER_PARAMETERS));
            again.run();
            again.assert_complete();
            assert!(is_resumed(&again));
            assert_eq!(again.client.early_accepted, Some(true));
            assert_eq!(again.client.told[2..5], ["handshake keys", "parameters", "early data true"]);
            assert_eq!(again.server.told[..3], ["parameters", "early keys", "crypto Initial"]);
            let (mut up, down) = (again.client.early.take().unwrap(), again.server.early.take().unwrap());
            assert_fit(&mut up, &down);
        }
    }
}

#[test]
fn early_data_in_small_pieces() {
    let World { client, server } = world();
    Pair::complete(&client, &server, Version::V1);
    for piece in [1, 2, 3, 50, 333] {
        let mut pair = Pair::new(&client, &server, Version::V1);
        pair.piece = piece;
        pair.run();
        pair.assert_complete();
        assert_eq!(pair.client.early_accepted, Some(true));
    }
}

/// The client offers, and the server refuses.
fn assert_refused(mut pair: Pair, resumed: bool) {
    assert!(pair.client.early.is_some());
    pair.run();
    pair.assert_complete();
    assert_eq!(pair.client.early_accepted, Some(false));
    assert!(pair.server.early.is_none());
    assert_eq!(is_resumed(&pair), resumed);
}

#[test]
fn early_data_is_refused_on_one_connection() {
    let World { client, server } = world();
    Pair::complete(&client, &server, Version::V1);
    let mut pair = Pair::new(&client, &server, Version::V1);
    pair.server.session.reject_early_data();
    assert_refused(pair, true);
    // The next may again.
    let mut pair = Pair::new(&client, &server, Version::V1);
    pair.run();
    assert_eq!(pair.client.early_accepted, Some(true));
    // Afterwards it changes nothing.
    pair.server.session.reject_early_data();
    pair.assert_complete();
}

#[test]
fn early_data_is_refused_under_other_limits() {
    let World { client, server } = world();
    Pair::complete(&client, &server, Version::V1);
    let smaller = server.clone().early_data("smaller limits").unwrap();
    assert_refused(Pair::new(&client, &smaller, Version::V1), false);
    // The session that this has made is under the new limits.
    let pair = Pair::complete(&client, &smaller, Version::V1);
    assert_eq!(pair.client.early_accepted, Some(true));
}

#[test]
fn early_data_is_refused_by_a_server_that_takes_none() {
    let authority = Authority::new();
    let client = authority.client().early_data(true);
    let tls = authority.server_tls().build().unwrap();
    let plain = QuicServerTls::new(&tls, ["h3"]).unwrap();
    let takes = plain.clone().early_data("limits").unwrap();
    Pair::complete(&client, &takes, Version::V1);
    assert_refused(Pair::new(&client, &plain, Version::V1), false);
    // Its own sessions are resumed, without early data.
    let pair = Pair::complete(&client, &plain, Version::V1);
    assert!(is_resumed(&pair) && pair.client.early.is_none());
}

#[test]
fn early_data_is_refused_where_the_protocol_changes() {
    let authority = Authority::new();
    let tls = authority.server_tls().build().unwrap();
    let both = QuicServerTls::new(&tls, ["h3", "hq-interop"]).unwrap().early_data("limits").unwrap();
    let tls = authority.client_tls().build().unwrap();
    let first = QuicClientTls::new(&tls, ["h3"]).unwrap().early_data(true);
    Pair::complete(&first, &both, Version::V1);
    let other = QuicClientTls::new(&tls, ["hq-interop"]).unwrap().early_data(true);
    assert_refused(Pair::new(&other, &both, Version::V1), true);
}

#[test]
fn a_client_that_sends_none_offers_none() {
    let World { client, server } = world();
    Pair::complete(&client, &server, Version::V1);
    let silent = client.early_data(false);
    let pair = Pair::complete(&silent, &server, Version::V1);
    assert!(is_resumed(&pair) && pair.client.early.is_none() && pair.server.early.is_none());
    assert_eq!(pair.client.early_accepted, None);
}

/// All that are made from one `ClientTls` share its sessions of QUIC; one without sessions has none.
#[test]
fn sessions_are_those_of_the_client_configuration() {
    let authority = Authority::new();
    let server = authority.server();
    let tls = authority.client_tls().build().unwrap();
    let client = || QuicClientTls::new(&tls.clone(), ["h3"]).unwrap();
    assert!(!is_resumed(&Pair::complete(&client(), &server, Version::V1)));
    assert!(is_resumed(&Pair::complete(&client(), &server, Version::V1)));

    let none = authority.client_tls().sessions(0).build().unwrap();
    let none = QuicClientTls::new(&none, ["h3"]).unwrap();
    for _ in 0..2 {
        assert!(!is_resumed(&Pair::complete(&none, &server, Version::V1)));
    }
    let tls = authority.server_tls().resumption(false).build().unwrap();
    let server = QuicServerTls::new(&tls, ["h3"]).unwrap();
    for _ in 0..2 {
        assert!(!is_resumed(&Pair::complete(&client(), &server, Version::V1)));
    }
}

/// The same hello twice: the second time its session is used up.
#[test]
fn early_data_is_not_taken_twice() {
    let World { client, server } = world();
    Pair::complete(&client, &server, Version::V1);
    let mut pair = Pair::new(&client, &server, Version::V1);
    let hello = pair.client.output.clone();
    pair.run();
    assert_eq!(pair.client.early_accepted, Some(true));
    let replayed = QuicSession::server(&server, Version::V1, SERVER_PARAMETERS, pair.now).unwrap();
    let mut replayed = crate::world::End::new(replayed);
    for (level, data) in hello {
        replayed.read(pair.now, level, &data);
    }
    assert!(replayed.error.is_none() && replayed.early.is_none());
}

/// Keys of early data are those of no other level.
#[test]
fn early_keys_are_their_own() {
    let World { client, server } = world();
    Pair::complete(&client, &server, Version::V1);
    let mut pair = Pair::complete(&client, &server, Version::V1);
    let mut payload = *b"some octets and a tag, some octets";
    let early = pair.client.early.as_mut().unwrap();
    let tag = early.packet.seal(1, b"header", &mut payload).unwrap();
    let sealed = [&payload[..], &tag].concat();
    let initial = Keys::initial(Version::V1, b"12345678", Side::Server).unwrap();
    let handshake = pair.server.handshake.as_ref().unwrap();
    let (one_rtt, _) = pair.server.one_rtt.as_ref().unwrap();
    for other in [&initial, handshake, one_rtt] {
        assert!(other.remote.packet.open(1, b"header", &mut sealed.clone()).is_err());
    }
    let own = &pair.server.early.as_ref().unwrap().packet;
    assert_eq!(own.open(1, b"header", &mut sealed.clone()), Ok(34));
}
