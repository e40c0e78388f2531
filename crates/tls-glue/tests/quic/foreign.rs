//! The other side is rustls as it is, with its own keys: all suites, both versions, and what our own sides never do.

use std::sync::Arc;
use std::time::Instant;

use crate::world::{Authority, CLIENT_PARAMETERS, End, SERVER_PARAMETERS};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::quic::{self, KeyChange};
use rustls::{CipherSuite, NamedGroup, RootCertStore};
use wirelace_tls_glue::quic::{DirectionalKeys, Level, QuicSession, Suite, Version};

const SUITES: [(CipherSuite, Suite); 3] = [
    (CipherSuite::TLS13_AES_128_GCM_SHA256, Suite::Aes128Gcm),
    (CipherSuite::TLS13_AES_256_GCM_SHA384, Suite::Aes256Gcm),
    (CipherSuite::TLS13_CHACHA20_POLY1305_SHA256, Suite::ChaCha20Poly1305),
];
const VERSIONS: [(Version, quic::Version); 2] =
    [(Version::V1, quic::Version::V1), (Version::V2, quic::Version::V2)];

/// A side of rustls's, and its keys.
pub(crate) struct Foreign {
    connection: quic::Connection,
    writing: Level,
    handshake: Option<quic::Keys>,
    one_rtt: Option<(quic::Keys, quic::Secrets)>,
    pub(crate) output: Vec<(Level, Vec<u8>)>,
}

fn provider(suite: Option<CipherSuite>, group: Option<NamedGroup>) -> Arc<CryptoProvider> {
    let mut provider = rustls::crypto::ring::default_provider();
    provider.cipher_suites.retain(|known| suite.is_none_or(|suite| known.suite() == suite));
    provider.kx_groups.retain(|known| group.is_none_or(|group| known.name() == group));
    Arc::new(provider)
}

fn server_config(authority: &Authority, provider: Arc<CryptoProvider>) -> rustls::ServerConfig {
    let (leaf, key) = authority.leaf();
    let builder = rustls::ServerConfig::builder_with_provider(provider);
    let builder = builder.with_protocol_versions(&[&rustls::version::TLS13]).unwrap().with_no_client_auth();
    let (leaf, key) = (CertificateDer::from(leaf.to_vec()), PrivateKeyDer::try_from(key).unwrap());
    let mut config = builder.with_single_cert(vec![leaf], key).unwrap();
    config.alpn_protocols = vec![b"h3".to_vec()];
    config
}

fn client_config(authority: &Authority, provider: Arc<CryptoProvider>) -> rustls::ClientConfig {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from(authority.root.to_vec())).unwrap();
    let builder = rustls::ClientConfig::builder_with_provider(provider);
    let builder = builder.with_protocol_versions(&[&rustls::version::TLS13]).unwrap();
    let mut config = builder.with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = vec![b"h3".to_vec()];
    config
}

impl Foreign {
    pub(crate) fn server(authority: &Authority, version: quic::Version) -> Foreign {
        Foreign::of_server(server_config(authority, provider(None, None)), version)
    }

    fn of_server(config: rustls::ServerConfig, version: quic::Version) -> Foreign {
        let connection = quic::ServerConnection::new(Arc::new(config), version, SERVER_PARAMETERS.to_vec());
        Foreign::new(connection.unwrap().into())
    }

    fn of_client(config: rustls::ClientConfig, version: quic::Version) -> Foreign {
        let (name, parameters) = (ServerName::try_from("example.com").unwrap(), CLIENT_PARAMETERS.to_vec());
        let connection = quic::ClientConnection::new(Arc::new(config), version, name, parameters);
        Foreign::new(connection.unwrap().into())
    }

    fn new(connection: quic::Connection) -> Foreign {
        let mut foreign = Foreign {
            connection,
            writing: Level::Initial,
            handshake: None,
            one_rtt: None,
            output: Vec::new(),
        };
        foreign.write();
        foreign
    }

    fn write(&mut self) {
        loop {
            let mut data = Vec::new();
            let change = self.connection.write_hs(&mut data);
            let nothing = data.is_empty() && change.is_none();
            if !data.is_empty() {
                self.output.push((self.writing, data));
            }
            match change {
                Some(KeyChange::Handshake { keys }) => {
                    self.handshake = Some(keys);
                    self.writing = Level::Handshake;
                }
                Some(KeyChange::OneRtt { keys, next }) => {
                    self.one_rtt = Some((keys, next));
                    self.writing = Level::OneRtt;
                }
                None if nothing => return,
                None => {}
            }
        }
    }

