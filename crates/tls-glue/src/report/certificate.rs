//! What a certificate says.

use bytes::Bytes;
use ring::digest::{SHA256, digest};
use x509_parser::extensions::ParsedExtension;
use x509_parser::prelude::{FromDer as _, X509Certificate};
use x509_parser::public_key::PublicKey;

use crate::verify::Pin;
use crate::x509::name::General;
use crate::x509::time::rfc3339;
use crate::x509::{hex, key, name, oid, rsa_bits};

/// A certificate that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a certificate: {0}")]
pub struct ReportError(String);

/// What a certificate says (RFC 5280). Nothing of it is checked: see
/// [`Verification`](crate::Verification) for whether it was. Text from it has no control characters.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateReport {
    /// Its place in the chain: 0 is the peer's own.
    pub position: usize,
    /// Whose it is, in the order of the certificate: `C=US, O=Example, CN=example.com`.
    pub subject: String,
    /// Who has signed it, as it says.
    pub issuer: String,
    /// Issuer and subject are the same.
    pub self_signed: bool,
    /// The serial number in hex.
    pub serial: String,
    /// The first second that it is valid in.
    pub not_before: Moment,
    /// The last second that it is valid in.
    pub not_after: Moment,
    /// The host names that it is for, `*.example.com` among them.
    pub dns_names: Vec<String>,
    /// The addresses that it is for.
    pub addresses: Vec<String>,
    /// Other names, with their kind in front: `email:`, `URI:`, `DirName:`.
    pub other_names: Vec<String>,
    /// Its key.
    pub key: KeyReport,
    /// How it is signed: `ECDSA with SHA-256`; an object identifier where that has no name here.
    pub signature_algorithm: String,
    /// It may sign others.
    pub is_ca: bool,
    /// So many authorities may be below it; `None`: any number.
    pub path_length: Option<u32>,
    /// What its key may be used for, by the names of RFC 5280 §4.2.1.3; empty: it does not say.
    pub key_usages: Vec<&'static str>,
    /// What it is for (§4.2.1.12): `TLS server`, `TLS client`, or an object identifier; empty: it does not say.
    pub purposes: Vec<String>,
    /// The logs that say they have it, as it says itself.
    pub scts: Vec<SctReport>,
    /// The SHA-256 of the whole of it.
    pub fingerprint: [u8; 32],
}

/// A second.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moment {
    /// Seconds since 1970.
    pub seconds: i64,
    /// As RFC 3339 has it, in UTC.
    pub text: String,
}

impl Moment {
    /// Of the seconds since 1970.
    #[must_use]
    pub fn new(seconds: i64) -> Moment {
        Moment { seconds, text: rfc3339(seconds) }
    }

    /// Of the milliseconds since 1970; what is left of the second is cut off.
    #[must_use]
    pub fn from_milliseconds(milliseconds: u64) -> Moment {
        // In range: a thousandth of it.
        Moment::new(i64::try_from(milliseconds / 1000).unwrap_or(i64::MAX))
    }
}

/// A public key.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyReport {
    /// `RSA`, `P-256`, `Ed25519`; an object identifier where that has no name here.
    pub algorithm: String,
    /// Its size in bits; `None`: not known.
    pub bits: Option<usize>,
    /// The SHA-256 of its `SubjectPublicKeyInfo`.
    pub pin: Pin,
}

/// What a log of Certificate Transparency has signed (RFC 6962 §3.2); [`ct`](crate::ct) checks it.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SctReport {
    /// The SHA-256 of the log's key.
    pub log_id: [u8; 32],
    /// Milliseconds since 1970.
    pub timestamp: u64,
    /// All of it.
    pub raw: Bytes,
}

impl CertificateReport {
    /// Of a certificate in DER.
    ///
    /// # Errors
    ///
    /// It is none.
    pub fn new(der: &[u8], position: usize) -> Result<CertificateReport, ReportError> {
        let (rest, certificate) =
            X509Certificate::from_der(der).map_err(|error| ReportError(error.to_string()))?;
        if !rest.is_empty() {
            return Err(ReportError(format!("{} octets follow it", rest.len())));
        }
        let mut report = CertificateReport {
            position,
            subject: name_text(certificate.subject().as_raw()),
            issuer: name_text(certificate.issuer().as_raw()),
            self_signed: certificate.subject().as_raw() == certificate.issuer().as_raw(),
            serial: hex(certificate.raw_serial()),
            not_before: Moment::new(certificate.validity().not_before.timestamp()),
            not_after: Moment::new(certificate.validity().not_after.timestamp()),
            dns_names: Vec::new(),
            addresses: Vec::new(),
            other_names: Vec::new(),
            key: key_report(&certificate),
            signature_algorithm: oid::named(certificate.signature_algorithm.algorithm.as_bytes()),
            is_ca: false,
            path_length: None,
            key_usages: Vec::new(),
            purposes: Vec::new(),
            scts: Vec::new(),
            fingerprint: sha256(der),
        };
        for extension in certificate.extensions() {
            report.extension(extension.parsed_extension(), extension.value);
        }
        Ok(report)
    }

