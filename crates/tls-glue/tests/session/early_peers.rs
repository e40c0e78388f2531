//! Early data against rustls's own connections, which do what sessions of ours never would.

use std::io::{Cursor, Read as _, Write as _};
use std::sync::Arc;
use std::time::Instant;

use crate::pair::{Authority, Side};
use rustls::client::{ClientSessionMemoryCache, ClientSessionStore, Resumption};
use rustls::client::{Tls12ClientSessionValue, Tls13ClientSessionValue};
use rustls::crypto::ring::{default_provider, kx_group};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName};
use rustls::server::ServerSessionMemoryCache;
use rustls::{ClientConfig, ClientConnection, NamedGroup, RootCertStore, ServerConfig, ServerConnection};
use wirelace_tls_glue::{ClientTls, EarlyDataState, TlsError, TlsSession};

fn server_config(authority: &Authority) -> ServerConfig {
    let (leaf, key) = authority.leaf(&["example.com"]);
    let mut config = ServerConfig::builder_with_provider(default_provider().into())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![CertificateDer::from(leaf.to_vec())],
            PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key)),
        )
        .unwrap();
    config.max_early_data_size = 16 * 1024;
    config.session_storage = ServerSessionMemoryCache::new(16);
    config
}

/// The same server, that takes no early data any more.
fn refusing(config: &ServerConfig) -> ServerConfig {
    let mut other = config.clone();
    other.max_early_data_size = 0;
    other
}

/// The same server, with a group that clients do not try first: it asks them to try again.
fn retrying(config: &ServerConfig) -> ServerConfig {
    let mut provider = default_provider();
    provider.kx_groups = vec![kx_group::SECP384R1];
    let builder = ServerConfig::builder_with_provider(provider.into());
    let mut other = builder
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_cert_resolver(Arc::clone(&config.cert_resolver));
    other.max_early_data_size = config.max_early_data_size;
    other.session_storage = Arc::clone(&config.session_storage);
    other
}

/// What a server of rustls was told early, and after the handshake.
fn serve(client: &ClientTls, config: &ServerConfig, early: &[u8]) -> (Side, Vec<u8>, Vec<u8>) {
    let now = Instant::now();
    let mut side = Side::new(TlsSession::client(client, "example.com", now).unwrap());
    let mut server = ServerConnection::new(Arc::new(config.clone())).unwrap();
    assert_eq!(side.send(now, early), early.len());
    let (mut came_early, mut came) = (Vec::new(), Vec::new());
    let mut last = false;
    loop {
        let up = side.output();
        let mut reader = Cursor::new(&up);
        while reader.position() < up.len() as u64 {
            server.read_tls(&mut reader).unwrap();
            server.process_new_packets().unwrap();
            if let Some(mut data) = server.early_data() {
                data.read_to_end(&mut came_early).unwrap();
            }
            let _ = server.reader().read_to_end(&mut came);
        }
        let mut down = Vec::new();
        while server.wants_write() {
            server.write_tls(&mut down).unwrap();
        }
        side.deliver(&down, 50, now);
        assert_eq!(side.error, None);
        if up.is_empty() && down.is_empty() {
            if last {
                return (side, came_early, came);
            }
            last = true;
            assert_eq!(side.send(now, b" last"), 5);
            server.writer().write_all(b"answer").unwrap();
        }
    }
}

#[test]
fn a_session_that_is_resumed_without_its_early_data() {
    let authority = Authority::new();
    let client = authority.client().early_data(true).build().unwrap();
    let config = server_config(&authority);
    serve(&client, &config, b"");
    let (side, early, late) = serve(&client, &config, b"first");
    assert_eq!((early.as_slice(), late.as_slice()), (&b"first"[..], &b" last"[..]));
    assert_eq!(side.session.report().unwrap().early_data, 5);
    let (side, early, late) = serve(&client, &refusing(&config), b"first");
    assert_eq!((early.as_slice(), late.as_slice()), (&b""[..], &b"first last"[..]));
    assert_eq!(side.plain, "answer");
    let report = side.session.report().unwrap();
    assert!(report.resumed && report.early_data_refused && report.early_data == 0);
    assert_eq!(side.session.early_data(), EarlyDataState::Refused);
}

#[test]
fn a_server_that_asks_to_try_again() {
    let authority = Authority::new();
    let client = authority.client().early_data(true).build().unwrap();
    let config = server_config(&authority);
    serve(&client, &config, b"");
    let (side, early, late) = serve(&client, &retrying(&config), &[b'x'; 9000]);
    assert!(early.is_empty());
    assert_eq!(late, [&[b'x'; 9000][..], b" last"].concat());
    assert_eq!(side.plain, "answer");
    let report = side.session.report().unwrap();
    assert!(report.early_data_refused);
    assert_eq!(report.group, Some("secp384r1"));
    assert_eq!(report.round_trips, 2);
}

/// Sessions whose tickets say that more early data may be sent.
#[derive(Debug)]
struct Bold(ClientSessionMemoryCache);

