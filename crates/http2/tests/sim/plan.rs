//! What a seed decides.

use std::time::Duration;

use bytes::Bytes;
use wirelace_http2::{Limits, SettingsChange, Timeouts};
use wirelace_sim::{Cut, PairSettings, Rng, StreamSettings};

/// One exchange, as the client plans it and the server answers it.
#[derive(Debug, Clone)]
pub(crate) struct Exchange {
    pub(crate) request: Bytes,
    pub(crate) announce_length: bool,
    pub(crate) request_trailers: bool,
    pub(crate) response: Response,
    pub(crate) urgency: u8,
    pub(crate) incremental: bool,
    /// The client gives up after so many bytes of the response.
    pub(crate) client_resets: Option<usize>,
    /// The server gives up after so many bytes of the request.
    pub(crate) server_resets: Option<usize>,
    /// The server does not read the request's body.
    pub(crate) server_ignores: bool,
    /// The server promises one more response, of so many bytes.
    pub(crate) push: Option<usize>,
    /// The client resets the promise at once.
    pub(crate) refuse_push: bool,
}

#[derive(Debug, Clone)]
pub(crate) struct Response {
    pub(crate) body: Bytes,
    pub(crate) whole: bool,
    pub(crate) interim: bool,
    pub(crate) trailers: bool,
    /// Waits for the whole request before it answers.
    pub(crate) after_request: bool,
}

#[derive(Debug, Clone)]
pub(crate) struct Plan {
    pub(crate) exchanges: Vec<Exchange>,
    pub(crate) piece: usize,
    pub(crate) client_limits: Limits,
    pub(crate) server_limits: Limits,
    /// Credit is given back in parts of one by this.
    pub(crate) credit_share: usize,
    /// The server says goodbye after so many requests.
    pub(crate) server_leaves: Option<usize>,
    pub(crate) client_changes: Vec<SettingsChange>,
    pub(crate) server_changes: Vec<SettingsChange>,
    pub(crate) settings: PairSettings,
}

impl Plan {
    pub(crate) fn new(seed: u64, keep_steps: usize) -> Plan {
        let mut rng = Rng::new(seed ^ 0x0002_c0de);
        let count = rng.within(1..=12);
        let body = |rng: &mut Rng| {
            let most = *rng.pick(&[0, 1, 300, 5_000, 70_000]);
            let len = if most == 0 { 0 } else { rng.below(most) };
            Bytes::from(rng.bytes(len))
        };
        let exchanges = (0..count)
            .map(|_| {
                let request = body(&mut rng);
                let response = Response {
                    body: body(&mut rng),
                    whole: rng.percent(40),
                    interim: rng.percent(20),
                    trailers: rng.percent(25),
                    after_request: rng.percent(50),
                };
                let some = |rng: &mut Rng, percent, most: usize| {
                    if rng.percent(percent) { Some(rng.below(most + 1)) } else { None }
                };
                Exchange {
                    client_resets: some(&mut rng, 10, response.body.len()),
                    server_resets: some(&mut rng, 8, request.len()),
                    server_ignores: rng.percent(15),
                    announce_length: rng.percent(40),
                    request_trailers: rng.percent(20),
                    urgency: rng.below(8) as u8,
                    incremental: rng.percent(50),
                    push: some(&mut rng, 15, 20_000),
                    refuse_push: rng.percent(30),
                    request,
                    response,
                }
            })
            .collect();
        let limits = |rng: &mut Rng| Limits {
            streams: rng.within(1..=8) as u32,
            window: 1 << rng.within(4..=17),
            window_reserve: if rng.percent(50) { 0 } else { 1 << 18 },
            window_max: 1 << 20,
            frame: if rng.percent(80) { 16_384 } else { 100_000 },
            decoder_table: *rng.pick(&[0, 100, 4096, 20_000]),
            encoder_table: *rng.pick(&[0, 100, 4096]),
            output: 1 << rng.within(4..=17),
            send_buffer: 1 << rng.within(4..=16),
            push: rng.percent(70),
            pushes: rng.within(1..=4) as u32,
            // Some links are slower than any that are served.
            timeouts: Timeouts { body: None, ..Timeouts::default() },
            ..Limits::default()
        };
        let link = |rng: &mut Rng, cut: Option<Cut>| StreamSettings {
            max_segment: 1 << rng.within(2..=14),
            delay: Duration::ZERO..=Duration::from_millis([0, 5, 50][rng.below(3)]),
            window: 256 << rng.within(0..=8),
            cut,
            ..StreamSettings::default()
        };
        let cut = |rng: &mut Rng| {
            let after = rng.below(60_000) as u64;
            rng.percent(8).then(|| if rng.percent(50) { Cut::eof(after) } else { Cut::reset(after) })
        };
        let cuts = [cut(&mut rng), cut(&mut rng)];
        let changes = |rng: &mut Rng| {
            let count = if rng.percent(40) { rng.within(1..=5) } else { 0 };
            let change = |rng: &mut Rng| {
                let mut change = SettingsChange::default();
                change.window = rng.percent(60).then(|| 1 << rng.within(4..=17));
                change.streams = rng.percent(40).then(|| rng.within(1..=8) as u32);
                change.decoder_table = rng.percent(40).then(|| *rng.pick(&[0, 64, 200, 4096, 20_000]));
                change
            };
            (0..count).map(|_| change(rng)).collect::<Vec<_>>()
        };
        let both = [changes(&mut rng), changes(&mut rng)];
        let [client_changes, server_changes] = both;
        Plan {
            client_changes,
            server_changes,
            exchanges,
            piece: 1 << rng.within(4..=16),
            client_limits: limits(&mut rng),
            server_limits: limits(&mut rng),
            credit_share: rng.within(1..=3),
            server_leaves: rng.percent(10).then(|| rng.below(count + 1)),
            settings: PairSettings {
                to_server: link(&mut rng, cuts[0]),
                to_client: link(&mut rng, cuts[1]),
                keep_steps,
                max_steps: 5_000_000,
                ..PairSettings::default()
            },
        }
    }

    /// The plan without the bytes.
    pub(crate) fn describe(&self) -> String {
        let mut text = format!("client {:?}\nserver {:?}\n", self.client_limits, self.server_limits);
        text += &format!(
            "pieces of {}, credit by {}, server leaves {:?}, cuts {:?} {:?}\n",
            self.piece,
            self.credit_share,
            self.server_leaves,
            self.settings.to_server.cut,
            self.settings.to_client.cut
        );
        for (number, e) in self.exchanges.iter().enumerate() {
            let r = &e.response;
            text += &format!(
                "{number}: request {} (length {}, trailers {}), response {} (whole {}, 103 {}, trailers {}, after {}), \
                 client resets {:?}, server resets {:?} ignores {}, push {:?} refused {}\n",
                e.request.len(),
                e.announce_length,
                e.request_trailers,
                r.body.len(),
                r.whole,
                r.interim,
                r.trailers,
                r.after_request,
                e.client_resets,
                e.server_resets,
                e.server_ignores,
                e.push,
                e.refuse_push
            );
        }
        text
    }

    pub(crate) fn is_cut(&self) -> bool {
        self.settings.to_server.cut.is_some() || self.settings.to_client.cut.is_some()
    }
}
