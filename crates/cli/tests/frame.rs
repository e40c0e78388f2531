//! `wirelace frame`, over TCP and UDP.

mod common;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use common::{run_text, wirelace};
use serde_json::{Value, json};

/// Nothing here takes so long unless it hangs.
const PATIENCE: Duration = Duration::from_secs(30);

/// `frame listen`; killed when dropped.
struct Listener {
    child: Child,
    address: SocketAddr,
    log: BufReader<std::process::ChildStderr>,
}

impl Listener {
    fn start(options: &[&str]) -> Listener {
        let mut child = wirelace()
            .args(["frame", "listen", "127.0.0.1:0"])
            .args(options)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut log = BufReader::new(child.stderr.take().unwrap());
        let mut line = String::new();
        log.read_line(&mut line).unwrap();
        let address = line.strip_prefix("listening frame ").map(|rest| rest.trim_end().parse());
        let Some(Ok(address)) = address else { panic!("not the line that it listens: {line:?}") };
        Listener { child, address, log }
    }

    fn address(&self) -> String {
        self.address.to_string()
    }

    /// Ends it as a person would: the exit code, and what it said after its first line.
    fn end(mut self) -> (Option<i32>, String) {
        let done = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status().unwrap();
        assert!(done.success());
        let mut rest = String::new();
        self.log.read_to_string(&mut rest).unwrap();
        (self.child.wait().unwrap().code(), rest)
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        // Errors mean that it has ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Each transport with each form.
const WAYS: [&[&str]; 4] = [&[], &["--extended"], &["--udp"], &["--udp", "--extended"]];

fn listener(way: &[&str], more: &[&str]) -> Listener {
    let transport = if way.contains(&"--udp") { &["--udp"][..] } else { &[] };
    Listener::start(&[transport, more].concat())
}

fn call(way: &[&str], arguments: &[&str]) -> (Option<i32>, String, String) {
    run_text(&[&["frame", "call"], way, arguments].concat())
}

/// The lines of `--json`; times are taken out, and must be numbers.
fn objects(out: &str) -> Vec<Value> {
    out.lines()
        .map(|line| {
            let mut object: Value = serde_json::from_str(line).unwrap();
            let time = object.as_object_mut().unwrap().remove("time_ms").unwrap();
            assert!(time.as_f64().unwrap() >= 0.0, "{line}");
            object
        })
        .collect()
}

#[test]
fn answers_in_order_over_both_transports_in_both_forms() {
    for way in WAYS {
        let listener = listener(way, &[]);
        let done = call(way, &[&listener.address(), "one", "two", "three"]);
        assert_eq!(done, (Some(0), "one\ntwo\nthree\n".to_owned(), String::new()), "{way:?}");
        let done = call(way, &["--json", &listener.address(), "one", "ü"]);
        assert_eq!((done.0, done.2.as_str()), (Some(0), ""), "{way:?}");
        let expected = [json!({ "text": "one", "answer": "one" }), json!({ "text": "ü", "answer": "ü" })];
        assert_eq!(objects(&done.1), expected, "{way:?}");
        assert_eq!(listener.end(), (Some(0), String::new()), "{way:?}");
    }
}

#[test]
fn what_is_wrong_with_the_usage() {
    for arguments in [
        &["frame"][..],
        &["frame", "listen"],
        &["frame", "listen", "nowhere"],
        &["frame", "listen", "--udp", "localhost"],
        &["frame", "call"],
        &["frame", "call", "127.0.0.1:1"],
        &["frame", "call", "--udp", "127.0.0.1:1"],
        &["frame", "call", "--timeout", "soon", "127.0.0.1:1", "hello"],
        &["frame", "call", "--timeout", "-1", "127.0.0.1:1", "hello"],
        &["frame", "call", "--heartbeat"],
    ] {
        let (code, out, err) = run_text(arguments);
        assert_eq!((code, out.as_str()), (Some(2), ""), "{arguments:?}: {err}");
    }
    for arguments in [&["frame", "--help"][..], &["frame", "listen", "--help"], &["frame", "call", "--help"]]
    {
        let (code, out, _) = run_text(arguments);
        assert!(code == Some(0) && out.contains("wirelace frame call --udp --json"), "{arguments:?}: {out}");
    }
}

#[test]
fn nobody_is_there_and_nobody_answers() {
    let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
    let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
    for way in WAYS {
        let address = if way.contains(&"--udp") { udp.local_addr() } else { tcp.local_addr() };
        let (code, out, err) =
            call(way, &["--timeout", "0.2", &address.unwrap().to_string(), "hello", "world"]);
        assert_eq!((code, out.as_str()), (Some(1), ""), "{way:?}: {err}");
        assert_eq!((err.lines().count(), err.matches("no answer in time").count()), (2, 2), "{way:?}: {err}");
    }
    let addresses = (tcp.local_addr().unwrap(), udp.local_addr().unwrap());
    drop((tcp, udp));
    let (tcp, udp) = addresses;
    for way in WAYS {
        let (address, reason) =
            if way.contains(&"--udp") { (udp, "nobody listens there") } else { (tcp, "refused") };
        let (code, out, err) = call(way, &["--timeout", "0.2", &address.to_string(), "hello"]);
        assert_eq!((code, out.as_str(), err.lines().count()), (Some(1), "", 1), "{way:?}: {err}");
        assert!(err.contains(reason), "{way:?}: {err}");
    }
}

#[test]
fn what_does_not_fit_into_a_datagram() {
    let long = "x".repeat(1200);
    for way in [&["--udp"][..], &["--udp", "--extended"]] {
        let listener = listener(way, &[]);
        let (code, out, err) = call(way, &["--json", &listener.address(), "one", &long, "two"]);
        assert_eq!((code, err.lines().count()), (Some(1), 1), "{way:?}: {err}");
        let objects = objects(&out);
        assert_eq!(objects[0]["answer"], "one");
        assert_eq!(objects[2]["answer"], "two");
        assert!(objects[1]["error"].as_str().unwrap().contains("too long"), "{objects:?}");
    }
}

#[test]
fn heartbeats() {
    for way in WAYS {
        let listener = listener(way, &[]);
        let (code, out, err) = call(way, &["--heartbeat", &listener.address(), "and a call"]);
        assert_eq!((code, err.as_str()), (Some(0), ""), "{way:?}");
        let lines: Vec<_> = out.lines().collect();
        let time = lines[0].strip_prefix("heartbeat ").and_then(|rest| rest.strip_suffix(" ms"));
        assert!(time.unwrap().parse::<f64>().unwrap() > 0.0, "{out}");
        assert_eq!(lines[1..], ["and a call"]);
        let (code, out, _) = call(way, &["--heartbeat", "--json", &listener.address()]);
        assert_eq!((code, objects(&out)), (Some(0), vec![json!({ "heartbeat": true })]), "{way:?}");
    }
    let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
    let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
    for (way, address) in [(&[][..], tcp.local_addr()), (&["--udp"], udp.local_addr())] {
        let address = address.unwrap().to_string();
        let (code, out, err) = call(way, &["--heartbeat", "--json", "--timeout", "0.2", &address]);
        assert_eq!((code, err.lines().count()), (Some(1), 1), "{way:?}: {err}");
        assert_eq!(objects(&out), [json!({ "heartbeat": false, "error": "no answer in time" })]);
    }
}

/// A peer of the base form that answers each hello as it is told, and a request with its own payload.
fn base_peer(hello: &'static [u8]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        loop {
            let mut header = [0; 6];
            if stream.read_exact(&mut header).is_err() {
                return;
            }
            let mut payload = vec![0; usize::from(header[5])];
            stream.read_exact(&mut payload).unwrap();
            let answer = if header[1] == 1 {
                hello.to_vec()
            } else {
                [&[10, 3, 0, 0, 0, header[5]][..], &payload].concat()
            };
            stream.write_all(&answer).unwrap();
        }
    });
    address
}