impl ClientSessionStore for Bold {
    fn set_kx_hint(&self, _: ServerName<'static>, _: NamedGroup) {}

    fn kx_hint(&self, _: &ServerName<'_>) -> Option<NamedGroup> {
        None
    }

    fn set_tls12_session(&self, _: ServerName<'static>, _: Tls12ClientSessionValue) {}

    fn tls12_session(&self, _: &ServerName<'_>) -> Option<Tls12ClientSessionValue> {
        None
    }

    fn remove_tls12_session(&self, _: &ServerName<'static>) {}

    fn insert_tls13_ticket(&self, name: ServerName<'static>, mut value: Tls13ClientSessionValue) {
        value._private_set_max_early_data_size(u32::MAX);
        self.0.insert_tls13_ticket(name, value);
    }

    fn take_tls13_ticket(&self, name: &ServerName<'static>) -> Option<Tls13ClientSessionValue> {
        self.0.take_tls13_ticket(name)
    }
}

/// A client of rustls that sends what it wants.
fn bold(authority: &Authority) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from(authority.root.to_vec())).unwrap();
    let mut config = ClientConfig::builder_with_provider(default_provider().into())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.enable_early_data = true;
    config.resumption = Resumption::store(Arc::new(Bold(ClientSessionMemoryCache::new(4))));
    Arc::new(config)
}

fn connect(config: &Arc<ClientConfig>) -> ClientConnection {
    let name = ServerName::try_from("example.com").unwrap();
    let mut client = ClientConnection::new(Arc::clone(config), name).unwrap();
    client.set_buffer_limit(None);
    client
}

/// Carries what both have to say until neither has more, or the server fails.
fn converse(client: &mut ClientConnection, server: &mut Side) {
    let now = Instant::now();
    while client.wants_write() || !server.session.output().is_empty() {
        let mut up = Vec::new();
        while client.wants_write() {
            client.write_tls(&mut up).unwrap();
        }
        server.deliver(&up, usize::MAX, now);
        let down = server.output();
        let mut reader = Cursor::new(&down);
        while reader.position() < down.len() as u64 {
            client.read_tls(&mut reader).unwrap();
            if client.process_new_packets().is_err() {
                return;
            }
        }
    }
}

#[test]
fn more_than_is_taken_is_an_error() {
    let authority = Authority::new();
    let config = bold(&authority);
    for (limit, length) in [(1000, 1001), (1000, 40_000), (100_000, 100_001)] {
        let server = authority.server().early_data(limit).build().unwrap();
        let new = || Side::new(TlsSession::server(&server, Instant::now()).unwrap());
        converse(&mut connect(&config), &mut new());
        // What is taken.
        let (mut client, mut side) = (connect(&config), new());
        client.early_data().unwrap().write_all(&vec![b'x'; limit as usize]).unwrap();
        converse(&mut client, &mut side);
        let mut came = side.plain.split();
        while came.len() < limit as usize {
            side.receive(Instant::now());
            assert!(!side.plain.is_empty());
            came.unsplit(side.plain.split());
        }
        converse(&mut client, &mut side);
        assert_eq!(came, vec![b'x'; limit as usize]);
        assert!(!side.session.is_handshaking());
        assert_eq!(side.session.report().unwrap().early_data, limit as usize);
        // More.
        let (mut client, mut side) = (connect(&config), new());
        client.early_data().unwrap().write_all(&vec![b'x'; length]).unwrap();
        let mut up = Vec::new();
        while client.wants_write() {
            client.write_tls(&mut up).unwrap();
        }
        side.deliver(&up, usize::MAX, Instant::now());
        while side.error.is_none() {
            assert!(!side.plain.split().is_empty());
            side.receive(Instant::now());
        }
        assert_eq!(side.error, Some(TlsError::Handshake("too much early data received".to_owned())));
        let down = side.output();
        client.read_tls(&mut Cursor::new(&down)).unwrap();
        let error = client.process_new_packets().unwrap_err();
        assert_eq!(error, rustls::Error::AlertReceived(rustls::AlertDescription::UnexpectedMessage));
    }
}

#[test]
fn early_data_waits_where_nobody_takes_it() {
    let authority = Authority::new();
    let config = bold(&authority);
    let server = authority.server().early_data(1 << 20).build().unwrap();
    let new = || Side::new(TlsSession::server(&server, Instant::now()).unwrap());
    converse(&mut connect(&config), &mut new());
    let (mut client, mut side) = (connect(&config), new());
    let sends: Vec<u8> = (0..200_000_u32).flat_map(u32::to_be_bytes).collect();
    client.early_data().unwrap().write_all(&sends).unwrap();
    converse(&mut client, &mut side);
    let mut got = Vec::new();
    while got.len() < sends.len() {
        assert!(side.plain.len() <= (64 + 16) * 1024, "{}", side.plain.len());
        got.extend_from_slice(&side.plain.split());
        side.receive(Instant::now());
        assert_eq!(side.error, None);
    }
    assert!(got == sends);
    converse(&mut client, &mut side);
    side.receive(Instant::now());
    assert!(!side.session.is_handshaking());
}
