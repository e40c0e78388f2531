//! A program that is talked to over its standard input and output, and ends when it is dropped.

use super::server;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// A process that ends when this is dropped.
pub(super) struct Running(pub(super) Child);

impl Running {
    pub(super) fn cpu_us(&self) -> Result<f64, String> {
        server::cpu_us(self.0.id())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Nothing to do about a process that is gone already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

pub(super) fn spawn(command: &mut Command) -> Result<Child, String> {
    command.spawn().map_err(|error| format!("cannot start {command:?}: {error}"))
}

/// A client that says when it is ready, and goes on when it is told.
pub(super) struct Tool {
    process: Running,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
}

impl Tool {
    pub(super) fn start(command: &mut Command) -> Result<Tool, String> {
        let mut child = spawn(command.stdin(Stdio::piped()).stdout(Stdio::piped()))?;
        let (stdin, stdout) = (child.stdin.take(), child.stdout.take());
        let process = Running(child);
        Ok(Tool {
            process,
            stdin: stdin.ok_or("stdin is not piped")?,
            stdout: BufReader::new(stdout.ok_or("stdout is not piped")?),
        })
    }

    /// Its next line, which has `part` in it.
    pub(super) fn expect(&mut self, part: &str) -> Result<String, String> {
        let mut line = String::new();
        self.stdout.read_line(&mut line).map_err(|error| error.to_string())?;
        if line.contains(part) { Ok(line) } else { Err(format!("no `{part}` but {line:?} from the client")) }
    }

    /// Lets it go on; the two numbers in the line that it then says, which has `part` in it.
    pub(super) fn go(&mut self, part: &str) -> Result<(f64, f64), String> {
        self.stdin.write_all(b"go\n").map_err(|error| error.to_string())?;
        let line = self.expect(part)?;
        let mut numbers = line.split_whitespace().filter_map(|word| word.parse().ok());
        match (numbers.next(), numbers.next()) {
            (Some(first), Some(second)) => Ok((first, second)),
            _ => Err(format!("the client says {line:?}")),
        }
    }

    pub(super) fn cpu_us(&self) -> Result<f64, String> {
        self.process.cpu_us()
    }
}
