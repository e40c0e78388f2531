//! Which certificate is in use: the development one, one of several, and those of clients.

use std::net::TcpListener;

use wirelace::tls_glue::{ClientTls, Roots};

use crate::client::{Authority, anybody, exchange, get};
use crate::common::{Scratch, Server, run_text, wirelace};

#[test]
fn the_development_certificate_stays_the_same() {
    let scratch = Scratch::new("tls-development");
    let written = format!("{}/written.pem", scratch.path());
    let mut first = None;
    for _ in 0..2 {
        let server = Server::spawn(
            wirelace()
                .args(["demo", "--plain", "127.0.0.1:0", "--listen", "127.0.0.1:0", "--write-cert", &written])
                .env("XDG_CACHE_HOME", scratch.path())
                .env("HOME", scratch.path())
                .env("LOCALAPPDATA", scratch.path()),
        );
        let pem = std::fs::read(&written).unwrap();
        let trusting = ClientTls::builder(Roots::from_pem(&pem).unwrap()).build().unwrap();
        let (report, answer) = get(server.secure, &trusting, "/hello").unwrap();
        assert_eq!(answer.text(), "hello, world\n");
        assert_eq!(*first.get_or_insert(report.peer_certificates.clone()), report.peer_certificates);
    }
}

#[test]
fn who_did_not_ask_for_https_can_do_without() {
    let nowhere = |command: &mut std::process::Command| {
        let command = command.env_remove("XDG_CACHE_HOME").env_remove("HOME").env_remove("LOCALAPPDATA");
        Server::spawn(command)
    };
    // Without a folder for the certificate.
    let server = nowhere(wirelace().args(["demo", "--plain", "127.0.0.1:0"]));
    assert_eq!((server.get("/hello").status, server.secure.port()), (200, 0));
    assert!(server.before.iter().any(|line| line.starts_with("no https: no cache directory")));
    // Without the usual port. Whoever else holds it does as well.
    let held = TcpListener::bind("127.0.0.1:8443");
    let server = Server::spawn(wirelace().args(["demo", "--plain", "127.0.0.1:0"]));
    drop(held);
    assert_eq!((server.get("/hello").status, server.secure.port()), (200, 0));
    assert_eq!(server.before, ["no https: 127.0.0.1:8443 is in use; --listen takes another"]);
    // Who asks has it or hears why not.
    let held = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = held.local_addr().unwrap().to_string();
    for redirect in [&[][..], &["--redirect"]] {
        let mut arguments = vec!["demo", "--plain", "127.0.0.1:0", "--listen", &address];
        arguments.extend(redirect);
        let (code, _, err) = run_text(&arguments);
        assert_eq!((code, err.lines().count()), (Some(1), 1), "{err}");
        assert!(err.contains(&format!("cannot listen at {address}: ")), "{err}");
    }
}

#[test]
fn several_are_chosen_by_name() {
    let (scratch, authority) = (Scratch::new("tls-several"), Authority::new());
    let names = ["one.example", "*.two.example"];
    let mut arguments = vec!["demo".to_owned()];
    for (index, name) in names.into_iter().enumerate() {
        let (certificate, key) = authority.pair(name);
        arguments.extend(["--cert".to_owned(), scratch.write(&format!("{index}.pem"), certificate)]);
        arguments.extend(["--key".to_owned(), scratch.write(&format!("{index}.key"), key)]);
    }
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    let server = Server::start(&arguments);
    let request = "GET /hello HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    for name in ["one.example", "www.two.example"] {
        exchange(server.secure, &authority.client(), name, b"", request).unwrap();
    }
    // Others have the first.
    let error = exchange(server.secure, &authority.client(), "three.example", b"", request).unwrap_err();
    assert!(error.contains("one.example"), "{error}");

    let (code, _, err) = run_text(&arguments[..arguments.len() - 2]);
    assert_eq!(
        (code, err.as_str()),
        (Some(2), "wirelace: 2 --cert and 1 --key: each certificate has its key\n")
    );
}

#[test]
fn clients_show_certificates() {
    let (scratch, authority, other) = (Scratch::new("tls-clients"), Authority::new(), Authority::new());
    let roots = scratch.write("roots.pem", &authority.pem);
    let client = |authority: &Authority| {
        let identity = authority.identity("somebody.example");
        ClientTls::builder(Roots::Insecure).identity(identity).build().unwrap()
    };
    let shown = |server: &Server, tls: &ClientTls| {
        let (_, answer) = get(server.secure, tls, "/headers").ok()?;
        let value: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
        Some(value["tls"]["client"].clone())
    };
    let somebody = serde_json::json!("CN=somebody.example");
    for (option, anonymous) in
        [("--client-ca", None), ("--client-ca-optional", Some(serde_json::Value::Null))]
    {
        let server = Server::start(&["demo", option, &roots]);
        assert_eq!(shown(&server, &client(&authority)), Some(somebody.clone()), "{option}");
        assert_eq!(shown(&server, &anybody()), anonymous, "{option}");
        assert_eq!(shown(&server, &client(&other)), None, "{option}");
        let missing = format!("{}/missing.pem", scratch.path());
        let key = scratch.write("key.pem", authority.pair("x.example").1);
        let broken =
            scratch.write("broken.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
        for (file, reason) in
            [(&missing, "No such file"), (&key, "but a private key"), (&broken, "authority 1")]
        {
            let (code, _, err) = run_text(&["demo", "--plain", "127.0.0.1:0", option, file]);
            assert!(code == Some(2) && err.contains(file.as_str()) && err.contains(reason), "{err}");
        }
    }
    assert_eq!(run_text(&["demo", "--client-ca", &roots, "--client-ca-optional", &roots]).0, Some(2));
}
