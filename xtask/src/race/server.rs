//! One contestant as a process on its own core, and what it costs according to /proc.

use crate::process::output;
use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// The core that servers run on; the load has the other.
const CORE: &str = "0";

/// Longest wait for a server to notice that its clients are gone.
const PATIENCE: Duration = Duration::from_secs(30);

/// A program that takes part.
#[derive(Debug, Clone)]
pub(super) struct Contestant {
    pub(super) name: &'static str,
    pub(super) program: PathBuf,
    pub(super) args: Vec<String>,
    /// Where it listens, if it cannot be told by a first argument and say so.
    pub(super) address: Option<SocketAddr>,
    /// Asks it once, and checks its answers.
    pub(super) check: fn(SocketAddr) -> Result<(), String>,
    /// How its URLs begin.
    pub(super) scheme: &'static str,
}

#[derive(Debug)]
pub(super) struct Server {
    child: Child,
    pub(super) address: SocketAddr,
    /// Where wrk finds it, without a path.
    pub(super) url: String,
    /// Open files before the first client came.
    files: usize,
}

impl Server {
    /// Starts the program on a free port and checks its answer.
    pub(super) fn start(contestant: &Contestant) -> Result<Self, String> {
        let name = contestant.program.display();
        let mut command = Command::new("taskset");
        command.args(["-c", CORE]).arg(&contestant.program);
        if contestant.address.is_none() {
            command.arg("127.0.0.1:0");
        }
        let mut child = command
            .args(&contestant.args)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| format!("cannot start {name} with taskset: {error}"))?;
        let stderr = child.stderr.take();
        let unknown = SocketAddr::from(([0, 0, 0, 0], 0));
        let mut server = Self { child, address: unknown, url: String::new(), files: 0 };
        server.address = stderr
            .and_then(|stderr| {
                let mut lines = BufReader::new(stderr).lines().map_while(Result::ok);
                let address = contestant.address.or_else(|| lines.find_map(|line| listening(&line)));
                // Whatever it says later has to go somewhere; the thread ends with the process.
                std::thread::spawn(move || lines.for_each(drop));
                address
            })
            .ok_or_else(|| format!("{name} did not say where it listens"))?;
        if contestant.address.is_some() {
            server.wait_for_listener()?;
        }
        server.url = format!("{}://{}", contestant.scheme, server.address);
        (contestant.check)(server.address).map_err(|error| format!("{}: {error}", contestant.name))?;
        server.settle()?;
        Ok(server)
    }

    /// Waits until something listens where the program was told to.
    fn wait_for_listener(&self) -> Result<(), String> {
        let start = Instant::now();
        while let Err(error) = TcpStream::connect(self.address) {
            if start.elapsed() > PATIENCE {
                return Err(format!("nothing listens at {}: {error}", self.address));
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        Ok(())
    }

    /// Waits until the process has let go of all clients, so that their end is in its cost.
    pub(super) fn quiesce(&self) -> Result<(), String> {
        let start = Instant::now();
        while self.open_files()? > self.files {
            if start.elapsed() > PATIENCE {
                return Err("the server keeps connections whose clients are gone".into());
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        Ok(())
    }

    /// Takes the number of open files without clients: the least seen in a short while.
    fn settle(&mut self) -> Result<(), String> {
        let mut least = usize::MAX;
        for _ in 0..20 {
            least = least.min(self.open_files()?);
            std::thread::sleep(Duration::from_millis(10));
        }
        self.files = least;
        Ok(())
    }

    fn proc(&self, file: &str) -> Result<String, String> {
        proc(self.child.id(), file)
    }

    fn open_files(&self) -> Result<usize, String> {
        let path = format!("/proc/{}/fd", self.child.id());
        Ok(std::fs::read_dir(&path).map_err(|error| format!("the server is gone ({path}: {error})"))?.count())
    }

    /// As [`cpu_us`].
    pub(super) fn cpu_us(&self) -> Result<f64, String> {
        cpu_us(self.child.id())
    }

    /// Resident memory in bytes.
    pub(super) fn resident(&self) -> Result<f64, String> {
        let kib = resident_kib(&self.proc("status")?).ok_or("cannot read /proc/PID/status")?;
        Ok(kib as f64 * 1024.0)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Nothing to do about a process that is gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn proc(pid: u32, file: &str) -> Result<String, String> {
    let path = format!("/proc/{pid}/{file}");
    std::fs::read_to_string(&path).map_err(|error| format!("the process is gone ({path}: {error})"))
}

/// User and system time of a process so far, in microseconds. Exact where the kernel counts it for each thread (those
/// that have ended are then left out; no contestant has any); otherwise the clock ticks every 10 ms or so.
pub(super) fn cpu_us(pid: u32) -> Result<f64, String> {
    if let Some(nanoseconds) = scheduled(pid) {
        return Ok(nanoseconds as f64 / 1e3);
    }
    let ticks = cpu_ticks(&proc(pid, "stat")?).ok_or("cannot read /proc/PID/stat")?;
    Ok(ticks as f64 * 1e6 / ticks_per_second())
}

/// Nanoseconds that the threads of a process have run.
fn scheduled(pid: u32) -> Option<u64> {
    let threads = std::fs::read_dir(format!("/proc/{pid}/task")).ok()?;
    let time = |thread: std::io::Result<std::fs::DirEntry>| {
        let text = std::fs::read_to_string(thread.ok()?.path().join("schedstat")).ok()?;
        text.split_whitespace().next()?.parse::<u64>().ok()
    };
    threads.map(time).sum::<Option<u64>>().filter(|time| *time > 0)
}

fn ticks_per_second() -> f64 {
    static TICKS: OnceLock<f64> = OnceLock::new();
    *TICKS.get_or_init(|| {
        let text = output(Command::new("getconf").arg("CLK_TCK")).unwrap_or_default();
        text.trim().parse().unwrap_or(100.0)
    })
}

/// The address in `listening http ADDR…`.
fn listening(line: &str) -> Option<SocketAddr> {
    line.strip_prefix("listening http ")?.split_whitespace().next()?.parse().ok()
}

/// utime and stime, which follow the name in parentheses (it may hold spaces) as the 12th and 13th.
fn cpu_ticks(stat: &str) -> Option<u64> {
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
    Some(fields.next()?.parse::<u64>().ok()? + fields.next()?.parse::<u64>().ok()?)
}

fn resident_kib(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_proc() {
        let stat = "12 (a) b) S 1 2 3 4 -1 4194560 100 0 0 0 250 50 0 0 20 0 1 0 99 0 0";
        assert_eq!(cpu_ticks(stat), Some(300));
        assert_eq!(cpu_ticks("nonsense"), None);
        assert_eq!(resident_kib("Name:\tx\nVmRSS:\t    5124 kB\nVmSize: 1 kB"), Some(5124));
    }

    #[test]
    fn its_own_time_goes_on() {
        let before = cpu_us(std::process::id()).unwrap();
        while cpu_us(std::process::id()).unwrap() <= before {}
    }

    #[test]
    fn reads_where_a_server_listens() {
        assert_eq!(
            listening("listening http 127.0.0.1:81 (h1)"),
            Some(SocketAddr::from(([127, 0, 0, 1], 81)))
        );
        assert_eq!(listening("warming up"), None);
    }
}
