//! Certificate Transparency on a connection.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use rcgen::{CustomExtension, KeyPair, PublicKeyData as _, SigningKey as _};
use wirelace_tls_glue::ct::{
    CtMode, CtOutcome, CtPolicy, CtVerdict, LogId, LogList, Sct, Standing, precertificate_tbs,
};
use wirelace_tls_glue::{
    CertificateError, CertificateRule, ClientTls, ClientTlsBuilder, Pin, Roots, TlsVersion,
};

use crate::world::{Authority, HOST, Made, accepted, handshake, params, refused, refused_for};

const DAY: u64 = 86_400;

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

/// As RFC 3339 has it.
fn text(seconds: u64) -> String {
    let (mut year, mut day) = (1970, seconds / DAY);
    let days = |year: u64| {
        let of = |years| year.is_multiple_of(years);
        if of(4) && (!of(100) || of(400)) { 366 } else { 365 }
    };
    while day >= days(year) {
        day -= days(year);
        year += 1;
    }
    let (mut month, lengths) = (1, [31, days(year) - 337, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]);
    for length in lengths {
        if day < length {
            break;
        }
        day -= length;
        month += 1;
    }
    let (hour, minute, second) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
    format!("{year:04}-{month:02}-{:02}T{hour:02}:{minute:02}:{second:02}Z", day + 1)
}

fn sha256(octets: &[u8]) -> [u8; 32] {
    ring::digest::digest(&ring::digest::SHA256, octets).as_ref().try_into().unwrap()
}

/// Two logs of two operators.
struct Logs([KeyPair; 2]);

impl Logs {
    fn new() -> Logs {
        Logs([(); 2].map(|()| KeyPair::generate().unwrap()))
    }

    /// A list that was made so many days ago.
    fn list(&self, days: u64) -> LogList {
        let operators = self.0.iter().enumerate().map(|(index, key)| {
            let key = key.subject_public_key_info();
            let (id, key) = (STANDARD.encode(sha256(&key)), STANDARD.encode(&key));
            format!(
                r#"{{"name": "Operator {index}", "logs": [{{"description": "Log {index}", "log_id": "{id}",
                "key": "{key}", "state": {{"usable": {{"timestamp": "2020-01-01T00:00:00Z"}}}}}}]}}"#
            )
        });
        let (operators, time) = (operators.collect::<Vec<_>>().join(","), text(now() - days * DAY));
        let json = format!(r#"{{"log_list_timestamp": "{time}", "operators": [{operators}]}}"#);
        LogList::from_json(json.as_bytes()).unwrap()
    }

    /// A certificate of 90 days that so many of the logs have signed.
    fn leaf(&self, authority: &Authority, logs: usize) -> Made {
        let mut params = params("leaf", &[HOST]);
        params.not_before = (UNIX_EPOCH + Duration::from_secs(now() - DAY)).into();
        params.not_after = params.not_before + Duration::from_secs(90 * DAY);
        params.serial_number = Some(77.into());
        let key = KeyPair::generate().unwrap();
        let plain = params.signed_by(&key, &authority.issuer).unwrap();
        let tbs = precertificate_tbs(plain.der()).unwrap();
        let issuer = sha256(&authority.issuer.key().subject_public_key_info());
        let mut list = Vec::new();
        for log in &self.0[..logs] {
            let timestamp = (now() - DAY / 2) * 1000;
            let length = u32::try_from(tbs.len()).unwrap().to_be_bytes();
            let time = timestamp.to_be_bytes();
            let message = [&[0, 0], &time[..], &[0, 1], &issuer, &length[1..], &tbs, &[0, 0]].concat();
            let signature = log.sign(&message).unwrap();
            let id = LogId(sha256(&log.subject_public_key_info()));
            let mut sct = Vec::new();
            let fields =
                Sct { log: id, timestamp, extensions: &[], hash: 4, algorithm: 3, signature: &signature };
            fields.write(&mut sct);
            list.extend(u16::try_from(sct.len()).unwrap().to_be_bytes());
            list.extend(sct);
        }
        if logs > 0 {
            let list = [&u16::try_from(list.len()).unwrap().to_be_bytes(), &list[..]].concat();
            let length = u8::try_from(list.len()).unwrap();
            let head = if length < 128 { vec![4, length] } else { vec![4, 0x81, length] };
            let octets = [head, list].concat();
            let oid = [1, 3, 6, 1, 4, 1, 11129, 2, 4, 2];
            params.custom_extensions.push(CustomExtension::from_oid_content(&oid, octets));
        }
        let der = Bytes::copy_from_slice(params.signed_by(&key, &authority.issuer).unwrap().der());
        Made { der, key: key.serialize_der() }
    }
}