#[test]
fn extended_falls_back_to_the_base_form() {
    for hello in [&b"\x0a\x01\0\0\0\0"[..], b"\x0a\x04\0\0\0\x02no"] {
        let (code, out, err) = call(&["--extended"], &[&base_peer(hello), "one", "two"]);
        assert_eq!((code, out.as_str(), err.as_str()), (Some(0), "one\ntwo\n", ""));
    }
}

#[test]
fn an_error_of_the_peer_is_said_in_one_line() {
    let peer = UdpSocket::bind("127.0.0.1:0").unwrap();
    peer.set_read_timeout(Some(PATIENCE)).unwrap();
    let address = peer.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        let mut buffer = [0; 100];
        let (_, from) = peer.recv_from(&mut buffer).unwrap();
        peer.send_to(b"\x0a\x04\0\0\0\x08not\nnow\x07", from).unwrap();
    });
    let (code, out, err) = call(&["--udp"], &[&address, "hello"]);
    assert_eq!((code, out.as_str()), (Some(1), ""));
    assert!(err.ends_with("not\\nnow\\u{7}\n") && err.lines().count() == 1, "{err:?}");
}

#[test]
fn an_answer_that_is_no_text() {
    let peer = UdpSocket::bind("127.0.0.1:0").unwrap();
    peer.set_read_timeout(Some(PATIENCE)).unwrap();
    let address = peer.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        let mut buffer = [0; 100];
        let (_, from) = peer.recv_from(&mut buffer).unwrap();
        peer.send_to(b"\x0a\x03\0\0\0\x02\xff\x01", from).unwrap();
    });
    let (code, out, _) = call(&["--udp"], &["--json", &address, "hello"]);
    assert_eq!((code, objects(&out)), (Some(0), vec![json!({ "text": "hello", "answer_hex": "ff01" })]));
}

