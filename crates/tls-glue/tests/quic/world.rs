//! A client and a server, the keys that they have been told, and CRYPTO octets on their way.

use std::time::{Duration, Instant};

use bytes::Bytes;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use wirelace_tls_glue::quic::{
    CryptoError, DirectionalKeys, KeyUpdates, Keys, Level, QuicClientTls, QuicEvent, QuicHandshake,
    QuicServerTls, QuicSession, Version,
};
use wirelace_tls_glue::{
    CertificateStore, ClientTls, ClientTlsBuilder, HandshakeReport, Identity, Roots, ServerTls,
    ServerTlsBuilder,
};

pub(crate) const CLIENT_PARAMETERS: &[u8] = b"\x01\x02\x67\x10";
pub(crate) const SERVER_PARAMETERS: &[u8] = b"\x04\x04\x80\x10\x00\x00";

/// An authority, and what it signs.
pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pub(crate) root: Bytes,
}

impl Authority {
    pub(crate) fn new() -> Authority {
        Authority::named("an authority")
    }

    pub(crate) fn named(name: &str) -> Authority {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let root = params.self_signed(&key).unwrap();
        Authority { root: Bytes::from(root.der().to_vec()), issuer: Issuer::new(params, key) }
    }

    /// A certificate for example.com, and its key, in DER.
    pub(crate) fn leaf(&self) -> (Bytes, Vec<u8>) {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec!["example.com".to_owned()]).unwrap();
        let leaf = params.signed_by(&key, &self.issuer).unwrap();
        (Bytes::from(leaf.der().to_vec()), key.serialize_der())
    }

    pub(crate) fn identity(&self) -> Identity {
        let (leaf, key) = self.leaf();
        Identity::from_der(vec![leaf], &key).unwrap()
    }

    pub(crate) fn server_tls(&self) -> ServerTlsBuilder {
        ServerTls::builder(CertificateStore::new(vec![self.identity()]))
    }

    pub(crate) fn client_tls(&self) -> ClientTlsBuilder {
        ClientTls::builder(Roots::Only(vec![self.root.clone()]))
    }

    pub(crate) fn server(&self) -> QuicServerTls {
        QuicServerTls::new(&self.server_tls().alpn(["h2"]).build().unwrap(), ["h3"]).unwrap()
    }

    pub(crate) fn client(&self) -> QuicClientTls {
        QuicClientTls::new(&self.client_tls().alpn(["h2"]).build().unwrap(), ["h3"]).unwrap()
    }
}

/// One side, and what it has told.
pub(crate) struct End {
    pub(crate) session: QuicSession,
    pub(crate) early: Option<DirectionalKeys>,
    pub(crate) handshake: Option<Keys>,
    pub(crate) one_rtt: Option<(Keys, KeyUpdates)>,
    pub(crate) parameters: Option<Bytes>,
    pub(crate) early_accepted: Option<bool>,
    pub(crate) report: Option<HandshakeReport>,
    pub(crate) error: Option<CryptoError>,
    /// CRYPTO octets that wait to be delivered to the other.
    pub(crate) output: Vec<(Level, Bytes)>,
    /// What was told, in order.
    pub(crate) told: Vec<String>,
}

impl End {
    pub(crate) fn new(session: QuicSession) -> End {
        let mut end = End {
            session,
            early: None,
            handshake: None,
            one_rtt: None,
            parameters: None,
            early_accepted: None,
            report: None,
            error: None,
            output: Vec::new(),
            told: Vec::new(),
        };
        end.listen();
        end
    }

    pub(crate) fn read(&mut self, now: Instant, level: Level, data: &[u8]) {
        let result = self.session.read_crypto(now, level, data);
        self.listen();
        assert_eq!(self.error.as_ref(), result.err().as_ref());
    }

