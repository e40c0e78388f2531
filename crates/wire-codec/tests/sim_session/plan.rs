//! What a seed decides.

use std::time::Duration;

use bytes::Bytes;
use wirelace_sim::{Cut, PairSettings, Rng, StreamSettings};
use wirelace_wire_codec::session::{Limits, Offer, Options, Timeouts};

/// A run.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    pub(crate) client: SidePlan,
    pub(crate) server: SidePlan,
    pub(crate) is_cut: bool,
    pub(crate) settings: PairSettings,
}

/// One side.
#[derive(Debug, Clone)]
pub(crate) struct SidePlan {
    pub(crate) options: Options,
    pub(crate) requests: Vec<Request>,
    pub(crate) messages: usize,
    /// Octets sent at once.
    pub(crate) piece: usize,
    /// How often, in percent, the application rests.
    pub(crate) rests: u8,
    pub(crate) seed: u64,
}

impl SidePlan {
    pub(crate) fn window(&self) -> u64 {
        self.options.limits.connection_window
    }
}

/// A request; the answer is its octets, turned around bit by bit.
#[derive(Clone)]
pub(crate) struct Request {
    pub(crate) body: Bytes,
    pub(crate) timeout: Option<Duration>,
    /// Given up after so many octets of the answer.
    pub(crate) cancel_after: Option<usize>,
}

impl std::fmt::Debug for Request {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Request { body, timeout, cancel_after } = self;
        write!(f, "({} octets, timeout {timeout:?}, cancel after {cancel_after:?})", body.len())
    }
}

impl Plan {
    pub(crate) fn new(seed: u64, keep_steps: usize) -> Plan {
        let mut rng = Rng::new(seed);
        let is_cut = rng.percent(30);
        let form = |rng: &mut Rng| if rng.percent(85) { Offer::Extended } else { Offer::Base };
        let (client_form, server_form) = (form(&mut rng), form(&mut rng));
        let base = [client_form, server_form].contains(&Offer::Base);
        let cut = |rng: &mut Rng| {
            let after = rng.below(30_000) as u64;
            (is_cut && rng.percent(60))
                .then(|| if rng.percent(50) { Cut::eof(after) } else { Cut::reset(after) })
        };
        let link = |rng: &mut Rng| StreamSettings {
            max_segment: 1 << rng.within(2..=14),
            delay: Duration::ZERO..=Duration::from_millis([0, 5, 30][rng.below(3)]),
            window: 256 << rng.within(0..=8),
            cut: cut(rng),
            ..StreamSettings::default()
        };
        let settings = PairSettings {
            to_server: link(&mut rng),
            to_client: link(&mut rng),
            keep_steps,
            ..PairSettings::default()
        };
        let client = side(&mut rng, client_form, base);
        let server = side(&mut rng, server_form, base);
        Plan { client, server, is_cut, settings }
    }
}

fn side(rng: &mut Rng, form: Offer, base: bool) -> SidePlan {
    let limits = Limits {
        frame: 1024 << rng.within(0..=6),
        exchange_window: 1 << rng.within(4..=16),
        connection_window: 64 << rng.within(0..=12),
        exchanges: rng.within(1..=8) as u32,
        output: 1 << rng.within(4..=16),
        // Windows of a few octets make for many frames.
        small: (u32::MAX, u32::MAX),
        ..Limits::default()
    };
    let timeouts = Timeouts {
        heartbeat: rng.percent(20).then(|| Duration::from_millis(rng.within(5..=200) as u64)),
        ..Timeouts::default()
    };
    let count = rng.below(12);
    let requests = (0..count)
        .map(|_| {
            let most = *rng.pick(&[1, 200, 1000, 20_000]);
            // The base form takes no more at once.
            let most = if base { most.min(1000) } else { most };
            let len = rng.below(most);
            Request {
                body: rng.bytes(len).into(),
                timeout: rng.percent(10).then(|| Duration::from_millis(rng.within(0..=300) as u64)),
                cancel_after: rng.percent(10).then(|| rng.below(len + 1)),
            }
        })
        .collect();
    SidePlan {
        options: Options { limits, timeouts, form, checksum: rng.percent(50) },
        requests,
        messages: if rng.percent(30) { rng.below(20) } else { 0 },
        piece: 1 << rng.within(0..=14),
        rests: [0, 5, 30][rng.below(3)],
        seed: rng.next_u64(),
    }
}