#[test]
fn verbose_shows_the_frames() {
    for way in WAYS {
        let listener = listener(way, &["-v"]);
        let address = listener.address();
        let (code, out, err) = call(way, &["-v", &address, "hello"]);
        assert_eq!((code, out.as_str()), (Some(0), "hello\n"), "{way:?}: {err}");
        let shows = |log: &str, sign: &str, kind: &str| {
            log.lines()
                .any(|line| line.starts_with(sign) && line.contains(kind) && line.contains("\"hello\""))
        };
        assert!(shows(&err, "> ", "request") && shows(&err, "< ", "response"), "{way:?}: {err}");
        let (code, log) = listener.end();
        assert!(code == Some(0) && log.contains("* at work on 5 octets"), "{way:?}: {log}");
        if way.contains(&"--udp") {
            assert!(shows(&log, "< ", "request") && shows(&log, "> ", "response"), "{way:?}: {log}");
        }
    }
}

#[test]
fn what_is_no_request_gets_an_error_in_the_base_form() {
    let udp = Listener::start(&["--udp"]);
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    let tcp = Listener::start(&[]);
    for (octets, answer) in [
        (&b"\x0a\x02\0\0\0\x02hi"[..], &b"\x0a\x03\0\0\0\x02hi"[..]),
        (b"\x0a\x01\0\0\0\x02hi", b"\x0a\x01\0\0\0\x02hi"),
        (b"\x0a\x03\0\0\0\x02hi", b"\x0a\x04"),
        (b"\x0a\x09\0\0\0\x02hi", b"\x0a\x04"),
        (b"\x63\x02\0\0\0\x02hi", b"\x0a\x04"),
    ] {
        socket.send_to(octets, udp.address).unwrap();
        let mut buffer = [0; 1500];
        let length = socket.recv(&mut buffer).unwrap();
        assert!(buffer[..length].starts_with(answer), "{octets:?}: {:?}", &buffer[..length]);
        let mut stream = TcpStream::connect(tcp.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.write_all(octets).unwrap();
        stream.read_exact(&mut buffer[..answer.len()]).unwrap();
        assert_eq!(buffer[..answer.len()], *answer, "{octets:?}");
    }
}

#[test]
fn an_address_in_use() {
    let tcp = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let _tcp = TcpListener::bind(tcp).unwrap();
    let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
    for arguments in [vec![tcp.to_string()], vec!["--udp".to_owned(), udp.local_addr().unwrap().to_string()]]
    {
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let (code, out, err) = run_text(&[&["frame", "listen"], &arguments[..]].concat());
        assert_eq!((code, out.as_str(), err.lines().count()), (Some(1), "", 1), "{err}");
        assert!(err.contains("cannot listen at"), "{err}");
    }
}