    pub(crate) fn listen(&mut self) {
        loop {
            let event = match self.session.poll_event() {
                Ok(Some(event)) => event,
                Ok(None) => return,
                Err(error) => {
                    self.error = Some(error);
                    return;
                }
            };
            let told = match event {
                QuicEvent::Crypto { level, data } => {
                    assert!(!data.is_empty());
                    self.output.push((level, data));
                    format!("crypto {level:?}")
                }
                QuicEvent::EarlyKeys(keys) => {
                    assert!(self.early.replace(*keys).is_none());
                    "early keys".to_owned()
                }
                QuicEvent::HandshakeKeys(keys) => {
                    assert!(self.handshake.replace(*keys).is_none());
                    "handshake keys".to_owned()
                }
                QuicEvent::OneRttKeys { keys, updates } => {
                    assert!(self.one_rtt.replace((*keys, *updates)).is_none());
                    "1-RTT keys".to_owned()
                }
                QuicEvent::TransportParameters(parameters) => {
                    assert_eq!(self.session.transport_parameters(), Some(&parameters));
                    assert!(self.parameters.replace(parameters).is_none());
                    "parameters".to_owned()
                }
                QuicEvent::EarlyData { accepted } => {
                    assert!(self.early_accepted.replace(accepted).is_none());
                    format!("early data {accepted}")
                }
                QuicEvent::Complete(report) => {
                    assert_eq!(self.session.report(), Some(&*report));
                    assert!(self.report.replace(*report).is_none());
                    "complete".to_owned()
                }
                other => panic!("{other:?}"),
            };
            self.told.push(told);
        }
    }
}

pub(crate) struct Pair {
    pub(crate) now: Instant,
    pub(crate) client: End,
    pub(crate) server: End,
    /// Octets that are delivered at once.
    pub(crate) piece: usize,
}

impl Pair {
    pub(crate) fn new(client: &QuicClientTls, server: &QuicServerTls, version: Version) -> Pair {
        let now = Instant::now();
        let client = QuicSession::client(client, version, "example.com", CLIENT_PARAMETERS, now).unwrap();
        let server = QuicSession::server(server, version, SERVER_PARAMETERS, now).unwrap();
        Pair { now, client: End::new(client), server: End::new(server), piece: usize::MAX }
    }

    pub(crate) fn complete(client: &QuicClientTls, server: &QuicServerTls, version: Version) -> Pair {
        let mut pair = Pair::new(client, server, version);
        pair.run();
        pair.assert_complete();
        pair
    }

    /// Until nothing moves.
    pub(crate) fn run(&mut self) {
        while self.turn(|_, data| data) {}
    }

    /// What each side has said goes to the other, changed on its way.
    pub(crate) fn turn(&mut self, mut change: impl FnMut(Level, Vec<u8>) -> Vec<u8>) -> bool {
        let (up, down) = (std::mem::take(&mut self.client.output), std::mem::take(&mut self.server.output));
        let moved = !up.is_empty() || !down.is_empty();
        self.now += Duration::from_millis(1);
        for (output, end) in [(up, &mut self.server), (down, &mut self.client)] {
            for (level, data) in output {
                for piece in change(level, data.to_vec()).chunks(self.piece) {
                    end.read(self.now, level, piece);
                }
            }
        }
        moved
    }

    pub(crate) fn assert_complete(&mut self) {
        assert_eq!((&self.client.error, &self.server.error), (&None, &None));
        assert!(!self.client.session.is_handshaking() && !self.server.session.is_handshaking());
        assert_eq!(self.client.session.expected_level(), Level::OneRtt);
        assert_eq!(self.server.session.expected_level(), Level::OneRtt);
        assert_eq!(self.client.parameters.as_deref(), Some(SERVER_PARAMETERS));
        assert_eq!(self.server.parameters.as_deref(), Some(CLIENT_PARAMETERS));
        let (client, server) =
            (self.client.handshake.as_mut().unwrap(), self.server.handshake.as_mut().unwrap());
        assert_fit(&mut client.local, &server.remote);
        assert_fit(&mut server.local, &client.remote);
        let ((client, _), (server, _)) =
            (self.client.one_rtt.as_mut().unwrap(), self.server.one_rtt.as_mut().unwrap());
        assert_fit(&mut client.local, &server.remote);
        assert_fit(&mut server.local, &client.remote);
    }
}

/// What one seals, the other opens.
pub(crate) fn assert_fit(local: &mut DirectionalKeys, remote: &DirectionalKeys) {
    let header = [0x43, 1, 2, 3, 4, 0, 1, 2, 3];
    let mut packet = [&header[..], b"a payload"].concat();
    let tag = local.packet.seal(0x0001_0203, &header, &mut packet[header.len()..]).unwrap();
    packet.extend_from_slice(&tag);
    local.header.protect(&mut packet, 5).unwrap();
    let number = remote.header.unprotect(&mut packet, 5).unwrap();
    assert_eq!((number.length, number.value), (4, 0x0001_0203));
    let (opened, sealed) = packet.split_at_mut(header.len());
    assert_eq!(opened, header);
    assert_eq!(remote.packet.open(0x0001_0203, opened, sealed), Ok(9));
    assert_eq!(sealed[..9], *b"a payload");
}
