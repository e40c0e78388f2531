//! The binary under test: servers on free ports, commands, and raw HTTP over TCP.

#![allow(dead_code)] // Each suite uses its part.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

/// Nothing here takes so long unless it hangs.
const PATIENCE: Duration = Duration::from_secs(30);

/// A running server; killed when dropped.
pub(crate) struct Server {
    child: Child,
    /// Where it speaks HTTP in the clear.
    pub(crate) address: SocketAddr,
    /// Where it speaks HTTPS; port 0: nowhere.
    pub(crate) secure: SocketAddr,
    /// What it says that it speaks in the clear.
    pub(crate) spoken: String,
    /// What it said before it listened.
    pub(crate) before: Vec<String>,
    /// What it says then.
    log: Receiver<String>,
}

impl Server {
    /// Starts `wirelace ARGUMENTS --plain 127.0.0.1:0 --listen 127.0.0.1:0`.
    pub(crate) fn start(arguments: &[&str]) -> Server {
        let server = Server::spawn(wirelace().args(arguments).args([
            "--plain",
            "127.0.0.1:0",
            "--listen",
            "127.0.0.1:0",
        ]));
        assert_ne!(server.secure.port(), 0, "{:?}", server.before);
        server
    }

    /// Starts it and waits until it listens.
    pub(crate) fn spawn(command: &mut Command) -> Server {
        let command = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
        let (mut before, mut secure) = (Vec::new(), SocketAddr::from(([0; 4], 0)));
        let (address, spoken) = loop {
            let line = lines.next().unwrap_or_else(|| panic!("it does not listen: {before:?}"));
            let (line, protocol) = match line.strip_prefix("listening ").and_then(|rest| rest.split_once(' '))
            {
                Some((protocol, address)) => (address.to_owned(), protocol.to_owned()),
                None => (line, String::new()),
            };
            let listening = || {
                let (address, spoken) = line.split_once(' ').unwrap();
                let http2 = if protocol == "https" { "h2" } else { "h2c" };
                let words = spoken.trim_matches(['(', ')']);
                let known = |word| word == "h1" || word == http2 || protocol == "https" && word == "h3";
                assert!(words.split(' ').all(known), "{protocol} {line}");
                (address.parse().unwrap(), spoken.to_owned())
            };
            match protocol.as_str() {
                "https" => secure = listening().0,
                // The last one.
                "http" => break listening(),
                _ => before.push(line),
            }
        };
        let (sender, log) = channel();
        std::thread::spawn(move || lines.try_for_each(|line| sender.send(line)));
        Server { child, address, secure, spoken, before, log }
    }

    /// The next line that it says.
    pub(crate) fn says(&self) -> String {
        self.log.recv_timeout(PATIENCE).unwrap()
    }

