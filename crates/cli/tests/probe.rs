//! `wirelace probe` against the demo, and against servers that show and say what a test wants.

mod common;
mod tls_world;

use std::net::TcpListener;

use common::{Server, run, run_text};
use rcgen::{CertificateParams, date_time_ymd};
use serde_json::Value;
use tls_world::{Listening, Made, OK, World, alone, der, sct, serve};
use wirelace::tls_glue::{ClientCertificates, Pin};

const EMPTY: &str = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";

fn probe(world: &World, arguments: &[&str], target: &str) -> (Option<i32>, String, String) {
    run_text(&[&["probe", "--cacert", &world.root], arguments, &[target]].concat())
}

fn object(world: &World, arguments: &[&str], target: &str) -> (Option<i32>, Value) {
    let (code, out, err) = probe(world, &[&["--json"], arguments].concat(), target);
    assert_eq!(err.lines().count(), usize::from(code != Some(0)), "{err}");
    let line = out.strip_suffix('\n').unwrap_or_else(|| panic!("{err}"));
    assert!(!line.contains('\n'), "{out}");
    (code, serde_json::from_str(line).unwrap())
}

/// Answers, and the lines of the report have this in them.
fn shown(world: &World, arguments: &[&str], server: &Listening, code: i32, lines: &[&str]) {
    let (ended, out, err) = probe(world, arguments, &server.host());
    assert_eq!(ended, Some(code), "{err}");
    for line in lines {
        let squeezed = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
        let found = out.lines().any(|there| squeezed(there).starts_with(&squeezed(line)));
        assert!(found, "{line}: {out}");
    }
}

/// All names of fields, with those that they are in: `tls.version`, `chain[].subject`.
fn fields(value: &Value, path: &str, all: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                fields(value, &path, all);
                all.push(path);
            }
        }
        Value::Array(elements) => {
            elements.iter().for_each(|element| fields(element, &format!("{path}[]"), all));
        }
        _ => {}
    }
}

#[test]
fn the_demo() {
    let world = World::new("probe-demo");
    let certificate = world.scratch.0.join("dev.pem");
    let certificate = certificate.to_str().unwrap();
    let server = Server::start(&["demo", "--workers", "1", "--write-cert", certificate]);
    let target = format!("localhost:{}", server.secure.port());
    let (code, out, err) = run_text(&["probe", "--cacert", certificate, &target]);
    assert_eq!((code, err.as_str()), (Some(0), ""));
    for part in [
        &format!("server         {target} at {}\n", server.secure),
        "verified       yes: it is for localhost, and this very certificate is trusted\n",
        "TLS            TLS 1.3, TLS_",
        "ALPN           h2\n",
        "handshake      1 round trip, ",
        "resumption     yes\n",
        "certificate 0  CN=wirelace development certificate\n",
        "  names        localhost, *.localhost, 127.0.0.1, ::1\n",
        "  key          P-256 of 256 bits, sha256//",
        "HTTP/1.1       200 OK\n",
        "HTTP/3         not yet checked\n",
    ] {
        assert!(out.contains(part), "{part}: {out}");
    }
    assert!(!out.contains('\x1b'), "{out}");
    let (code, out, err) = run_text(&["probe", &format!("https://{target}/hello")]);
    assert_eq!((code, err.lines().count()), (Some(3), 1), "{err}");
    let verdict =
        "verified       NO: certificate 0 is self-signed and not trusted\n               trust this very";
    assert!(out.contains(verdict) && out.contains("HTTP/1.1       200 OK\n"), "{out}");
    assert!(err.starts_with(&format!("wirelace: {target}: the peer's certificate (CN=wirelace")), "{err}");
}

/// The reason why it is refused; the report is there in any case.
fn refused(world: &World, arguments: &[&str], made: &Made, rule: &str, line: &str) {
    let server = made.answers(EMPTY);
    shown(
        world,
        arguments,
        &server,
        3,
        &[&format!("verified NO: {line}"), "HTTP/1.1 200 OK", "resumption yes"],
    );
    let (code, object) = object(world, arguments, &server.host());
    assert_eq!(code, Some(3));
    let verification = &object["verification"];
    assert_eq!((&verification["ok"], &verification["rule"]), (&false.into(), &rule.into()), "{object}");
    assert!(verification["reason"].is_string() && verification["hint"].is_string(), "{object}");
    assert!(object["tls"]["version"] == "TLS 1.3" && object["http"]["status"] == 200, "{object}");
    assert!(!object["chain"].as_array().unwrap().is_empty(), "{object}");
}