    /// Of all certificates that a peer has shown, its own first. What cannot be read is left out; the positions tell.
    #[must_use]
    pub fn chain(certificates: &[Bytes]) -> Vec<CertificateReport> {
        let all = certificates.iter().enumerate();
        all.filter_map(|(position, der)| CertificateReport::new(der, position).ok()).collect()
    }

    fn extension(&mut self, parsed: &ParsedExtension<'_>, value: &[u8]) {
        match parsed {
            ParsedExtension::BasicConstraints(constraints) => {
                self.is_ca = constraints.ca;
                self.path_length = constraints.path_len_constraint;
            }
            ParsedExtension::KeyUsage(usage) => {
                let known = [
                    (usage.digital_signature(), "digitalSignature"),
                    (usage.non_repudiation(), "nonRepudiation"),
                    (usage.key_encipherment(), "keyEncipherment"),
                    (usage.data_encipherment(), "dataEncipherment"),
                    (usage.key_agreement(), "keyAgreement"),
                    (usage.key_cert_sign(), "keyCertSign"),
                    (usage.crl_sign(), "cRLSign"),
                    (usage.encipher_only(), "encipherOnly"),
                    (usage.decipher_only(), "decipherOnly"),
                ];
                self.key_usages = known.into_iter().filter(|(set, _)| *set).map(|(_, name)| name).collect();
            }
            ParsedExtension::ExtendedKeyUsage(usage) => {
                let known: [(bool, &[u8]); 7] = [
                    (usage.any, &[0x55, 29, 37, 0]),
                    (usage.server_auth, &[0x2b, 6, 1, 5, 5, 7, 3, 1]),
                    (usage.client_auth, &[0x2b, 6, 1, 5, 5, 7, 3, 2]),
                    (usage.code_signing, &[0x2b, 6, 1, 5, 5, 7, 3, 3]),
                    (usage.email_protection, &[0x2b, 6, 1, 5, 5, 7, 3, 4]),
                    (usage.time_stamping, &[0x2b, 6, 1, 5, 5, 7, 3, 8]),
                    (usage.ocsp_signing, &[0x2b, 6, 1, 5, 5, 7, 3, 9]),
                ];
                let known = known.into_iter().filter(|(set, _)| *set).map(|(_, purpose)| purpose);
                let others = usage.other.iter().map(|purpose| purpose.as_bytes());
                self.purposes = known.chain(others).map(oid::named).collect();
            }
            ParsedExtension::SubjectAlternativeName(_) => {
                for name in name::general(value) {
                    match name {
                        General::Dns(name) => self.dns_names.push(name),
                        General::Ip(address) => self.addresses.push(address),
                        General::Other(name) => self.other_names.push(name),
                    }
                }
            }
            ParsedExtension::SCT(_) => self.scts = scts(value),
            _ => {}
        }
    }
}

/// x509-parser has the `Name` with tag and length.
fn name_text(raw: &[u8]) -> String {
    name::text(crate::x509::der::Reader::new(raw).expect(crate::x509::der::SEQUENCE).unwrap_or_default())
}

fn sha256(octets: &[u8]) -> [u8; 32] {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest(&SHA256, octets).as_ref());
    hash
}

fn key_report(certificate: &X509Certificate<'_>) -> KeyReport {
    let info = certificate.public_key();
    let algorithm = info.algorithm.algorithm.as_bytes();
    let curve = info.algorithm.parameters.as_ref().and_then(|parameters| parameters.as_oid().ok());
    let algorithm = oid::named(curve.as_ref().map_or(algorithm, |curve| curve.as_bytes()));
    let bits = match info.parsed() {
        Ok(PublicKey::RSA(_)) => {
            let content = crate::x509::der::Reader::new(info.raw).expect(crate::x509::der::SEQUENCE);
            content.and_then(key).and_then(|(algorithm, key)| rsa_bits(algorithm, key))
        }
        Ok(PublicKey::EC(_)) => match algorithm.as_str() {
            "P-521" => Some(521),
            _ => info.parsed().ok().map(|key| key.key_size()),
        },
        _ => match algorithm.as_str() {
            "Ed25519" => Some(256),
            "Ed448" => Some(456),
            _ => None,
        },
    };
    KeyReport { algorithm, bits: bits.filter(|bits| *bits > 0), pin: Pin::of_key(info.raw) }
}

/// The content of the extension: an OCTET STRING, in it a list with lengths (RFC 6962 §3.3).
fn scts(value: &[u8]) -> Vec<SctReport> {
    let list = crate::x509::der::Reader::new(value).expect(crate::x509::der::OCTET_STRING);
    let Some((_, mut rest)) = list.and_then(|list| list.split_at_checked(2)) else { return Vec::new() };
    let mut all = Vec::new();
    while let Some((length, after)) = rest.split_first_chunk::<2>() {
        let Some((sct, after)) = after.split_at_checked(u16::from_be_bytes(*length).into()) else { break };
        rest = after;
        let fields = sct.split_first().and_then(|(_, rest)| rest.split_first_chunk::<32>());
        let Some((log_id, fields)) = fields else { continue };
        let Some((timestamp, _)) = fields.split_first_chunk::<8>() else { continue };
        let timestamp = u64::from_be_bytes(*timestamp);
        all.push(SctReport { log_id: *log_id, timestamp, raw: Bytes::copy_from_slice(sct) });
    }
    all
}
