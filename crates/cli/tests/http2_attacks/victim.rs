//! The server that is attacked, and what it costs it.

use std::fs;
use std::net::SocketAddr;

use super::bystander::Bystander;
use super::common::Server;

const KIB: u64 = 1024;
/// What a connection may cost at most: its buffers, its streams, and what the allocator rounds up.
pub(crate) const CONNECTION: u64 = 16 * KIB * KIB;

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
        let mut first = Bystander::start(server.address);
        first.until(20);
        let process = server.process();
        let bystander = Some(Bystander::start(server.address));
        drop(first);
        let (before, ticks) = (memory(process, "VmRSS"), ticks(process));
        Victim { server, bystander, before, ticks }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.server.address
    }

    pub(crate) fn server(&self) -> &Server {
        &self.server
    }

    /// The verdict: others were served all the time and still are, and the memory at its peak was within `bytes`.
    pub(crate) fn survived(mut self, bytes: u64) {
        if let Some(mut bystander) = self.bystander.take() {
            bystander.again();
        }
        // New ones, too.
        Bystander::start(self.server.address).until(1);
        let grown = self.grown();
        println!("grown by {} KiB, {} ms of CPU time", grown / KIB, self.cpu());
        assert!(grown <= bytes, "grown by {} KiB, {} are allowed", grown / KIB, bytes / KIB);
    }

    /// The server ended well, once it was asked to.
    pub(crate) fn left(mut self) {
        if let Some(bystander) = self.bystander.take() {
            bystander.give_up();
        }
        let (code, said) = self.server.wait();
        assert_eq!(code, Some(0), "{said}");
    }

    /// By how many bytes the memory had grown at its peak.
    pub(crate) fn grown(&self) -> u64 {
        memory(self.server.process(), "VmHWM").saturating_sub(self.before)
    }

    /// Milliseconds of CPU time since the beginning, the bystander's requests included.
    pub(crate) fn cpu(&self) -> u64 {
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