    pub(crate) fn read(&mut self, data: &[u8]) {
        self.connection.read_hs(data).unwrap();
        self.write();
    }
}

/// Until nothing moves, or `own` has failed.
pub(crate) fn run(own: &mut End, foreign: &mut Foreign, mut change: impl FnMut(Level, Vec<u8>) -> Vec<u8>) {
    loop {
        let (to_foreign, to_own) = (std::mem::take(&mut own.output), std::mem::take(&mut foreign.output));
        if to_foreign.is_empty() && to_own.is_empty() {
            return;
        }
        for (_, data) in to_foreign {
            foreign.read(&data);
        }
        for (level, data) in to_own {
            own.read(Instant::now(), level, &change(level, data));
            if own.error.is_some() {
                return;
            }
        }
    }
}

fn assert_fit(own: &mut DirectionalKeys, theirs: &quic::DirectionalKeys) {
    let header = [0xc2, 9, 9, 0, 0, 7];
    let mut packet = [&header[..], b"from us to them"].concat();
    let tag = own.packet.seal(7, &header, &mut packet[header.len()..]).unwrap();
    packet.extend_from_slice(&tag);
    own.header.protect(&mut packet, 3).unwrap();
    let (front, sample) = packet.split_at_mut(7);
    let (first, rest) = front.split_at_mut(1);
    theirs.header.decrypt_in_place(&sample[..16], &mut first[0], &mut rest[2..]).unwrap();
    let (opened, sealed) = packet.split_at_mut(header.len());
    assert_eq!(opened, header);
    assert_eq!(theirs.packet.decrypt_in_place(7, &header, sealed).unwrap(), b"from us to them");
}

fn assert_fit_back(own: &DirectionalKeys, theirs: &quic::DirectionalKeys) {
    let header = [0x41, 9, 9, 1, 7];
    let mut packet = [&header[..], b"from them to us"].concat();
    let tag = theirs.packet.encrypt_in_place(0x0107, &header, &mut packet[header.len()..]).unwrap();
    packet.extend_from_slice(tag.as_ref());
    let (front, sample) = packet.split_at_mut(7);
    let (first, rest) = front.split_at_mut(1);
    theirs.header.encrypt_in_place(&sample[..16], &mut first[0], &mut rest[2..]).unwrap();
    let number = own.header.unprotect(&mut packet, 3).unwrap();
    assert_eq!((number.length, number.value), (2, 0x0107));
    let (opened, sealed) = packet.split_at_mut(header.len());
    assert_eq!(opened, header);
    let length = own.packet.open(0x0107, &header, sealed).unwrap();
    assert_eq!(&sealed[..length], b"from them to us");
}

/// All keys of both sides fit, those after updates too.
fn assert_complete(own: &mut End, foreign: &mut Foreign, suite: Suite) {
    assert_eq!(own.error, None);
    assert!(own.report.is_some() && !foreign.connection.is_handshaking());
    let (keys, theirs) = (own.handshake.as_mut().unwrap(), foreign.handshake.as_ref().unwrap());
    assert_eq!(keys.local.packet.suite(), suite);
    assert_fit(&mut keys.local, &theirs.remote);
    assert_fit_back(&keys.remote, &theirs.local);
    let (keys, updates) = own.one_rtt.as_mut().unwrap();
    let (theirs, next) = foreign.one_rtt.as_mut().unwrap();
    assert_fit(&mut keys.local, &theirs.remote);
    assert_fit_back(&keys.remote, &theirs.local);
    for _ in 0..5 {
        let (own, theirs) = (updates.next_keys().unwrap(), next.next_packet_keys());
        let (mut up, mut down) = (*b"after an update", *b"after an update");
        let mut local = own.local;
        let tag = local.seal(3, b"header", &mut up).unwrap();
        let mut sealed = [&up[..], &tag].concat();
        assert!(theirs.remote.decrypt_in_place(3, b"header", &mut sealed).is_ok());
        let tag = theirs.local.encrypt_in_place(4, b"header", &mut down).unwrap();
        let mut sealed = [&down[..], tag.as_ref()].concat();
        assert_eq!(own.remote.open(4, b"header", &mut sealed), Ok(15));
        let limits = (local.suite().confidentiality_limit(), local.suite().integrity_limit());
        let theirs = (theirs.local.confidentiality_limit(), theirs.local.integrity_limit());
        // rustls says "any number" where packet numbers end before.
        assert_eq!(limits, (theirs.0.min(1 << 62), theirs.1));
    }
}

