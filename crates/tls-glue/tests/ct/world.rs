//! An authority, logs, and certificates that they have signed.

use std::sync::OnceLock;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rcgen::{
    BasicConstraints, CertificateParams, CustomExtension, DnType, IsCa, Issuer, KeyPair, PublicKeyData as _,
    SerialNumber, SigningKey as _,
};
use serde_json::{Value, json};
use wirelace_tls_glue::ct::{CtPolicy, CtVerdict, Evidence, LogId, LogList, Sct, check};

pub(crate) const DAY: u64 = 86_400_000;
/// 2026-01-01T00:00:00Z, when certificates begin.
pub(crate) const START: u64 = 1_767_225_600_000;
/// When SCTs are made, when the list is, and when all is looked at.
pub(crate) const SIGNED: u64 = START + DAY;
pub(crate) const LISTED: u64 = START + 10 * DAY;
pub(crate) const NOW: u64 = START + 20 * DAY;

const SCTS: &[u64] = &[1, 3, 6, 1, 4, 1, 11129, 2, 4, 2];
const POISON: &[u64] = &[1, 3, 6, 1, 4, 1, 11129, 2, 4, 3];

/// One DER value.
pub(crate) fn der(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let content = parts.concat();
    let length = content.len();
    let head = match length {
        0..=0x7f => vec![tag, length as u8],
        0x80..=0xff => vec![tag, 0x81, length as u8],
        _ => vec![tag, 0x82, (length >> 8) as u8, length as u8],
    };
    [head, content].concat()
}

/// Two octets of length, and the content.
pub(crate) fn vector(data: &[u8]) -> Vec<u8> {
    [&(data.len() as u16).to_be_bytes(), data].concat()
}

pub(crate) fn sct_list(scts: &[Vec<u8>]) -> Vec<u8> {
    vector(&scts.iter().flat_map(|sct| vector(sct)).collect::<Vec<u8>>())
}

/// How long a value's tag and length are, and its content.
fn lengths(value: &[u8]) -> (usize, usize) {
    match value[1] {
        0x81 => (3, usize::from(value[2])),
        0x82 => (4, usize::from(u16::from_be_bytes([value[2], value[3]]))),
        short => (2, usize::from(short)),
    }
}

/// The outer sequence's first value, as rcgen wrote it: `TBSCertificate`.
pub(crate) fn tbs_of(certificate: &[u8]) -> &[u8] {
    let inside = &certificate[lengths(certificate).0..];
    let (head, content) = lengths(inside);
    &inside[..head + content]
}

pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pub(crate) certificate: Vec<u8>,
    pub(crate) key: Vec<u8>,
}

impl Authority {
    pub(crate) fn new(name: &str) -> Authority {
        Authority::with_key(name, KeyPair::generate().unwrap())
    }

    pub(crate) fn with_key(name: &str, key: KeyPair) -> Authority {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, name);
        let certificate = params.self_signed(&key).unwrap().der().to_vec();
        let public = key.subject_public_key_info();
        Authority { issuer: Issuer::new(params, key), certificate, key: public }
    }

    /// One for the tests that do not care.
    pub(crate) fn shared() -> &'static Authority {
        static SHARED: OnceLock<Authority> = OnceLock::new();
        SHARED.get_or_init(|| Authority::new("Test CA"))
    }
}

/// A certificate that is being issued.
pub(crate) struct Leaf {
    params: CertificateParams,
    key: KeyPair,
}

impl Leaf {
    pub(crate) fn new(lifetime: u64) -> Leaf {
        let mut params = CertificateParams::new(vec!["example.com".to_owned()]).unwrap();
        params.not_before = rcgen::date_time_ymd(2026, 1, 1);
        params.not_after = params.not_before + Duration::from_millis(lifetime);
        params.serial_number = Some(SerialNumber::from_slice(&[1, 2, 3, 4]));
        Leaf { params, key: KeyPair::generate().unwrap() }
    }

    /// No extension but the one with the SCTs.
    pub(crate) fn bare(lifetime: u64) -> Leaf {
        let mut leaf = Leaf::new(lifetime);
        leaf.params.subject_alt_names.clear();
        leaf
    }

    fn signed(&self, authority: &Authority, extension: Option<CustomExtension>) -> Vec<u8> {
        let mut params = self.params.clone();
        params.custom_extensions.extend(extension);
        params.signed_by(&self.key, &authority.issuer).unwrap().der().to_vec()
    }

    /// Without anything of Certificate Transparency: its `TBSCertificate` is what logs sign.
    pub(crate) fn plain(&self, authority: &Authority) -> Vec<u8> {
        self.signed(authority, None)
    }

    pub(crate) fn precertificate(&self, authority: &Authority) -> Vec<u8> {
        let mut poison = CustomExtension::from_oid_content(POISON, vec![5, 0]);
        poison.set_criticality(true);
        self.signed(authority, Some(poison))
    }

    pub(crate) fn with_list(&self, authority: &Authority, list: &[u8]) -> Vec<u8> {
        self.signed(authority, Some(CustomExtension::from_oid_content(SCTS, der(4, &[list]))))
    }