fn verdict_of(client: ClientTlsBuilder, made: &Made, others: &[&Bytes]) -> CtVerdict {
    *accepted(client, made.server(others)).transparency.expect("a verdict")
}

fn refused_by(client: ClientTlsBuilder, made: &Made, others: &[&Bytes]) -> (CertificateError, CtVerdict) {
    let error = refused_for(&client.build().unwrap(), &made.server(others).build().unwrap(), HOST);
    let CertificateRule::Transparency(verdict) = error.rule.clone() else { panic!("{error}") };
    (error, *verdict)
}

#[test]
fn times_are_written() {
    assert_eq!(text(0), "1970-01-01T00:00:00Z");
    assert_eq!(text(951_782_400), "2000-02-29T00:00:00Z");
    assert_eq!(text(1_798_761_599), "2026-12-31T23:59:59Z");
}

#[test]
fn a_logged_one_is_accepted() {
    let (logs, root) = (Logs::new(), Authority::root("Root"));
    let between = root.below("Between", |_| {});
    for (leaf, others) in [
        // The issuer is not sent: its key is that of the authority.
        (logs.leaf(&root, 2), vec![]),
        (logs.leaf(&root, 2), vec![&root.der]),
        (logs.leaf(&between, 2), vec![&between.der]),
        (logs.leaf(&between, 2), vec![&root.der, &between.der]),
    ] {
        for policy in [CtPolicy::enforce(logs.list(0)), CtPolicy::report(logs.list(0))] {
            let verdict =
                verdict_of(root.trusting().certificate_transparency(policy.clone()), &leaf, &others);
            assert_eq!(verdict.mode, policy.mode());
            assert_eq!(verdict.outcome, CtOutcome::Complies { embedded: true, logs: 2 }, "{verdict}");
            let found: Vec<_> =
                verdict.scts.iter().map(|sct| (sct.log.clone(), sct.standing.clone())).collect();
            let log = |index| (Some(format!("Log {index}")), Ok(Standing::Current));
            assert_eq!(found, [log(0), log(1)]);
        }
        let off = accepted(root.trusting().certificate_transparency(CtPolicy::off()), leaf.server(&others));
        assert_eq!(off.transparency, None);
    }
}

#[test]
fn one_that_is_not_logged_is_refused() {
    let (logs, root) = (Logs::new(), Authority::root("Root"));
    let enforcing = || root.trusting().certificate_transparency(CtPolicy::enforce(logs.list(0)));
    refused(
        enforcing(),
        logs.leaf(&root, 0).server(&[]),
        Some(0),
        46,
        "the peer's certificate (CN=leaf) does not comply with Certificate Transparency: the certificate comes without \
         SCTs: nothing shows that it was logged; have one issued by an authority that logs it",
    );
    refused(
        enforcing(),
        logs.leaf(&root, 1).server(&[]),
        Some(0),
        46,
        "the peer's certificate (CN=leaf) does not comply with Certificate Transparency: SCTs of 1 log count, 2 are \
         needed; have one issued that is in more logs, or get a newer log list",
    );
    // SCTs of logs that the list does not have.
    let (error, verdict) = refused_by(enforcing(), &Logs::new().leaf(&root, 2), &[]);
    assert_eq!(verdict.outcome, CtOutcome::NoneValid);
    assert_eq!(error.certificates.len(), 1);
    assert!(error.to_string().contains("comes from a log that the list does not have"), "{error}");
    // The chain is asked first.
    let stranger = Authority::root("Other");
    let client = stranger.trusting().certificate_transparency(CtPolicy::enforce(logs.list(0)));
    let server = logs.leaf(&root, 0).server(&[]).build().unwrap();
    let error = refused_for(&client.build().unwrap(), &server, HOST);
    assert!(matches!(error.rule, CertificateRule::UnknownIssuer { .. }), "{error}");
}