#[test]
fn every_suite_against_a_foreign_server() {
    let authority = Authority::new();
    let client = authority.client();
    for (name, suite) in SUITES {
        for (version, theirs) in VERSIONS {
            let config = server_config(&authority, provider(Some(name), None));
            let mut foreign = Foreign::of_server(config, theirs);
            let now = Instant::now();
            let own = QuicSession::client(&client, version, "example.com", CLIENT_PARAMETERS, now);
            let mut own = End::new(own.unwrap());
            run(&mut own, &mut foreign, |_, data| data);
            assert_complete(&mut own, &mut foreign, suite);
            assert_eq!(own.parameters.as_deref(), Some(SERVER_PARAMETERS));
        }
    }
}

#[test]
fn every_suite_against_a_foreign_client() {
    let authority = Authority::new();
    let server = authority.server();
    for (name, suite) in SUITES {
        for (version, theirs) in VERSIONS {
            let config = client_config(&authority, provider(Some(name), None));
            let mut foreign = Foreign::of_client(config, theirs);
            let own = QuicSession::server(&server, version, SERVER_PARAMETERS, Instant::now());
            let mut own = End::new(own.unwrap());
            run(&mut own, &mut foreign, |_, data| data);
            assert_complete(&mut own, &mut foreign, suite);
            assert_eq!(foreign.connection.quic_transport_parameters(), Some(SERVER_PARAMETERS));
        }
    }
}

/// A server that wants another group than the client's first: everything stays at the Initial level for one more turn.
#[test]
fn a_hello_retry_request() {
    let authority = Authority::new();
    let config = server_config(&authority, provider(None, Some(NamedGroup::secp384r1)));
    let mut foreign = Foreign::of_server(config, quic::Version::V1);
    let now = Instant::now();
    let client = authority.client();
    let own = QuicSession::client(&client, Version::V1, "example.com", CLIENT_PARAMETERS, now);
    let mut own = End::new(own.unwrap());
    run(&mut own, &mut foreign, |_, data| data);
    assert_eq!(own.told[..3], ["crypto Initial", "crypto Initial", "handshake keys"]);
    let report = own.report.clone().unwrap();
    assert_eq!((report.group, report.round_trips), (Some("secp384r1"), 2));
}

/// The same, refused early data included.
#[test]
fn a_hello_retry_request_from_us() {
    let authority = Authority::new();
    let mut provider = rustls::crypto::ring::default_provider();
    // Its first key share is of a group that we do not have: it takes one that we have at the second attempt.
    provider.kx_groups.retain(|group| group.name() == NamedGroup::secp384r1);
    provider.kx_groups.insert(0, &NoGroup);
    let config = client_config(&authority, Arc::new(provider));
    let mut foreign = Foreign::of_client(config, quic::Version::V1);
    let own = QuicSession::server(&authority.server(), Version::V1, SERVER_PARAMETERS, Instant::now());
    let mut own = End::new(own.unwrap());
    run(&mut own, &mut foreign, |_, data| data);
    assert_eq!(own.error, None);
    assert_eq!(own.told[..3], ["crypto Initial", "parameters", "crypto Initial"]);
    assert_eq!(own.report.unwrap().round_trips, 2);
}

/// A group that nobody else has.
#[derive(Debug)]
struct NoGroup;

impl rustls::crypto::SupportedKxGroup for NoGroup {
    fn start(&self) -> Result<Box<dyn rustls::crypto::ActiveKeyExchange>, rustls::Error> {
        Ok(Box::new(NoGroup))
    }

    fn name(&self) -> NamedGroup {
        NamedGroup::Unknown(0xfefe)
    }
}

impl rustls::crypto::ActiveKeyExchange for NoGroup {
    fn complete(self: Box<Self>, _: &[u8]) -> Result<rustls::crypto::SharedSecret, rustls::Error> {
        Err(rustls::Error::General("nobody chooses it".to_owned()))
    }

    fn pub_key(&self) -> &[u8] {
        &[7; 32]
    }

    fn group(&self) -> NamedGroup {
        NamedGroup::Unknown(0xfefe)
    }
}
