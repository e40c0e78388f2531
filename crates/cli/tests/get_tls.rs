//! `wirelace get` over TLS: against the demo, and against servers that show what they should not.

mod common;
mod tls_world;

use common::{Server, run_text, wirelace};
use rcgen::{SerialNumber, date_time_ymd};
use serde_json::Value;
use tls_world::{Listening, Made, OK, OK_ONCE, World, alone, der, serve};
use wirelace::tls_glue::TlsVersion::{Tls12, Tls13};
use wirelace::tls_glue::{ClientCertificates, Pin};

fn get(arguments: &[&str], url: &str) -> (Option<i32>, String, String) {
    run_text(&[&["get"], arguments, &[url]].concat())
}

/// Refused: the exit code, and one line that has this in it.
fn refused(world: &World, made: &Made, arguments: &[&str], parts: &[&str]) {
    let server = made.answers(OK);
    let (code, out, err) = get(&[&["--cacert", &world.root], arguments].concat(), &server.url());
    assert_eq!((code, out.as_str(), err.lines().count()), (Some(3), "", 1), "{err}");
    assert!(err.starts_with(&format!("wirelace: {}: the peer's certificate", server.url())), "{err}");
    for part in parts {
        assert!(err.contains(part), "{part}: {err}");
    }
    // Once is enough to know.
    assert_eq!(server.accepted(), 1, "{err}");
}

