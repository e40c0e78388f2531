//! What a seed decides.

use std::time::Duration;

use bytes::Bytes;
use wirelace_http2::Limits;
use wirelace_sim::{Cut, PairSettings, Rng, StreamSettings};

/// One exchange, as the client plans it and the server answers it.
#[derive(Debug, Clone)]
pub struct Exchange {
    pub request: Bytes,
    pub announce_length: bool,
    pub request_trailers: bool,
    pub response: Response,
    pub urgency: u8,
    pub incremental: bool,
    /// The client gives up after so many bytes of the response.
    pub client_resets: Option<usize>,
    /// The server gives up after so many bytes of the request.
    pub server_resets: Option<usize>,
    /// The server does not read the request's body.
    pub server_ignores: bool,
    /// The server promises one more response, of so many bytes.
    pub push: Option<usize>,
    /// The client resets the promise at once.
    pub refuse_push: bool,
}

#[derive(Debug, Clone)]
pub struct Response {
    pub body: Bytes,
    pub whole: bool,
    pub interim: bool,
    pub trailers: bool,
    /// Waits for the whole request before it answers.
    pub after_request: bool,
}

#[derive(Debug, Clone)]
pub struct Plan {
    pub exchanges: Vec<Exchange>,
    pub piece: usize,
    pub client_limits: Limits,
    pub server_limits: Limits,
    /// Credit is given back in parts of one by this.
    pub credit_share: usize,
    /// The server says goodbye after so many requests.
    pub server_leaves: Option<usize>,
    pub settings: PairSettings,
}

impl Plan {
    pub fn new(seed: u64, keep_steps: usize) -> Plan {
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
        Plan {
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

    pub fn is_cut(&self) -> bool {
        self.settings.to_server.cut.is_some() || self.settings.to_client.cut.is_some()
    }
}
