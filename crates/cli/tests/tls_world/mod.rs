//! An authority with its files, and servers within this process that show and say what a test wants.

#![allow(dead_code)] // Each suite uses its part.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, CustomExtension, DistinguishedName,
    DnType, IsCa, Issuer, KeyIdMethod, KeyPair, KeyUsagePurpose, RevokedCertParams, SerialNumber,
    date_time_ymd,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use wirelace::runtime::tls::accept;
use wirelace::tls_glue::{CertificateStore, Identity, ServerTls, ServerTlsBuilder};

use crate::common::Scratch;

pub(crate) struct World {
    pub(crate) scratch: Scratch,
    issuer: Issuer<'static, KeyPair>,
    /// The authority's certificate, a file in PEM.
    pub(crate) root: String,
}

/// A certificate with its key; PEM.
pub(crate) struct Made {
    pub(crate) chain: String,
    pub(crate) key: String,
}

fn params(name: &str, hosts: &[&str]) -> CertificateParams {
    let hosts: Vec<_> = hosts.iter().map(|host| (*host).to_owned()).collect();
    let mut params = CertificateParams::new(hosts).unwrap();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = date_time_ymd(2100, 1, 1);
    params
}

fn authority(name: &str) -> CertificateParams {
    let mut params = params(name, &[]);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

impl World {
    /// Its files are in a directory with this name.
    pub(crate) fn new(name: &str) -> World {
        let scratch = Scratch::new(name);
        let params = authority("Test Root");
        let key = KeyPair::generate().unwrap();
        let root = scratch.write("root.pem", params.self_signed(&key).unwrap().pem());
        World { scratch, issuer: Issuer::new(params, key), root }
    }

    /// For `localhost` and `127.0.0.1`, called `leaf`.
    pub(crate) fn leaf(&self, change: impl FnOnce(&mut CertificateParams)) -> Made {
        let mut params = params("leaf", &["localhost", "127.0.0.1"]);
        change(&mut params);
        let key = KeyPair::generate().unwrap();
        let chain = params.signed_by(&key, &self.issuer).unwrap().pem();
        Made { chain, key: key.serialize_pem() }
    }

    /// The same, with an authority between, which is part of the chain.
    pub(crate) fn leaf_below(&self, name: &str) -> Made {
        let between = authority(name);
        let key = KeyPair::generate().unwrap();
        let certificate = between.signed_by(&key, &self.issuer).unwrap().pem();
        let issuer = Issuer::new(between, key);
        let key = KeyPair::generate().unwrap();
        let own = params("leaf", &["localhost"]).signed_by(&key, &issuer).unwrap().pem();
        Made { chain: own + &certificate, key: key.serialize_pem() }
    }

    /// A file with the authority's revocation list: these numbers, and when it should be followed by another.
    pub(crate) fn revocation_list(&self, taken_back: &[u64], until: i32) -> String {
        let one = |number: &u64| RevokedCertParams {
            serial_number: SerialNumber::from(*number),
            revocation_time: date_time_ymd(2022, 3, 4),
            reason_code: None,
            invalidity_date: None,
        };
        let list = CertificateRevocationListParams {
            this_update: date_time_ymd(2020, 1, 1),
            next_update: date_time_ymd(until, 1, 1),
            crl_number: SerialNumber::from(1),
            issuing_distribution_point: None,
            revoked_certs: taken_back.iter().map(one).collect(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        let pem = list.signed_by(&self.issuer).unwrap().pem().unwrap();
        self.scratch.write(&format!("{}-{until}.crl", taken_back.len()), pem)
    }

    /// The names of two files.
    pub(crate) fn files(&self, name: &str, made: &Made) -> (String, String) {
        let chain = self.scratch.write(&format!("{name}.pem"), &made.chain);
        (chain, self.scratch.write(&format!("{name}.key"), &made.key))
    }
}

/// Signed by itself, and not by any authority.
pub(crate) fn alone() -> Made {
    let key = KeyPair::generate().unwrap();
    let chain = params("alone", &["localhost"]).self_signed(&key).unwrap().pem();
    Made { chain, key: key.serialize_pem() }
}

/// What a log would have a certificate say, had it signed it: it is from log 0x0707…, of 2026-01-02.
pub(crate) fn sct() -> CustomExtension {
    let mut sct = vec![0];
    sct.extend_from_slice(&[7; 32]);
    sct.extend_from_slice(&1_767_312_000_000_u64.to_be_bytes());
    // No extensions; ECDSA with SHA-256; two octets.
    sct.extend_from_slice(&[0, 0, 4, 3, 0, 2, 1, 2]);
    let length = u8::try_from(sct.len()).unwrap();
    let list = [&[4, length + 4, 0, length + 2, 0, length], sct.as_slice()].concat();
    CustomExtension::from_oid_content(&[1, 3, 6, 1, 4, 1, 11129, 2, 4, 2], list)
}

impl Made {
    pub(crate) fn server(&self) -> ServerTlsBuilder {
        let identity = Identity::from_pem(self.chain.as_bytes(), self.key.as_bytes()).unwrap();
        ServerTls::builder(CertificateStore::new(vec![identity])).alpn(["http/1.1"])
    }

    /// Answers with what it is given.
    pub(crate) fn answers(&self, answer: &'static str) -> Listening {
        serve(self.server(), answer)
    }
}

pub(crate) const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nyes";
pub(crate) const OK_ONCE: &str = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 3\r\n\r\nyes";

/// A server that runs until the test is over.
pub(crate) struct Listening {
    pub(crate) address: SocketAddr,
    accepted: Arc<AtomicUsize>,
}

impl Listening {
    /// At `localhost`.
    pub(crate) fn url(&self) -> String {
        format!("https://localhost:{}/", self.address.port())
    }

    pub(crate) fn host(&self) -> String {
        format!("localhost:{}", self.address.port())
    }

    /// Connections that have come.
    pub(crate) fn accepted(&self) -> usize {
        self.accepted.load(Ordering::Relaxed)
    }
}

/// Answers each request with `answer`; after one with `Connection: close`, and with an empty one, it closes. Without
/// a close_notify where the answer has no length.
pub(crate) fn serve(tls: ServerTlsBuilder, answer: &'static str) -> Listening {
    let tls = tls.build().unwrap();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    listener.set_nonblocking(true).unwrap();
    let accepted = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&accepted);
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async move {
            let listener = TcpListener::from_std(listener).unwrap();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                counter.fetch_add(1, Ordering::Relaxed);
                let tls = tls.clone();
                tokio::spawn(async move {
                    let Ok(mut stream) = accept(stream, &tls).await else { return };
                    let last = !answer.contains("Content-Length") || answer.contains("Connection: close");
                    while read_head(&mut stream).await {
                        if stream.write_all(answer.as_bytes()).await.is_err() || stream.flush().await.is_err()
                        {
                            return;
                        }
                        if last {
                            break;
                        }
                    }
                    if answer.contains("Content-Length") {
                        // The client may be gone.
                        let _ = stream.shutdown().await;
                    }
                });
            }
        });
    });
    Listening { address, accepted }
}

async fn read_head(stream: &mut (impl AsyncReadExt + Unpin)) -> bool {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        match stream.read(&mut byte).await {
            Ok(1) => head.push(byte[0]),
            _ => return false,
        }
    }
    true
}

/// The octets of a certificate in PEM.
pub(crate) fn der(pem: &str) -> Bytes {
    let identity = wirelace::tls_glue::Roots::from_pem(pem.as_bytes()).unwrap();
    let wirelace::tls_glue::Roots::Only(all) = identity else { panic!("no certificates") };
    all[0].clone()
}
