//! What happened in a network, packet by packet.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use crate::link::Fate;
use crate::packet::{Ecn, Packet};
use crate::trace::{Fingerprint, Traced};

/// One step of a run of a [`Network`](crate::Network).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NetworkStep {
    /// A host sent a packet, and this became of it.
    Sent(Summary, Fate),
    /// A host sent a packet with an address that is not its own, or to one that nobody has.
    Unroutable(Summary),
    /// A packet reached a NAT that had no mapping for it.
    Refused(Summary),
    /// A host received a packet.
    Received(Summary),
    /// The deadline of a host came.
    Deadline,
    /// The test acted at a time it had set.
    Acted,
}

/// A packet without its octets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Summary {
    /// Where it came from.
    pub source: SocketAddr,
    /// Where it went.
    pub destination: SocketAddr,
    /// Its ECN field.
    pub ecn: Ecn,
    /// Octets of its datagram.
    pub len: usize,
    /// Hash of its octets; 0 when contents are left out.
    pub hash: u64,
}

impl Summary {
    pub(crate) fn new(packet: &Packet, contents: bool) -> Summary {
        let mut hash = Fingerprint::new();
        if contents {
            hash.mix_octets(&packet.data);
        }
        Summary {
            source: packet.source,
            destination: packet.destination,
            ecn: packet.ecn,
            len: packet.data.len(),
            hash: if contents { hash.value() } else { 0 },
        }
    }

    fn mix(&self, fingerprint: &mut Fingerprint) {
        for address in [self.source, self.destination] {
            match address {
                SocketAddr::V4(address) => fingerprint.mix_octets(&address.ip().octets()),
                SocketAddr::V6(address) => fingerprint.mix_octets(&address.ip().octets()),
            }
            fingerprint.mix(u64::from(address.port()));
        }
        fingerprint.mix(u64::from(self.ecn.bits()));
        fingerprint.mix(self.len as u64);
        fingerprint.mix(self.hash);
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Summary { source, destination, ecn, len, .. } = self;
        write!(f, "{source} -> {destination} {len} octets")?;
        if *ecn == Ecn::NotEct { Ok(()) } else { write!(f, " {ecn:?}") }
    }
}

/// A step with its time and host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NetworkEntry {
    /// Virtual time since the start.
    pub at: Duration,
    /// The name of the host, or `nat` or `test`.
    pub who: Arc<str>,
    /// What was done.
    pub step: NetworkStep,
}

impl Traced for NetworkEntry {
    fn mix(&self, fingerprint: &mut Fingerprint) {
        fingerprint.mix(self.at.as_nanos() as u64);
        fingerprint.mix_octets(self.who.as_bytes());
        let (kind, summary) = match &self.step {
            NetworkStep::Sent(summary, fate) => (16 + *fate as u64, Some(summary)),
            NetworkStep::Unroutable(summary) => (1, Some(summary)),
            NetworkStep::Refused(summary) => (2, Some(summary)),
            NetworkStep::Received(summary) => (3, Some(summary)),
            NetworkStep::Deadline => (4, None),
            NetworkStep::Acted => (5, None),
        };
        fingerprint.mix(kind);
        if let Some(summary) = summary {
            summary.mix(fingerprint);
        }
    }
}

impl fmt::Display for NetworkEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let NetworkEntry { at, who, step } = self;
        write!(f, "{:>12.6} s  {who}  ", at.as_secs_f64())?;
        match step {
            NetworkStep::Sent(summary, Fate::Travels) => write!(f, "sent {summary}"),
            NetworkStep::Sent(summary, fate) => write!(f, "sent {summary}: {fate:?}"),
            NetworkStep::Unroutable(summary) => write!(f, "sent {summary}: no way there"),
            NetworkStep::Refused(summary) => write!(f, "refused {summary}"),
            NetworkStep::Received(summary) => write!(f, "received {summary}"),
            NetworkStep::Deadline => f.write_str("deadline"),
            NetworkStep::Acted => f.write_str("acted"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn steps_that_differ_have_other_fingerprints() {
        let summary = Summary {
            source: "10.0.0.1:5000".parse().unwrap(),
            destination: "[2001:db8::1]:443".parse().unwrap(),
            ecn: Ecn::NotEct,
            len: 1200,
            hash: 1,
        };
        let summaries = [
            summary,
            Summary { source: "10.0.0.1:5001".parse().unwrap(), ..summary },
            Summary { destination: "[2001:db8::2]:443".parse().unwrap(), ..summary },
            Summary { ecn: Ecn::Ce, ..summary },
            Summary { len: 1201, ..summary },
            Summary { hash: 2, ..summary },
        ];
        let mut steps = vec![NetworkStep::Deadline, NetworkStep::Acted];
        for summary in summaries {
            use Fate::{Blackout, Listed, Lost, QueueFull, TooLong, Travels};
            for fate in [Travels, TooLong, QueueFull, Listed, Blackout, Lost] {
                steps.push(NetworkStep::Sent(summary, fate));
            }
            steps.push(NetworkStep::Unroutable(summary));
            steps.push(NetworkStep::Refused(summary));
            steps.push(NetworkStep::Received(summary));
        }
        let mut seen = HashSet::new();
        for step in &steps {
            for (at, who) in [(0, "one"), (1, "one"), (0, "other")] {
                let mut fingerprint = Fingerprint::new();
                let entry =
                    NetworkEntry { at: Duration::from_nanos(at), who: who.into(), step: step.clone() };
                entry.mix(&mut fingerprint);
                seen.insert(fingerprint.value());
            }
        }
        assert_eq!(seen.len(), steps.len() * 3);
    }
}