#[test]
fn a_report_refuses_nothing() {
    let (logs, root) = (Logs::new(), Authority::root("Root"));
    let reporting = || CtPolicy::report(logs.list(0));
    let leaf = logs.leaf(&root, 0);
    let verdict = verdict_of(root.trusting().certificate_transparency(reporting()), &leaf, &[]);
    assert_eq!((verdict.mode, verdict.outcome), (CtMode::Report, CtOutcome::NoScts));
    // Also where nothing else is asked: then the issuer is looked for in the chain.
    let good = logs.leaf(&root, 2);
    let pins = vec![Pin::of_certificate(&good.der).unwrap()];
    for roots in [Roots::Insecure, Roots::Pinned(pins)] {
        let client = || ClientTls::builder(roots.clone()).certificate_transparency(reporting());
        assert!(verdict_of(client(), &good, &[&root.der]).complies());
        assert_eq!(verdict_of(client(), &good, &[]).outcome, CtOutcome::NoneValid);
        let enforcing = ClientTls::builder(roots.clone());
        let enforcing = enforcing.certificate_transparency(CtPolicy::enforce(logs.list(0)));
        let error = enforcing.build().unwrap_err().to_string();
        assert!(error.contains("can be reported, but not enforced"), "{error}");
    }
}

#[test]
fn an_old_list_refuses_nothing() {
    let (logs, root) = (Logs::new(), Authority::root("Root"));
    let enforcing = |days| root.trusting().certificate_transparency(CtPolicy::enforce(logs.list(days)));
    let leaf = logs.leaf(&root, 0);
    assert_eq!(refused_by(enforcing(69), &leaf, &[]).1.outcome, CtOutcome::NoScts);
    let verdict = verdict_of(enforcing(71), &leaf, &[]);
    let CtOutcome::Stale { otherwise, .. } = &verdict.outcome else { panic!("{verdict}") };
    assert_eq!(**otherwise, CtOutcome::NoScts);
    assert!(verdict.to_string().contains("is older than 70 days"), "{verdict}");
}

#[test]
fn an_authority_of_ones_own_logs_nothing() {
    let (logs, public, own) = (Logs::new(), Authority::root("Root"), Authority::root("Own"));
    let client = || {
        let client = public.trusting().authorities([own.der.clone()]);
        client.certificate_transparency(CtPolicy::enforce(logs.list(0)))
    };
    assert_eq!(accepted(client(), own.leaf().server(&[])).transparency, None);
    refused_by(client(), &public.leaf(), &[]);
    // Also one that is trusted as it is.
    let ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    for is_ca in [rcgen::IsCa::NoCa, ca] {
        let alone = Made::alone("alone", |params| params.is_ca = is_ca);
        let trusting = client().authorities([alone.der.clone()]);
        assert_eq!(accepted(trusting, alone.server(&[])).transparency, None);
        let only = ClientTls::builder(Roots::Only(vec![alone.der.clone()]));
        refused_by(only.certificate_transparency(CtPolicy::enforce(logs.list(0))), &alone, &[]);
    }
}

#[test]
fn a_resumed_session_has_no_verdict() {
    let (logs, root) = (Logs::new(), Authority::root("Root"));
    let client = root.trusting().certificate_transparency(CtPolicy::enforce(logs.list(0)));
    let client = client.build().unwrap();
    for version in [TlsVersion::Tls12, TlsVersion::Tls13] {
        let server = logs.leaf(&root, 2).server(&[]).versions(version, version).build().unwrap();
        let host = if version == TlsVersion::Tls12 { HOST } else { "example.com." };
        let first = handshake(&client, &server, host).client.unwrap();
        assert!(first.transparency.is_some_and(|verdict| verdict.complies()));
        let again = handshake(&client, &server, host).client.unwrap();
        assert_eq!((again.resumed, again.transparency), (true, None), "{version}");
    }
}