#[test]
fn broken_certificates_are_shown() {
    let world = World::new("probe-refused");
    let expired = world.leaf(|params| params.not_after = date_time_ymd(2021, 1, 1));
    refused(&world, &[], &expired, "expired", "certificate 0 has expired on 2021-01-01T00:00:00Z");
    let server = expired.answers(EMPTY);
    shown(&world, &[], &server, 3, &["valid 2020-01-01T00:00:00Z to 2021-01-01T00:00:00Z, EXPIRED "]);
    assert!(object(&world, &[], &server.host()).1["chain"][0]["days_left"].as_i64().unwrap() < -2000);
    let early = world.leaf(|params| params.not_before = date_time_ymd(2099, 1, 1));
    refused(&world, &[], &early, "not_yet_valid", "certificate 0 is not valid before 2099-01-01T00:00:00Z");
    shown(
        &world,
        &[],
        &early.answers(EMPTY),
        3,
        &["valid 2099-01-01T00:00:00Z to 2100-01-01T00:00:00Z, NOT YET"],
    );
    let nameless = world.leaf(|params| params.subject_alt_names = vec![]);
    refused(&world, &[], &nameless, "wrong_host", "certificate 0 is not for localhost: it names no host");
    shown(&world, &[], &nameless.answers(EMPTY), 3, &["names none: it is for no host"]);
    refused(&world, &[], &alone(), "self_signed", "certificate 0 is self-signed and not trusted");
    let good = world.leaf(|_| {});
    let pin = Pin::of_certificate(&der(&alone().chain)).unwrap().to_string();
    refused(&world, &["--pinned-key", &pin], &good, "pin", "the certificate has a key that is not among");
    let list = World::new("probe-stranger").revocation_list(&[], 2099);
    assert_eq!(probe(&world, &["--crl", &list], "localhost").0, Some(2), "its directory is gone");
    let list = world.revocation_list(&[], 2021);
    let rule = "revocation_list_expired";
    refused(&world, &["--crl", &list], &good, rule, "certificate 0 may have been revoked");
}

#[test]
fn whole_chains() {
    let world = World::new("probe-chain");
    let server = world.leaf_below("Between").answers(EMPTY);
    shown(
        &world,
        &[],
        &server,
        0,
        &[
            "verified yes: it is for localhost, and from an authority that is trusted",
            "certificate 0 CN=leaf",
            "issuer CN=Between",
            "certificate 1 CN=Between",
            "issuer CN=Test Root",
        ],
    );
    let (_, object) = object(&world, &[], &server.host());
    let chain = object["chain"].as_array().unwrap();
    assert_eq!((chain.len(), &chain[0]["is_ca"], &chain[1]["is_ca"]), (2, &false.into(), &true.into()));
    assert_eq!((&chain[1]["position"], &chain[1]["subject"]), (&1.into(), &"CN=Between".into()));
    assert_eq!(object["verification"]["asked"], "chain");
    // Nobody has sent what is between.
    let made = world.leaf_below("Between");
    let own = made.chain.split_inclusive("-----END CERTIFICATE-----\n").next().unwrap();
    let alone = Made { chain: own.to_owned(), key: made.key };
    refused(
        &world,
        &[],
        &alone,
        "unknown_issuer",
        "certificate 0 comes from an authority that is not trusted (CN=Between)",
    );
}

#[test]
fn names_and_addresses() {
    let world = World::new("probe-names");
    let server = world
        .leaf(|params| *params = CertificateParams::new(["www.example".to_owned()]).unwrap())
        .answers(EMPTY);
    let address = server.address.to_string();
    let connect = ["--connect", address.as_str()];
    assert_eq!(probe(&world, &connect, "www.example").0, Some(0));
    let other = probe(&world, &connect, "other.example");
    assert!(
        other.0 == Some(3) && other.2.contains("is not for other.example, but for www.example"),
        "{}",
        other.2
    );
    let named = [&connect[..], &["--servername", "www.example"]].concat();
    let (code, found) = object(&world, &named, "other.example:8443");
    assert_eq!(code, Some(0));
    assert_eq!((&found["host"], &found["port"]), (&"other.example".into(), &8443.into()));
    assert_eq!((&found["server_name"], &found["address"]), (&"www.example".into(), &address.as_str().into()));
    let resolve = format!("www.example:{}:127.0.0.1", server.address.port());
    let target = format!("www.example:{}", server.address.port());
    assert_eq!(probe(&world, &["--resolve", &resolve], &target).0, Some(0));
    // By its address.
    let server = world.leaf(|_| {}).answers(EMPTY);
    assert_eq!(probe(&world, &[], &server.address.to_string()).0, Some(0));
    // A page of names.
    let many: Vec<String> =
        (0..100).map(|number| format!("a{number}.example")).chain(["localhost".into()]).collect();
    let made = world.leaf(|params| *params = CertificateParams::new(many).unwrap());
    shown(&world, &[], &made.answers(EMPTY), 0, &["names a0.example, a1.example, a2.example,"]);
    let out = probe(&world, &[], &made.answers(EMPTY).host()).1;
    assert!(out.contains("a11.example, and 89 more\n"), "{out}");
}

