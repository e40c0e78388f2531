//! A client and a server in one place.

use std::io::IoSlice;
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use wirelace_tls_glue::{
    CertificateStore, ClientTls, ClientTlsBuilder, Identity, Roots, ServerTls, ServerTlsBuilder, TlsError,
    TlsSession,
};

/// An authority, and what it signs.
pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pub(crate) root: Bytes,
}

impl Authority {
    pub(crate) fn new() -> Authority {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let root = params.self_signed(&key).unwrap();
        Authority { root: Bytes::from(root.der().to_vec()), issuer: Issuer::new(params, key) }
    }

    pub(crate) fn identity(&self, names: &[&str]) -> Identity {
        let (leaf, key) = self.leaf(names);
        Identity::from_der(vec![leaf], &key).unwrap()
    }

    /// A certificate and its key, in DER.
    pub(crate) fn leaf(&self, names: &[&str]) -> (Bytes, Vec<u8>) {
        let key = KeyPair::generate().unwrap();
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let leaf = CertificateParams::new(names).unwrap().signed_by(&key, &self.issuer).unwrap();
        (Bytes::from(leaf.der().to_vec()), key.serialize_der())
    }

    pub(crate) fn server(&self) -> ServerTlsBuilder {
        ServerTls::builder(CertificateStore::new(vec![self.identity(&["example.com"])]))
    }

    pub(crate) fn client(&self) -> ClientTlsBuilder {
        ClientTls::builder(Roots::Only(vec![self.root.clone()]))
    }
}

/// One side, and what has come to it.
pub(crate) struct Side {
    pub(crate) session: TlsSession,
    pub(crate) input: BytesMut,
    pub(crate) plain: BytesMut,
    pub(crate) error: Option<TlsError>,
}

impl Side {
    pub(crate) fn new(session: TlsSession) -> Side {
        Side { session, input: BytesMut::new(), plain: BytesMut::new(), error: None }
    }

    pub(crate) fn receive(&mut self, now: Instant) {
        if self.error.is_none() {
            self.error = self.session.receive(now, &mut self.input, &mut self.plain).err();
        }
    }

    pub(crate) fn deliver(&mut self, octets: &[u8], piece: usize, now: Instant) -> bool {
        for piece in octets.chunks(piece) {
            self.input.extend_from_slice(piece);
            self.receive(now);
        }
        !octets.is_empty()
    }

    /// Sends what is taken at once.
    pub(crate) fn send(&mut self, now: Instant, data: &[u8]) -> usize {
        self.session.send(now, &[IoSlice::new(data)]).unwrap()
    }

    /// Takes out what wants to go.
    pub(crate) fn output(&mut self) -> Vec<u8> {
        let output = self.session.output();
        let octets: Vec<u8> = output.chunks().flatten().copied().collect();
        output.advance(octets.len());
        octets
    }
}

pub(crate) struct Pair {
    pub(crate) now: Instant,
    pub(crate) client: Side,
    pub(crate) server: Side,
    /// Octets that are delivered at once.
    pub(crate) piece: usize,
}

impl Pair {
    pub(crate) fn new(client: &ClientTls, server: &ServerTls) -> Pair {
        let now = Instant::now();
        Pair {
            now,
            client: Side::new(TlsSession::client(client, "example.com", now).unwrap()),
            server: Side::new(TlsSession::server(server, now).unwrap()),
            piece: usize::MAX,
        }
    }

    pub(crate) fn complete(client: &ClientTls, server: &ServerTls) -> Pair {
        let mut pair = Pair::new(client, server);
        pair.run();
        assert!(
            !pair.client.session.is_handshaking() && !pair.server.session.is_handshaking(),
            "{:?}",
            pair.client.error
        );
        pair
    }

    /// Until nothing moves.
    pub(crate) fn run(&mut self) {
        while self.up() | self.down() {}
    }

    /// What the client has sent goes to the server.
    pub(crate) fn up(&mut self) -> bool {
        let octets = self.client.output();
        self.now += Duration::from_millis(1);
        self.server.deliver(&octets, self.piece, self.now)
    }

    /// What the server has sent goes to the client.
    pub(crate) fn down(&mut self) -> bool {
        let octets = self.server.output();
        self.client.deliver(&octets, self.piece, self.now)
    }

    pub(crate) fn exchange(&mut self, up: &[u8], down: &[u8]) {
        let (mut sent_up, mut sent_down) = (0, 0);
        let (from_client, from_server) = (self.client.plain.len(), self.server.plain.len());
        assert_eq!((from_client, from_server), (0, 0));
        let (mut got_up, mut got_down) = (Vec::new(), Vec::new());
        for _ in 0..100_000 {
            sent_up += self.client.session.send(self.now, &[IoSlice::new(&up[sent_up..])]).unwrap();
            sent_down += self.server.session.send(self.now, &[IoSlice::new(&down[sent_down..])]).unwrap();
            self.run();
            got_up.extend_from_slice(&self.server.plain.split());
            got_down.extend_from_slice(&self.client.plain.split());
            self.server.receive(self.now);
            self.client.receive(self.now);
            assert_eq!((&self.client.error, &self.server.error), (&None, &None));
            if got_up.len() >= up.len() && got_down.len() >= down.len() {
                break;
            }
        }
        assert!(got_up == up, "{} of {} octets came up", got_up.len(), up.len());
        assert!(got_down == down, "{} of {} octets came down", got_down.len(), down.len());
    }
}
