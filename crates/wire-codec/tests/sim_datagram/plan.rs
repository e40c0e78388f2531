//! What a seed decides.

use std::time::Duration;

use bytes::Bytes;
use wirelace_sim::{DatagramSettings, Rng};
use wirelace_wire_codec::datagram::{
    Checksum, ClientLimits, ClientOptions, Form, ServerLimits, ServerOptions, Timing,
};

/// A run.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    pub(crate) link: DatagramSettings,
    pub(crate) server: ServerOptions,
    /// No answer that a repeat may ask for is dropped before its time.
    pub(crate) cache_suffices: bool,
    /// No request is refused for a limit.
    pub(crate) is_roomy: bool,
    /// Those of the base form have one call each.
    pub(crate) clients: Vec<ClientPlan>,
    /// Datagrams that nobody should send, and when.
    pub(crate) noise: Vec<(Duration, Bytes)>,
    pub(crate) shut_down_at: Option<Duration>,
    /// The server looks at its socket and its events only so often.
    pub(crate) rests: Duration,
    /// So late are timers.
    pub(crate) lag: Duration,
}

/// A client, with an address of its own.
#[derive(Debug, Clone)]
pub(crate) struct ClientPlan {
    pub(crate) options: ClientOptions,
    pub(crate) seed: u64,
    pub(crate) calls: Vec<CallPlan>,
}