    /// Its process.
    pub(crate) fn process(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal by its name.
    pub(crate) fn signal(&self, name: &str) {
        let done = Command::new("kill").args([name, &self.child.id().to_string()]).status().unwrap();
        assert!(done.success());
    }

    /// Waits for the end; the exit code and what was said and not heard.
    pub(crate) fn wait(mut self) -> (Option<i32>, String) {
        let code = self.child.wait().unwrap().code();
        let rest = self.log.iter().map(|line| line + "\n").collect();
        (code, rest)
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(crate) fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream
    }

    /// One exchange on a connection of its own.
    pub(crate) fn exchange(&self, request: impl AsRef<[u8]>) -> Answer {
        let mut stream = self.connect();
        stream.write_all(request.as_ref()).unwrap();
        let mut all = Vec::new();
        stream.read_to_end(&mut all).unwrap();
        Answer::parse(&all)
    }

    /// A request without body, with further lines.
    pub(crate) fn request(&self, method: &str, path: &str, lines: &[&str]) -> Answer {
        let mut text = format!("{method} {path} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n");
        for line in lines {
            text += line;
            text += "\r\n";
        }
        self.exchange(text + "\r\n")
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        self.request("GET", path, &[])
    }

    pub(crate) fn post(&self, path: &str, body: &[u8]) -> Answer {
        let length = body.len();
        let mut request = format!(
            "POST {path} HTTP/1.1\r\nHost: test\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n"
        )
        .into_bytes();
        request.extend_from_slice(body);
        self.exchange(request)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Errors mean that it has ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A response, taken apart by hand: not by what is tested.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// Statuses of interim responses before it.
    pub(crate) interim: Vec<u16>,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
    /// The trailer section.
    pub(crate) trailers: String,
}

impl Answer {
    pub(crate) fn parse(mut bytes: &[u8]) -> Answer {
        let mut interim = Vec::new();
        loop {
            let end =
                find(bytes, b"\r\n\r\n").unwrap_or_else(|| panic!("no head: {:?}", bytes.escape_ascii()));
            let head = String::from_utf8(bytes[..end + 2].to_vec()).unwrap();
            let status =
                head.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3)).unwrap().parse().unwrap();
            bytes = &bytes[end + 4..];
            if status < 200 {
                interim.push(status);
                continue;
            }
            let chunked = head.to_lowercase().contains("\r\ntransfer-encoding: chunked\r\n");
            let (body, trailers) = if chunked { dechunk(bytes) } else { (bytes.to_vec(), String::new()) };
            return Answer { status, interim, head, body, trailers };
        }
    }

    /// The value of the first field of that name.
    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        self.head
            .lines()
            .filter_map(|line| line.split_once(": "))
            .find(|(found, _)| found.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }
}

fn dechunk(mut bytes: &[u8]) -> (Vec<u8>, String) {
    let mut body = Vec::new();
    loop {
        let line = find(bytes, b"\r\n").unwrap();
        let size = usize::from_str_radix(std::str::from_utf8(&bytes[..line]).unwrap(), 16).unwrap();
        bytes = &bytes[line + 2..];
        if size == 0 {
            let trailers = String::from_utf8(bytes.to_vec()).unwrap();
            assert!(trailers.ends_with("\r\n"), "the trailer section is cut: {trailers:?}");
            return (body, trailers);
        }
        body.extend_from_slice(&bytes[..size]);
        assert_eq!(&bytes[size..size + 2], b"\r\n");
        bytes = &bytes[size + 2..];
    }
}

pub(crate) fn find(bytes: &[u8], part: &[u8]) -> Option<usize> {
    bytes.windows(part.len()).position(|window| window == part)
}

/// The bytes `/bytes/N` is made of.
pub(crate) fn pattern(first: u64, count: usize) -> Vec<u8> {
    (first..first + count as u64).map(|at| (at % 251) as u8).collect()
}

pub(crate) fn wirelace() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wirelace"));
    command.env_remove("NO_COLOR").stdin(Stdio::null());
    command
}

/// Runs a command to its end, with this on stdin.
pub(crate) fn run(arguments: &[&str], input: &[u8]) -> Output {
    let mut child = wirelace()
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_vec();
    // A command that does not read its input closes it.
    let feeder = std::thread::spawn(move || drop(stdin.write_all(&input)));
    let output = child.wait_with_output().unwrap();
    feeder.join().unwrap();
    output
}

/// Exit code, stdout and stderr as text.
pub(crate) fn run_text(arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = run(arguments, b"");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

/// A directory of its own, removed when dropped.
pub(crate) struct Scratch(pub(crate) PathBuf);

impl Scratch {
    pub(crate) fn new(name: &str) -> Scratch {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).unwrap();
        Scratch(path)
    }

    pub(crate) fn write(&self, name: &str, data: impl AsRef<[u8]>) -> String {
        let path = self.0.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, data).unwrap();
        path.to_str().unwrap().to_owned()
    }

    pub(crate) fn path(&self) -> &str {
        self.0.to_str().unwrap()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