    pub(crate) fn with_scts(&self, authority: &Authority, scts: &[Vec<u8>]) -> Vec<u8> {
        self.with_list(authority, &sct_list(scts))
    }
}

/// What is signed: of a precertificate, or of a certificate as it is. Written out again here, from the RFC.
pub(crate) enum Entry<'a> {
    Precertificate { tbs: &'a [u8], issuer_key: &'a [u8] },
    Certificate(&'a [u8]),
}

pub(crate) struct TestLog {
    pub(crate) key: KeyPair,
    /// 1: RSA, 3: ECDSA.
    pub(crate) algorithm: u8,
}

impl TestLog {
    pub(crate) fn ecdsa() -> TestLog {
        TestLog { key: KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap(), algorithm: 3 }
    }

    pub(crate) fn rsa(pem: &str) -> TestLog {
        let key = KeyPair::from_pkcs8_pem_and_sign_algo(pem, &rcgen::PKCS_RSA_SHA256).unwrap();
        TestLog { key, algorithm: 1 }
    }

    /// Keys for the tests that do not care.
    pub(crate) fn shared(index: usize) -> &'static TestLog {
        static SHARED: OnceLock<Vec<TestLog>> = OnceLock::new();
        &SHARED.get_or_init(|| (0..6).map(|_| TestLog::ecdsa()).collect())[index]
    }

    pub(crate) fn public_key(&self) -> Vec<u8> {
        self.key.subject_public_key_info()
    }

    pub(crate) fn id(&self) -> LogId {
        log_id(&self.public_key())
    }

    pub(crate) fn sign(&self, entry: &Entry<'_>, timestamp: u64, extensions: &[u8]) -> Vec<u8> {
        let mut message = vec![0, 0];
        message.extend(timestamp.to_be_bytes());
        let der = match entry {
            Entry::Precertificate { tbs, issuer_key } => {
                message.extend([0, 1]);
                message.extend(ring::digest::digest(&ring::digest::SHA256, issuer_key).as_ref());
                tbs
            }
            Entry::Certificate(der) => {
                message.extend([0, 0]);
                der
            }
        };
        message.extend(&(der.len() as u32).to_be_bytes()[1..]);
        message.extend(*der);
        message.extend(vector(extensions));
        let signature = self.key.sign(&message).unwrap();
        let (log, algorithm) = (self.id(), self.algorithm);
        let mut out = Vec::new();
        Sct { log, timestamp, extensions, hash: 4, algorithm, signature: &signature }.write(&mut out);
        out
    }
}

pub(crate) fn log_id(public_key: &[u8]) -> LogId {
    let digest = ring::digest::digest(&ring::digest::SHA256, public_key);
    LogId(digest.as_ref().try_into().unwrap())
}

/// A time as the list writes it.
pub(crate) fn text(time: u64) -> String {
    let (days, millisecond) = ((time - START) / DAY, (time - START) % DAY);
    let lengths = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let (mut year, mut month, mut day) = (2026, 0, days);
    while day >= lengths[month] {
        day -= lengths[month];
        month += 1;
        (year, month) = (year + month / 12, month % 12);
    }
    assert!(year < 2028, "no leap years here");
    let (second, fraction) = (millisecond / 1000, millisecond % 1000);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    format!("{year}-{:02}-{:02}T{hour:02}:{minute:02}:{second:02}.{fraction:03}Z", month + 1, day + 1)
}

/// A log as the list has it.
pub(crate) fn log_json(public_key: &[u8], state: &str, since: u64) -> Value {
    json!({
        "description": "a log",
        "log_id": STANDARD.encode(log_id(public_key).0),
        "key": STANDARD.encode(public_key),
        "url": "https://log.example/",
        "mmd": 86400,
        "state": { state: { "timestamp": text(since) } },
    })
}

pub(crate) fn list_json(time: u64, operators: &[(&str, Vec<Value>)]) -> Value {
    let operators: Vec<Value> = operators
        .iter()
        .map(|(name, logs)| json!({ "name": name, "email": ["ct@log.example"], "logs": logs }))
        .collect();
    json!({ "version": "1.2", "log_list_timestamp": text(time), "operators": operators })
}

pub(crate) fn list(json: &Value) -> LogList {
    LogList::from_json(json.to_string().as_bytes()).unwrap()
}

/// A list with these logs, usable, each with an operator of its own.
pub(crate) fn usable(keys: &[Vec<u8>]) -> LogList {
    let names: Vec<String> = (0..keys.len()).map(|index| format!("Operator {index}")).collect();
    let logs = keys.iter().map(|key| vec![log_json(key, "usable", START)]);
    let operators: Vec<(&str, Vec<Value>)> = names.iter().map(String::as_str).zip(logs).collect();
    list(&list_json(LISTED, &operators))
}

/// The verdict on a chain, enforced, at [`NOW`].
pub(crate) fn verdict(list: LogList, chain: &[&[u8]]) -> CtVerdict {
    check(&CtPolicy::enforce(list), &Evidence { chain, ..Evidence::default() }, NOW)
}