impl ClientPlan {
    pub(crate) fn is_base(&self) -> bool {
        self.options.form == Form::Base
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum What {
    Call(Handling),
    Heartbeat,
    Message,
}

/// What the server's application does with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Handling {
    Answer,
    /// Milliseconds.
    Late(u16),
    Never,
    Fail,
    /// Tries an answer that is too long, and then a short one.
    TooLong,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct CallPlan {
    pub(crate) at: Duration,
    pub(crate) what: What,
    /// Of the payload, at least 9.
    pub(crate) octets: usize,
    pub(crate) timeout: Option<Duration>,
    pub(crate) cancel_after: Option<Duration>,
}

/// The first octets of a request say who sent it, and what is to be done with it.
pub(crate) const HEAD: usize = 9;

/// The request `call` of `client`.
pub(crate) fn payload(client: usize, call: usize, plan: &CallPlan) -> Bytes {
    let (kind, wait) = match plan.what {
        What::Call(Handling::Answer) => (0, 0),
        What::Call(Handling::Late(wait)) => (1, wait),
        What::Call(Handling::Never) => (2, 0),
        What::Call(Handling::Fail) => (3, 0),
        What::Call(Handling::TooLong) => (4, 0),
        What::Heartbeat | What::Message => (5, 0),
    };
    let mut octets = vec![kind];
    octets.extend_from_slice(&(client as u16).to_be_bytes());
    octets.extend_from_slice(&(call as u32).to_be_bytes());
    octets.extend_from_slice(&wait.to_be_bytes());
    octets.resize(plan.octets.max(HEAD), 0x5a);
    octets.into()
}

/// Client, call, and what to do; `None`: nobody has sent that.
pub(crate) fn read(payload: &[u8]) -> Option<(usize, usize, Option<Handling>)> {
    let [kind, a, b, c, d, e, f, g, h] = *payload.first_chunk()?;
    let handling = match kind {
        0 => Some(Handling::Answer),
        1 => Some(Handling::Late(u16::from_be_bytes([g, h]))),
        2 => Some(Handling::Never),
        3 => Some(Handling::Fail),
        4 => Some(Handling::TooLong),
        5 => None,
        _ => return None,
    };
    payload[HEAD..].iter().all(|octet| *octet == 0x5a).then_some(())?;
    Some((usize::from(u16::from_be_bytes([a, b])), u32::from_be_bytes([c, d, e, f]) as usize, handling))
}

impl Plan {
    pub(crate) fn new(seed: u64) -> Plan {
        let mut rng = Rng::new(seed);
        let corruption = if rng.percent(30) { rng.within(1..=30) as u8 } else { 0 };
        let slow = [1, 20, 100, 400][rng.below(4)];
        let link = DatagramSettings {
            loss: if rng.percent(20) { 0 } else { rng.within(0..=60) as u8 },
            duplication: if rng.percent(50) { rng.within(0..=50) as u8 } else { 0 },
            corruption,
            delay: Duration::ZERO..=Duration::from_millis(slow),
            ..DatagramSettings::default()
        };
        let cache_suffices = rng.percent(70);
        let is_roomy = rng.percent(60);
        let server = server(&mut rng, cache_suffices, is_roomy, corruption > 0);
        let clients = clients(&mut rng, corruption > 0);
        let noise = (0..rng.below(40)).map(|_| (ms(&mut rng, 6000), noise(&mut rng))).collect();
        Plan {
            link,
            server,
            cache_suffices,
            is_roomy,
            clients,
            noise,
            shut_down_at: rng.percent(15).then(|| ms(&mut rng, 5000)),
            rests: Duration::from_millis([0, 0, 0, 3, 50][rng.below(5)]),
            lag: Duration::from_millis([0, 0, 1, 7][rng.below(4)]),
        }
    }
}

fn ms(rng: &mut Rng, most: usize) -> Duration {
    Duration::from_micros(rng.within(0..=most * 1000) as u64)
}

fn server(rng: &mut Rng, cache_suffices: bool, is_roomy: bool, only_checksums: bool) -> ServerOptions {
    let mut limits = ServerLimits { datagram: 1200, ..ServerLimits::default() };
    if !cache_suffices {
        limits.cached = rng.below(6);
        limits.cached_octets = rng.below(500);
    }
    if !is_roomy {
        limits.requests = rng.within(1..=8) as u32;
        limits.requests_each = rng.within(1..=4) as u32;
        limits.control = (rng.below(30) as u32, rng.below(30) as u32);
        limits.output = rng.below(3000);
        limits.messages = rng.below(3);
    }
    ServerOptions {
        limits,
        keep: if cache_suffices { Duration::from_secs(30) } else { ms(rng, 3000) },
        checksum: if only_checksums { Checksum::On } else { Checksum::Either },
    }
}

fn clients(rng: &mut Rng, only_checksums: bool) -> Vec<ClientPlan> {
    let mut clients = Vec::new();
    for _ in 0..rng.within(1..=3) {
        let options = ClientOptions {
            form: Form::Extended { checksum: only_checksums || rng.percent(40) },
            limits: ClientLimits {
                calls: if rng.percent(30) { rng.within(1..=4) as u32 } else { 128 },
                ..ClientLimits::default()
            },
            timing: timing(rng),
        };
        let calls = (0..rng.below(25)).map(|_| call(rng, true)).collect();
        clients.push(ClientPlan { options, seed: rng.next_u64(), calls });
    }
    for _ in 0..if only_checksums { 0 } else { rng.below(15) } {
        let options =
            ClientOptions { form: Form::Base, limits: ClientLimits::default(), timing: timing(rng) };
        clients.push(ClientPlan { options, seed: rng.next_u64(), calls: vec![call(rng, false)] });
    }
    clients
}

fn timing(rng: &mut Rng) -> Timing {
    Timing {
        initial_rto: Duration::from_millis([1, 50, 500][rng.below(3)]),
        jitter_percent: [0, 25, 100][rng.below(3)],
        ..Timing::default()
    }
}

fn call(rng: &mut Rng, has_messages: bool) -> CallPlan {
    let what = match rng.below(100) {
        0..10 => What::Heartbeat,
        10..20 if has_messages => What::Message,
        20..40 => What::Call(Handling::Late(rng.below(3000) as u16)),
        40..47 => What::Call(Handling::Never),
        47..57 => What::Call(Handling::Fail),
        57..62 => What::Call(Handling::TooLong),
        _ => What::Call(Handling::Answer),
    };
    CallPlan {
        at: ms(rng, 5000),
        what,
        octets: [HEAD, 100, 1100][rng.below(3)],
        timeout: rng.percent(40).then(|| {
            let most = [0, 5, 300, 20_000][rng.below(4)];
            ms(rng, most)
        }),
        cancel_after: rng.percent(10).then(|| {
            let most = [20, 1000][rng.below(2)];
            ms(rng, most)
        }),
    }
}

/// A datagram that is no request, mostly.
fn noise(rng: &mut Rng) -> Bytes {
    let version = *rng.pick(&[10, 10, 20, 20, 20, 0, 99]);
    let kind = if rng.percent(80) { rng.within(0..=10) as u8 } else { 0x80 | rng.below(20) as u8 };
    let most = *rng.pick(&[3, 70, 1300]);
    let length = rng.below(most);
    let says = if rng.percent(80) { length } else { rng.below(2000) };
    let mut octets = vec![version, kind];
    octets.extend_from_slice(&(says as u32).to_be_bytes());
    octets.extend_from_slice(&rng.bytes(length));
    if version == 20 && length > 2 && rng.percent(80) {
        octets[6] = rng.below(2) as u8;
        octets[7] = rng.below(64) as u8;
    }
    octets.truncate(if rng.percent(10) { rng.below(8) } else { octets.len() });
    octets.into()
}