fn objects(out: &str) -> Vec<Value> {
    out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn the_demo_with_its_own_certificate() {
    let world = World::new("get-tls-demo");
    let certificate = world.scratch.0.join("dev.pem");
    let certificate = certificate.to_str().unwrap();
    let server = Server::start(&["demo", "--workers", "1", "--write-cert", certificate]);
    let port = server.secure.port();
    for host in ["localhost", "127.0.0.1"] {
        let url = format!("https://{host}:{port}/hello");
        let hello = (Some(0), "hello, world\n".to_owned(), String::new());
        assert_eq!(get(&["--cacert", certificate], &url), hello);
        // Others are trusted, too.
        assert_eq!(get(&["--cacert", &world.root, "--cacert", certificate], &url), hello);
        let (code, out, err) = get(&["--cacert", &world.root], &url);
        assert_eq!((code, out.as_str()), (Some(3), ""));
        assert!(err.contains("is self-signed and not trusted; trust this very certificate"), "{err}");
        let (code, out, err) = get(&["--insecure"], &url);
        assert_eq!((code, out.as_str()), (Some(0), "hello, world\n"));
        assert!(err.starts_with("WARNING: --insecure: no server is asked who it is"), "{err}");
    }
    let big = get(&["--cacert", certificate], &format!("https://localhost:{port}/bytes/3000000")).1;
    assert_eq!(big.len(), String::from_utf8_lossy(&common::pattern(0, 3_000_000)).len());
    // Another name for it, at the port where it is.
    let resolve = format!("a.localhost:{port}:127.0.0.1");
    let (code, _, err) =
        get(&["--cacert", certificate, "--resolve", &resolve], &format!("https://b.example:{port}/"));
    assert_eq!(code, Some(1), "{err}");
    let resolve = format!("b.example:{port}:127.0.0.1");
    let (code, _, err) =
        get(&["--cacert", certificate, "--resolve", &resolve], &format!("https://b.example:{port}/"));
    assert_eq!(code, Some(3), "{err}");
    assert!(err.contains("is not for b.example, but for localhost"), "{err}");
}

#[test]
fn certificates_that_are_refused() {
    let world = World::new("get-tls-refused");
    let expired = world.leaf(|params| params.not_after = date_time_ymd(2021, 1, 1));
    refused(&world, &expired, &[], &["(CN=leaf) has expired on 2021-01-01T00:00:00Z; renew it"]);
    let early = world.leaf(|params| params.not_before = date_time_ymd(2099, 1, 1));
    refused(&world, &early, &[], &["is not valid before 2099-01-01T00:00:00Z"]);
    let other = world.leaf(|params| params.subject_alt_names = vec![]);
    refused(&world, &other, &[], &["is not for localhost: it names no host"]);
    refused(&world, &alone(), &[], &["(CN=alone) is self-signed and not trusted"]);
    let numbered = |number: u64| world.leaf(|params| params.serial_number = Some(SerialNumber::from(number)));
    let list = world.revocation_list(&[5, 6], 2099);
    refused(&world, &numbered(6), &["--crl", &list], &["was revoked on 2022-03-04T00:00:00Z"]);
    let old = world.revocation_list(&[5], 2021);
    refused(&world, &numbered(6), &["--crl", &old], &["may have been revoked", "has expired"]);
    // Of an authority with the same name and another key.
    let stranger = World::new("get-tls-stranger");
    let strangers = stranger.revocation_list(&[], 2099);
    refused(&world, &numbered(6), &["--crl", &strangers], &["may have been revoked"]);
    let leaf = world.leaf(|_| {});
    let pin = Pin::of_certificate(&der(&alone().chain)).unwrap().to_string();
    refused(&world, &leaf, &["--pinned-key", &pin], &["a key that is not among the pinned ones"]);
    let logs = world.scratch.write(
        "logs.json",
        r#"{"version": "1", "log_list_timestamp": "2099-01-01T00:00:00Z", "operators": []}"#,
    );
    refused(&world, &leaf, &["--ct-log-list", &logs], &["Certificate Transparency"]);
}

#[test]
fn certificates_that_are_accepted() {
    let world = World::new("get-tls-accepted");
    let leaf = world.leaf(|params| params.serial_number = Some(SerialNumber::from(7)));
    let server = leaf.answers(OK);
    let pin = |pem: &str| Pin::of_certificate(&der(pem)).unwrap().to_string();
    let root = std::fs::read_to_string(&world.root).unwrap();
    let list = world.revocation_list(&[5, 6], 2099);
    let pins = format!("{};{}", pin(&alone().chain), pin(&leaf.chain));
    for arguments in [
        &["--crl", list.as_str()][..],
        &["--pinned-key", &pin(&leaf.chain)],
        &["--pinned-key", &pin(&root)],
        &["--pinned-key", &pins],
    ] {
        let (code, out, err) = get(&[&["--cacert", &world.root], arguments].concat(), &server.url());
        assert_eq!((code, out.as_str(), err.as_str()), (Some(0), "yes", ""), "{arguments:?}");
    }
    // The key alone; that is no reason to shout.
    let (code, out, err) = get(&["--insecure", "--pinned-key", &pin(&leaf.chain)], &server.url());
    assert_eq!((code, out.as_str(), err.as_str()), (Some(0), "yes", ""));
    let (code, _, err) = get(&["--insecure", "--pinned-key", &pin(&root)], &server.url());
    assert_eq!(code, Some(3), "{err}");
    assert_eq!(get(&["-q", "--insecure"], &server.url()), (Some(0), "yes".to_owned(), String::new()));
    // The system's authorities are those that the environment names.
    let output = wirelace().args(["get", &server.url()]).env("SSL_CERT_FILE", &world.root).output().unwrap();
    assert_eq!((output.status.code(), output.stdout.as_slice()), (Some(0), &b"yes"[..]));
}

#[test]
fn objects_tell_what_was_agreed_on() {
    let world = World::new("get-tls-json");
    let leaf = world.leaf(|_| {});
    let json = ["--json", "--cacert", &world.root];
    let server = leaf.answers(OK);
    let (code, out, err) = get(&[&json[..], &["--repeat", "2"]].concat(), &server.url());
    assert_eq!((code, err.as_str()), (Some(0), ""));
    let both = objects(&out);
    let tls = &both[0]["tls"];
    assert_eq!((&tls["version"], &tls["alpn"]), (&"TLS 1.3".into(), &"http/1.1".into()), "{out}");
    assert_eq!((&tls["resumed"], &tls["verified"]), (&false.into(), &true.into()), "{out}");
    assert!(tls["cipher"].as_str().unwrap().starts_with("TLS_") && tls["group"] == "x25519", "{out}");
    assert!(both[0]["reused"] == false && both[0]["timings_ms"]["tls"].is_f64(), "{out}");
    assert!(both[1]["reused"] == true && both[1]["timings_ms"]["tls"].is_null(), "{out}");
    assert!(both[1]["tls"] == *tls && both[0]["upgraded"] == false, "{out}");
    assert_eq!(server.accepted(), 1);
    let out = get(&["--json", "--insecure"], &server.url()).1;
    assert_eq!(objects(&out)[0]["tls"]["verified"], false, "{out}");

    // Each connection is a new one, and goes on with the session of one before.
    for version in ["1.2", "1.3"] {
        let server = leaf.answers(OK_ONCE);
        let more = ["--tls-max", version, "--repeat", "3"];
        let out = get(&[&json[..], &more].concat(), &server.url()).1;
        let resumed: Vec<_> = objects(&out).iter().map(|one| one["tls"]["resumed"].clone()).collect();
        assert_eq!(resumed, [false, true, true], "{out}");
        assert_eq!(objects(&out)[0]["tls"]["version"], format!("TLS {version}"));
        assert_eq!(server.accepted(), 3);
    }
    let demo = Server::start(&["demo", "--workers", "1"]);
    assert!(objects(&get(&["--json"], &demo.url("/hello")).1)[0]["tls"].is_null());
}

#[test]
fn versions() {
    let world = World::new("get-tls-versions");
    let leaf = world.leaf(|_| {});
    let new = serve(leaf.server().versions(Tls13, Tls13), OK);
    let old = serve(leaf.server().versions(Tls12, Tls12), OK);
    let cacert = ["--cacert", &world.root];
    assert_eq!(get(&cacert, &new.url()).1, "yes");
    assert_eq!(get(&cacert, &old.url()).1, "yes");
    for (option, version, server) in [("--tls-max", "1.2", &new), ("--tls-min", "1.3", &old)] {
        let (code, out, err) = get(&[&cacert[..], &[option, version]].concat(), &server.url());
        assert_eq!((code, out.as_str(), err.lines().count()), (Some(1), "", 1), "{err}");
        assert!(err.contains("protocol_version; look at --tls-min and --tls-max"), "{err}");
    }
}

#[test]
fn client_certificates() {
    let world = World::new("get-tls-client");
    let root = der(&std::fs::read_to_string(&world.root).unwrap());
    let (certificate, key) = world.files("client", &world.leaf(|_| {}));
    for version in [Tls12, Tls13] {
        let server = world.leaf(|_| {}).server().versions(version, version);
        let server = serve(server.client_certificates(ClientCertificates::Required(vec![root.clone()])), OK);
        let own = ["--cacert", &world.root, "--cert", &certificate, "--key", &key];
        let shown = get(&own, &server.url());
        assert_eq!(shown, (Some(0), "yes".to_owned(), String::new()), "{version}");
        let (code, _, err) = get(&["--cacert", &world.root], &server.url());
        assert!(code == Some(1) && err.contains("wants a client certificate: --cert and --key"), "{err}");
    }
}

#[test]
fn secrets_are_written_on_demand_alone() {
    let world = World::new("get-tls-keylog");
    let server = world.leaf(|_| {}).answers(OK);
    let [unasked, asked] = ["unasked", "asked"].map(|name| world.scratch.0.join(name));
    let run = |more: &[&str]| {
        let url = server.url();
        let arguments = [&["get", "--cacert", &world.root], more, &[&url]].concat();
        let output = wirelace().args(arguments).env("SSLKEYLOGFILE", &unasked).output().unwrap();
        assert_eq!(output.stdout, b"yes");
        String::from_utf8(output.stderr).unwrap()
    };
    assert_eq!(run(&[]), "");
    let said = run(&["--keylog", asked.to_str().unwrap()]);
    assert!(said.starts_with("the secrets of all TLS connections go to "), "{said}");
    assert!(!unasked.exists());
    let secrets = std::fs::read_to_string(&asked).unwrap();
    assert!(secrets.contains("CLIENT_TRAFFIC_SECRET_0 ") && secrets.contains("SERVER_TRAFFIC_SECRET_0 "));
}

#[test]
fn verbose_shows_the_handshake() {
    let world = World::new("get-tls-verbose");
    let server = world.leaf(|_| {}).answers(OK_ONCE);
    let (_, _, err) = get(&["-v", "--repeat", "2", "--cacert", &world.root], &server.url());
    let lines: Vec<_> = err.lines().filter(|line| line.starts_with("* ")).collect();
    assert!(lines[1].starts_with("* TLS 1.3, TLS_"), "{err}");
    assert!(lines[1].contains(", x25519, ALPN http/1.1: full handshake, 1 round trip in "), "{err}");
    assert_eq!(
        lines[2],
        "* certificate CN=leaf from CN=Test Root, 2020-01-01T00:00:00Z to 2100-01-01T00:00:00Z: trusted authority"
    );
    assert!(err.contains(": resumed handshake, 1 round trip in "), "{err}");
    let (_, _, err) = get(&["-v", "--insecure"], &server.url());
    assert!(err.contains("2100-01-01T00:00:00Z: NOT VERIFIED"), "{err}");
}

#[test]
fn what_goes_wrong_otherwise_is_exit_code_1_in_one_line() {
    let world = World::new("get-tls-wrong");
    let cacert = ["--cacert", &world.root];
    let one_line = |url: &str, part: &str, body: &str| {
        let (code, out, err) = get(&cacert, url);
        assert_eq!((code, out.as_str(), err.lines().count()), (Some(1), body, 1), "{err}");
        assert!(err.contains(part), "{err}");
    };
    let demo = Server::start(&["demo", "--workers", "1"]);
    let plain = format!("https://{}/", demo.address);
    one_line(&plain, "not TLS: the record begins with 0x48, perhaps plain HTTP", "");
    let leaf = world.leaf(|_| {});
    // Its end may be cut.
    let cut = leaf.answers("HTTP/1.1 200 OK\r\n\r\nperhaps all");
    one_line(&cut.url(), "closed without a close_notify, data may be missing", "perhaps all");
    for (spoken, asked) in [("h2", "1.1"), ("http/1.1", "2")] {
        let foreign = serve(leaf.server().alpn([spoken]), OK);
        let (code, out, err) = get(&["--cacert", &world.root, "--http", asked], &foreign.url());
        assert_eq!((code, out.as_str(), err.lines().count()), (Some(1), "", 1), "{err}");
        assert!(err.contains("no_application_protocol; it speaks none of the versions of HTTP"), "{err}");
    }
}

#[test]
fn wrong_usage_is_exit_code_2_and_names_the_file() {
    let world = World::new("get-tls-usage");
    let server = world.leaf(|_| {}).answers(OK);
    let (certificate, key) = world.files("a", &world.leaf(|_| {}));
    let (_, other) = world.files("b", &world.leaf(|_| {}));
    let none = world.scratch.0.join("none");
    let none = none.to_str().unwrap();
    for (arguments, part) in [
        (&["--cacert", none][..], none),
        (&["--cacert", &key], key.as_str()),
        (&["--crl", none], none),
        (&["--crl", &world.root], "no revocation list"),
        (&["--crl", &server_text(&world)], "revocation list 1 cannot be read"),
        (&["--cert", &certificate, "--key", &other], other.as_str()),
        (&["--cert", none, "--key", &key], none),
        (&["--cert", &certificate], "--key"),
        (&["--ct-log-list", &key], key.as_str()),
        (&["--pinned-key", "sha256//abc"], "sha256//abc"),
        (&["--tls-min", "1.3", "--tls-max", "1.2"], "TLS 1.3, is above the highest, TLS 1.2"),
        (&["--tls-max", "1.1"], "1.1"),
        (&["--insecure", "--cacert", &world.root], "--cacert"),
        (&["--keylog", world.scratch.path()], world.scratch.path()),
        (&["--hsts", world.scratch.path()], world.scratch.path()),
        (&["--hsts", &key], "is no list of HSTS hosts"),
    ] {
        let (code, out, err) = get(arguments, &server.url());
        assert_eq!((code, out.as_str()), (Some(2), ""), "{arguments:?}: {err}");
        assert!(err.contains(part), "{arguments:?}: {err}");
    }
    assert_eq!(server.accepted(), 0);
}

fn server_text(world: &World) -> String {
    world.scratch.write("text", "neither PEM nor DER")
}

const HSTS: &str = "HTTP/1.1 200 OK\r\nStrict-Transport-Security: max-age=1000; includeSubDomains\r\nContent-Length: 3\r\n\r\nyes";

#[test]
fn hosts_for_https_alone() {
    let world = World::new("get-tls-hsts");
    let leaf = world.leaf(|_| {});
    let server = leaf.answers(HSTS);
    let file = world.scratch.0.join("hsts");
    let stored = || std::fs::read_to_string(&file).unwrap_or_default();
    let hsts = |arguments: &[&str], url: &str| {
        get(&[&["--hsts", file.to_str().unwrap(), "--cacert", &world.root], arguments].concat(), url)
    };
    let plain = format!("http://localhost:{}/", server.address.port());
    // Nobody has said anything yet: the server does not understand what comes in the clear.
    assert_eq!(hsts(&[], &plain).0, Some(1));
    // An address is no host.
    let by_address = format!("https://{}/", server.address);
    assert_eq!(hsts(&[], &by_address).1, "yes");
    // Whoever was not asked may be anybody.
    let insecure = ["get", "--insecure", "--hsts", file.to_str().unwrap(), &server.url()];
    assert_eq!(run_text(&insecure).1, "yes");
    assert_eq!(stored(), "");
    assert_eq!(hsts(&[], &server.url()).1, "yes");
    assert!(stored().lines().last().unwrap().starts_with(".localhost "), "{}", stored());

    let (code, out, err) = hsts(&["-v"], &plain);
    assert_eq!((code, out.as_str()), (Some(0), "yes"));
    assert!(err.contains("* over TLS, as localhost has asked for (HSTS)"), "{err}");
    let object = &objects(&hsts(&["--json"], &plain).1)[0];
    assert_eq!((&object["upgraded"], &object["url"]), (&true.into(), &server.url().into()));
    let below = format!("http://a.localhost:{}/", server.address.port());
    let resolve = format!("a.localhost:{}:127.0.0.1", server.address.port());
    let (code, _, err) = hsts(&["--resolve", &resolve], &below);
    // Over TLS, where its certificate is not good for that.
    assert!(code == Some(3) && err.contains("is not for a.localhost"), "{err}");
    // Learned within one call, too.
    std::fs::remove_file(&file).unwrap();
    assert_eq!(hsts(&[&server.url()], &plain).1, "yesyes");

    let deleting = leaf
        .answers("HTTP/1.1 200 OK\r\nStrict-Transport-Security: max-age=0\r\nContent-Length: 3\r\n\r\nyes");
    assert_eq!(hsts(&[], &deleting.url()).1, "yes");
    assert!(!stored().contains("localhost"), "{}", stored());
    assert!(!stored().is_empty());
}

#[test]
fn what_else_is_in_the_file_of_hosts() {
    let world = World::new("get-tls-hsts-file");
    let file = world.scratch.write("hsts", "# a remark\nlocalhost 9999999999\nnot a host at all\n");
    let server = world.leaf(|_| {}).answers(HSTS);
    let plain = format!("http://localhost:{}/", server.address.port());
    let (code, out, err) = get(&["--cacert", &world.root, "--hsts", &file], &plain);
    assert_eq!((code, out.as_str()), (Some(0), "yes"));
    assert!(err.contains("broken lines are passed over: 1, such as: ") && err.contains("line 3"), "{err}");
    // A device stays one.
    let (code, _, err) = get(&["--cacert", &world.root, "--hsts", "/dev/null"], &server.url());
    assert_eq!((code, err.as_str()), (Some(0), ""));
    // What cannot be kept is said.
    let nowhere = world.scratch.0.join("no/such/directory");
    let Listening { address, .. } = server;
    let url = format!("https://localhost:{}/", address.port());
    let (code, out, err) = get(&["--cacert", &world.root, "--hsts", nowhere.to_str().unwrap()], &url);
    assert_eq!((code, out.as_str()), (Some(1), "yes"));
    assert!(err.contains("cannot write ") && err.contains("no/such/directory"), "{err}");
}