#[test]
fn what_the_answer_says() {
    let world = World::new("probe-http");
    let leaf = world.leaf(|_| {});
    let server = serve(
        leaf.server().alpn(["h2", "http/1.1"]),
        "HTTP/1.1 204 No Content\r\nStrict-Transport-Security: max-age=31536000; includeSubDomains; preload\r\n\
         Alt-Svc: h3=\":443\"; ma=86400\r\nAlt-Svc: h2=\":8443\"\r\nContent-Length: 0\r\n\r\n",
    );
    shown(
        &world,
        &[],
        &server,
        0,
        &[
            "ALPN h2",
            "HTTP/1.1 204 No Content",
            "HSTS max-age=31536000; includeSubDomains; preload (365 days)",
            "Alt-Svc h3=\":443\"; ma=86400",
            "h2=\":8443\"",
        ],
    );
    let (_, found) = object(&world, &[], &server.host());
    let hsts = &found["http"]["hsts"];
    assert_eq!((&hsts["max_age"], &hsts["preload"]), (&31_536_000.into(), &true.into()), "{found}");
    assert_eq!(found["http"]["alt_svc"].as_array().unwrap().len(), 2);
    assert_eq!((&found["tls"]["alpn"], &found["http3"]), (&"h2".into(), &Value::Null));

    let broken = leaf.answers(
        "HTTP/1.1 200 OK\r\nStrict-Transport-Security: max-age=\x1b[2J\r\nContent-Length: 0\r\n\r\n",
    );
    assert!(!probe(&world, &[], &broken.host()).1.contains('\x1b'));
    let broken =
        leaf.answers("HTTP/1.1 200 OK\r\nStrict-Transport-Security: preload\r\nContent-Length: 0\r\n\r\n");
    shown(&world, &[], &broken, 0, &["HSTS preload (does not count: max-age is missing"]);
    assert!(object(&world, &[], &broken.host()).1["http"]["hsts"]["error"].is_string());
    // No HEAD there.
    let without = leaf.answers("HTTP/1.1 405 Method Not Allowed\r\nContent-Length: 0\r\n\r\n");
    shown(&world, &[], &without, 0, &["HTTP/1.1 405"]);
}

#[test]
fn without_an_answer_tls_is_there_nevertheless() {
    let world = World::new("probe-silent");
    let leaf = world.leaf(|_| {});
    let silent = leaf.answers("");
    shown(
        &world,
        &[],
        &silent,
        0,
        &["verified yes", "HTTP/1.1 no answer to HEAD /: ", "resumption not known"],
    );
    // This server waits for a request that never ends.
    let slow = leaf.answers("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n");
    shown(&world, &["--timeout", "0.2"], &slow, 0, &["HTTP/1.1 no answer to HEAD /: no answer within 0.2 s"]);
    let root = der(&std::fs::read_to_string(&world.root).unwrap());
    let asking = ClientCertificates::Required(vec![root]);
    let server = serve(leaf.server().client_certificates(asking), EMPTY);
    let (code, found) = object(&world, &[], &server.host());
    assert!(code == Some(0) && found["http"].is_null(), "{found}");
    assert!(found["http_error"].as_str().unwrap().contains("wants a client certificate"), "{found}");
    let (certificate, key) = world.files("client", &leaf);
    shown(&world, &["--cert", &certificate, "--key", &key], &server, 0, &["HTTP/1.1 200 OK"]);
}

#[test]
fn nothing_to_look_at() {
    let world = World::new("probe-nothing");
    let demo = Server::start(&["demo", "--workers", "1"]);
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    for (target, part) in [
        (demo.address.to_string(), "not TLS: the record begins with 0x48, perhaps plain HTTP"),
        (nobody, "cannot connect to 127.0.0.1:"),
    ] {
        for json in [&[][..], &["--json"]] {
            let (code, out, err) = probe(&world, json, &target);
            assert_eq!((code, out.as_str(), err.lines().count()), (Some(1), "", 1), "{err}");
            assert!(err.starts_with(&format!("wirelace: {target}: ")) && err.contains(part), "{err}");
        }
    }
    // Takes connections and says nothing.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let target = silent.local_addr().unwrap().to_string();
    let (code, out, err) = probe(&world, &["--timeout", "0.2"], &target);
    assert_eq!((code, out.as_str()), (Some(1), ""));
    assert_eq!(err, format!("wirelace: {target}: the handshake took longer than 0.2 s\n"));
    for arguments in [
        &["probe"][..],
        &["probe", "http://localhost/"],
        &["probe", "a:b"],
        &["probe", "--connect", "localhost", "a"],
        &["probe", "--timeout", "0", "a"],
        &["probe", "--cacert", "/no/such/file", "a"],
        &["probe", "--insecure", "a"],
    ] {
        assert_eq!(run(arguments, b"").status.code(), Some(2), "{arguments:?}");
    }
}

