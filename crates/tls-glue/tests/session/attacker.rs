//! A client that shakes hands as it should, and then protects whatever it likes: rustls for the handshake, and
//! records written down once more.

use std::sync::Arc;
use std::time::Instant;

use bytes::BytesMut;
use ring::aead::{AES_128_GCM, AES_256_GCM, Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};
use rustls::client::UnbufferedClientConnection;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::unbuffered::ConnectionState;
use rustls::{ClientConfig, ConnectionTrafficSecrets, RootCertStore};
use wirelace_tls_glue::{ServerTls, TlsError, TlsSession, TlsVersion};

use crate::pair::Authority;

struct Key {
    key: LessSafeKey,
    iv: [u8; 12],
    sequence: u64,
    gcm: bool,
}

impl Key {
    fn new((sequence, secrets): (u64, ConnectionTrafficSecrets)) -> Key {
        let (algorithm, key, iv) = match &secrets {
            ConnectionTrafficSecrets::Aes128Gcm { key, iv } => (&AES_128_GCM, key, iv),
            ConnectionTrafficSecrets::Aes256Gcm { key, iv } => (&AES_256_GCM, key, iv),
            ConnectionTrafficSecrets::Chacha20Poly1305 { key, iv } => (&CHACHA20_POLY1305, key, iv),
            _ => panic!("a suite that nobody offers"),
        };
        Key {
            key: LessSafeKey::new(UnboundKey::new(algorithm, key.as_ref()).unwrap()),
            iv: iv.as_ref().try_into().unwrap(),
            sequence,
            gcm: !matches!(secrets, ConnectionTrafficSecrets::Chacha20Poly1305 { .. }),
        }
    }

    fn nonce(&mut self) -> [u8; 12] {
        let mixed = u128::from(self.sequence)
            ^ u128::from_be_bytes([&[0; 4][..], &self.iv].concat().try_into().unwrap());
        self.sequence += 1;
        mixed.to_be_bytes()[4..].try_into().unwrap()
    }
}

pub(crate) struct Attacker {
    pub(crate) server: TlsSession,
    input: BytesMut,
    pub(crate) plain: BytesMut,
    send: Key,
    receive: Key,
    tls13: bool,
    now: Instant,
}

impl Attacker {
    pub(crate) fn new(version: TlsVersion) -> Attacker {
        let authority = Authority::new();
        let tls = authority.server().versions(version, version).build().unwrap();
        Attacker::against(&authority, &tls)
    }

