//! The child processes: the demo server and the suites' scripts.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

/// How long a server may take to listen, and to end once asked.
const SERVER_PATIENCE: Duration = Duration::from_secs(15);

/// A running `wirelace demo`; killed when dropped.
pub(super) struct Demo {
    child: Child,
    /// `HOST:PORT` of the cleartext listener.
    pub(super) address: String,
    /// `HOST:PORT` of the one with TLS.
    pub(super) tls_address: String,
    /// The development certificate it shows there, PEM.
    pub(super) certificate: PathBuf,
    /// Where its stderr goes.
    pub(super) log: PathBuf,
}

impl Demo {
    pub(super) fn start(binary: &Path, log: &Path) -> Result<Self, String> {
        let certificate = log.with_extension("pem");
        let mut child = Command::new(binary)
            .args(["demo", "--plain", "127.0.0.1:0", "--listen", "127.0.0.1:0", "--write-cert"])
            .arg(&certificate)
            // Its own development certificate, not the user's.
            .env("XDG_CACHE_HOME", log.with_extension("cache"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|e| format!("{}: {e}", binary.display()))?;
        let lines = follow(child.stderr.take().ok_or("stderr is not piped")?);
        let (address, tls_address) = (String::new(), String::new());
        let mut server = Self { child, address, tls_address, certificate, log: log.to_path_buf() };
        let mut file = File::create(log).map_err(|e| format!("{}: {e}", log.display()))?;
        let deadline = Instant::now() + SERVER_PATIENCE;
        while server.address.is_empty() || server.tls_address.is_empty() {
            let line =
                lines.recv_timeout(deadline.saturating_duration_since(Instant::now())).map_err(|_| {
                    format!("no `listening http` and `https` lines on stderr; see {}", log.display())
                })?;
            writeln!(file, "{line}").map_err(|e| e.to_string())?;
            let mut words = line.split(' ');
            match (words.next(), words.next(), words.next()) {
                (Some("listening"), Some("http"), Some(address)) => server.address = address.to_owned(),
                (Some("listening"), Some("https"), Some(address)) => server.tls_address = address.to_owned(),
                _ => {}
            }
        }
        // Keeps the pipe drained: a full one would block the server.
        thread::spawn(move || lines.iter().try_for_each(|line| writeln!(file, "{line}")));
        Ok(server)
    }

    pub(super) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Asks it to end and says whether it did as promised.
    pub(super) fn end(mut self) -> Result<(), String> {
        if let Ok(Some(status)) = self.child.try_wait() {
            return Err(format!("it had already ended: {status}"));
        }
        signal("-TERM", &self.pid().to_string());
        match wait_until(&mut self.child, Instant::now() + SERVER_PATIENCE) {
            Some(status) if status.success() => Ok(()),
            Some(status) => Err(format!("SIGTERM ended it with {status}")),
            None => Err(format!("still running {} s after SIGTERM", SERVER_PATIENCE.as_secs())),
        }
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        // Errors mean that it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(super) enum Line {
    Text(String),
    /// The script has closed its stdout.
    Closed,
    /// The deadline passed first.
    Late,
}

/// A running suite, in a process group of its own so that its children end with it.
pub(super) struct Script {
    child: Child,
    lines: Receiver<String>,
}

impl Script {
    pub(super) fn start(mut command: Command) -> Result<Self, String> {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .process_group(0)
            .spawn()
            .map_err(|e| format!("{command:?}: {e}"))?;
        let lines = follow(child.stdout.take().ok_or("stdout is not piped")?);
        Ok(Self { child, lines })
    }

    pub(super) fn next_line(&mut self, deadline: Instant) -> Line {
        match self.lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            Ok(text) => Line::Text(text),
            Err(RecvTimeoutError::Disconnected) => Line::Closed,
            Err(RecvTimeoutError::Timeout) => Line::Late,
        }
    }

    /// How it ended, in words.
    pub(super) fn wait(mut self, deadline: Instant) -> String {
        match wait_until(&mut self.child, deadline) {
            Some(status) => status.to_string(),
            None => {
                self.kill();
                "did not end after closing its output".to_owned()
            }
        }
    }

    pub(super) fn kill(mut self) {
        signal("-KILL", &format!("-{}", self.child.id()));
        let _ = self.child.wait();
    }
}

fn follow(pipe: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, receiver) = channel();
    thread::spawn(move || {
        for line in BufReader::new(pipe).split(b'\n') {
            let Ok(line) = line else { return };
            if sender.send(String::from_utf8_lossy(&line).into_owned()).is_err() {
                return;
            }
        }
    });
    receiver
}

/// std has no wait with a time limit.
fn wait_until(child: &mut Child, deadline: Instant) -> Option<ExitStatus> {
    loop {
        if let Ok(Some(status)) = child.try_wait() {
            return Some(status);
        }
        if Instant::now() >= deadline {
            return None;
        }
        thread::sleep(Duration::from_millis(20));
    }
}

/// std cannot send signals without `unsafe`; kill(1) can.
fn signal(name: &str, target: &str) {
    let _ = Command::new("kill").args([name, "--", target]).stderr(Stdio::null()).status();
}