#[test]
fn transparency() {
    let world = World::new("probe-ct");
    let logs = world.scratch.write(
        "logs.json",
        r#"{"version": "1", "log_list_timestamp": "2099-01-01T00:00:00Z", "operators": []}"#,
    );
    let arguments = ["--ct-log-list", logs.as_str()];
    let bare = world.leaf(|_| {});
    refused(
        &world,
        &arguments,
        &bare,
        "transparency",
        "certificate 0 does not comply with Certificate Transparency",
    );
    shown(
        &world,
        &arguments,
        &bare.answers(EMPTY),
        3,
        &["SCTs none inside", "transparency NO: the certificate comes without SCTs"],
    );
    let logged = world.leaf(|params| params.custom_extensions = vec![sct()]);
    let server = logged.answers(EMPTY);
    let id = "07".repeat(32);
    // Who has no list sees what there is.
    shown(&world, &[], &server, 0, &[&format!("SCTs 2026-01-02T00:00:00Z of log {id}")]);
    let (_, found) = object(&world, &[], &server.host());
    assert_eq!(
        (&found["transparency"], &found["chain"][0]["scts"][0]["log_id"]),
        (&Value::Null, &id.as_str().into())
    );
    let (code, found) = object(&world, &arguments, &server.host());
    let verdict = &found["transparency"];
    assert!(code == Some(3) && verdict["complies"] == false, "{found}");
    assert_eq!(verdict["scts"][0]["reason"], "comes from a log that the list does not have", "{found}");
    // Whatever else is wrong, the logs are asked.
    let stranger = World::new("probe-ct-stranger");
    let (code, found) = object(&stranger, &arguments, &server.host());
    assert!(code == Some(3) && found["verification"]["rule"] == "bad_signature", "{found}");
    assert_eq!(found["transparency"]["scts"].as_array().unwrap().len(), 1, "{found}");
}

#[test]
fn all_fields_are_documented_and_stay() {
    let world = World::new("probe-fields");
    let logs = world.scratch.write(
        "logs.json",
        r#"{"version": "1", "log_list_timestamp": "2099-01-01T00:00:00Z", "operators": []}"#,
    );
    let server = world
        .leaf(|params| params.custom_extensions = vec![sct()])
        .answers("HTTP/1.1 200 OK\r\nStrict-Transport-Security: max-age=1\r\nContent-Length: 0\r\n\r\n");
    let (_, found) = object(&world, &["--ct-log-list", &logs], &server.host());
    let mut all = Vec::new();
    fields(&found, "", &mut all);
    all.sort();
    assert_eq!(all.join(" "), FIELDS);
    let (_, help, _) = run_text(&["probe", "--help"]);
    let words: Vec<_> =
        help.split(|letter: char| !(letter.is_ascii_alphanumeric() || letter == '_')).collect();
    for field in &all {
        let name = field.rsplit('.').next().unwrap();
        assert!(words.contains(&name), "{field} is not in --help");
    }
    assert!(server.accepted() > 0);
    // A server that closes before it has shaken hands has no report, but this one has.
    let open = world.leaf(|_| {}).answers(OK);
    let (_, found) = object(&world, &[], &open.host());
    assert!(found["timings_ms"]["connect"].is_f64() && found["timings_ms"]["handshake"].is_f64());
}

const FIELDS: &str = "address chain chain[].addresses chain[].days_left chain[].dns_names chain[].fingerprint \
chain[].is_ca chain[].issuer chain[].key chain[].key.algorithm chain[].key.bits chain[].key.pin chain[].key_usages \
chain[].not_after chain[].not_before chain[].other_names chain[].position chain[].purposes chain[].scts \
chain[].scts[].log_id chain[].scts[].time chain[].self_signed chain[].serial chain[].signature_algorithm \
chain[].subject host http http.alt_svc http.hsts http.hsts.error http.hsts.include_subdomains http.hsts.max_age \
http.hsts.preload http.hsts.value http.status http.version http3 http_error port server_name timings_ms \
timings_ms.connect timings_ms.handshake tls tls.alpn tls.cipher tls.group tls.resumption tls.round_trips tls.version \
transparency transparency.complies transparency.hint transparency.scts transparency.scts[].counts \
transparency.scts[].delivery transparency.scts[].log transparency.scts[].log_id transparency.scts[].operator \
transparency.scts[].reason transparency.scts[].time transparency.verdict verification verification.asked \
verification.certificate verification.hint verification.ok verification.reason verification.rule";