    fn against(authority: &Authority, tls: &ServerTls) -> Attacker {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from(authority.root.to_vec())).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.enable_secret_extraction = true;
        let name = ServerName::try_from("example.com").unwrap();
        let mut client = UnbufferedClientConnection::new(Arc::new(config), name).unwrap();
        let now = Instant::now();
        let mut server = TlsSession::server(tls, now).unwrap();
        let (mut to_client, mut to_server, mut plain) = (Vec::new(), BytesMut::new(), BytesMut::new());
        loop {
            let status = client.process_tls_records(&mut to_client);
            let discard = status.discard;
            let done = match status.state.unwrap() {
                ConnectionState::EncodeTlsData(mut data) => {
                    let mut octets = vec![0; 20_000];
                    let written = data.encode(&mut octets).unwrap();
                    to_server.extend_from_slice(&octets[..written]);
                    false
                }
                ConnectionState::TransmitTlsData(data) => {
                    data.done();
                    server.receive(now, &mut to_server, &mut plain).unwrap();
                    false
                }
                ConnectionState::BlockedHandshake => false,
                ConnectionState::WriteTraffic(_) => true,
                state => panic!("{state:?}"),
            };
            to_client.drain(..discard);
            if done {
                break;
            }
            let output = server.output();
            let length = output.len();
            to_client.extend(output.chunks().flatten().copied());
            output.advance(length);
        }
        assert!(!server.is_handshaking());
        let tls13 = client.protocol_version() == Some(rustls::ProtocolVersion::TLSv1_3);
        let (secrets, _) = client.dangerous_into_kernel_connection().unwrap();
        let (send, receive) = (Key::new(secrets.tx), Key::new(secrets.rx));
        // Its tickets.
        let length = server.output().len();
        server.output().advance(length);
        let skipped = Attacker { server, input: to_server, plain, send, receive, tls13, now };
        assert!(skipped.input.is_empty() && skipped.plain.is_empty());
        skipped
    }

    /// A record of any content type, whatever is inside, with so many octets of padding.
    pub(crate) fn record(&mut self, kind: u8, content: &[u8], padding: usize) -> Vec<u8> {
        let sequence = self.send.sequence;
        let nonce = self.send.nonce();
        if self.tls13 {
            let mut inner = [content, &[kind], &vec![0; padding]].concat();
            let length = u16::try_from(inner.len() + 16).unwrap().to_be_bytes();
            let header = [23, 3, 3, length[0], length[1]];
            let nonce = Nonce::assume_unique_for_key(nonce);
            self.send.key.seal_in_place_append_tag(nonce, Aad::from(header), &mut inner).unwrap();
            return [&header[..], &inner].concat();
        }
        let explicit = if self.send.gcm { nonce[4..].to_vec() } else { Vec::new() };
        let length = u16::try_from(content.len()).unwrap().to_be_bytes();
        let additional = [&sequence.to_be_bytes()[..], &[kind, 3, 3], &length].concat();
        let mut inner = content.to_vec();
        let nonce = Nonce::assume_unique_for_key(nonce);
        self.send.key.seal_in_place_append_tag(nonce, Aad::from(additional), &mut inner).unwrap();
        let length = u16::try_from(explicit.len() + inner.len()).unwrap().to_be_bytes();
        [&[kind, 3, 3, length[0], length[1]][..], &explicit, &inner].concat()
    }

    pub(crate) fn send(&mut self, octets: &[u8]) -> Result<(), TlsError> {
        self.input.extend_from_slice(octets);
        self.server.receive(self.now, &mut self.input, &mut self.plain)
    }

    pub(crate) fn send_record(&mut self, kind: u8, content: &[u8]) -> Result<(), TlsError> {
        let record = self.record(kind, content, 0);
        self.send(&record)
    }

    /// The content types and contents of what the server has sent since.
    pub(crate) fn answers(&mut self) -> Vec<(u8, Vec<u8>)> {
        let output = self.server.output();
        let octets: Vec<u8> = output.chunks().flatten().copied().collect();
        output.advance(octets.len());
        let (mut rest, mut answers) = (&octets[..], Vec::new());
        while let Some((header, after)) = rest.split_at_checked(5) {
            let (content, next) = after.split_at(usize::from(u16::from_be_bytes([header[3], header[4]])));
            rest = next;
            let sequence = self.receive.sequence;
            let nonce = self.receive.nonce();
            let mut content = content.to_vec();
            if self.tls13 {
                let nonce = Nonce::assume_unique_for_key(nonce);
                let plain = self.receive.key.open_in_place(nonce, Aad::from(header), &mut content).unwrap();
                let (kind, plain) = plain.split_last().unwrap();
                answers.push((*kind, plain.to_vec()));
                continue;
            }
            let mut real = self.receive.iv;
            if self.receive.gcm {
                real[4..].copy_from_slice(&content[..8]);
                content.drain(..8);
            } else {
                real = nonce;
            }
            let length = u16::try_from(content.len() - 16).unwrap().to_be_bytes();
            let additional = [&sequence.to_be_bytes()[..], &header[..3], &length].concat();
            let nonce = Nonce::assume_unique_for_key(real);
            let plain = self.receive.key.open_in_place(nonce, Aad::from(additional), &mut content).unwrap();
            answers.push((header[0], plain.to_vec()));
        }
        answers
    }
}
