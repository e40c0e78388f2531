//! The server that is attacked, and what it costs it.

use std::fs;
use std::net::SocketAddr;

use super::bystander::Bystander;
use super::common::Server;

const KIB: u64 = 1024;
const MIB: u64 = 1024 * KIB;

/// What a connection without bodies may cost: its tables, its output, and what the allocator rounds up.
pub(crate) const QUIET: u64 = 4 * MIB;
/// What a connection may cost at most: beside, the bodies that the windows allow.
pub(crate) const CONNECTION: u64 = 24 * MIB;

/// Nanoseconds of CPU time that a byte of an attack may cost (about a hundred times what it does), and a second for
/// those who are served meanwhile.
const BYTE: u64 = 500;
const BASE: u64 = 1_000;

/// A demo server with someone who uses it in the meantime.
pub(crate) struct Victim {
    server: Server,
    bystander: Option<Bystander>,
    /// Bytes of memory before the attack.
    before: u64,
    /// Ticks of CPU time before the attack.
    ticks: u64,
}

impl Victim {
    pub(crate) fn new() -> Victim {
        let server = Server::start(&["demo"]);
        // Everything has been used once.
        let first = Bystander::start(server.address);
        first.wait(20);
        let process = server.process();
        let bystander = Some(Bystander::start(server.address));
        drop(first);
        let (before, ticks) = (memory(process, "VmRSS"), ticks(process));
        Victim { server, bystander, before, ticks }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.server.address
    }

    /// The verdict: others were served all the time and still are, the memory at its peak was within `memory` bytes, and
    /// the work was in proportion to the `written` bytes of the attack.
    pub(crate) fn survived(mut self, memory: u64, written: usize) {
        if let Some(bystander) = self.bystander.take() {
            bystander.again();
        }
        // New ones, too.
        Bystander::start(self.server.address).wait(1);
        let (grown, spent) = (self.grown(), self.spent());
        println!("{written} bytes: {} KiB, {spent} ms", grown / KIB);
        assert!(grown <= memory, "grown by {} KiB, {} are allowed", grown / KIB, memory / KIB);
        let allowed = BASE + BYTE * written as u64 / 1_000_000;
        assert!(spent <= allowed, "{spent} ms of CPU time for {written} bytes, {allowed} are allowed");
    }

    /// The server is asked to end; nobody else is there then.
    pub(crate) fn leave(&mut self) {
        drop(self.bystander.take());
        self.server.signal("-TERM");
    }

    /// The server has ended well.
    pub(crate) fn left(self) {
        assert!(self.bystander.is_none());
        let (code, said) = self.server.wait();
        assert_eq!(code, Some(0), "{said}");
    }

    /// By how many bytes the memory had grown at its peak.
    fn grown(&self) -> u64 {
        memory(self.server.process(), "VmHWM").saturating_sub(self.before)
    }

    /// Milliseconds of CPU time since the beginning, the bystander's requests included.
    fn spent(&self) -> u64 {
        10 * (ticks(self.server.process()) - self.ticks)
    }
}

/// A line of /proc/PID/status, in bytes.
fn memory(process: u32, line: &str) -> u64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find_map(|found| found.strip_prefix(line)?.strip_prefix(':')).unwrap();
    KIB * line.trim().strip_suffix(" kB").unwrap().parse::<u64>().unwrap()
}

/// CPU time in user and kernel mode, in hundredths of a second.
fn ticks(process: u32) -> u64 {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap();
    let fields = stat.rsplit_once(") ").unwrap().1;
    fields.split(' ').skip(11).take(2).map(|field| field.parse::<u64>().unwrap()).sum()
}
