//! Sessions of both sides in the simulator, with real handshakes: random splits, partial writes, early data that is
//! taken or refused, key updates, half closes and cuts. All that was sent arrives, in order; what a cut took away is never taken for an orderly end.
//!
//! `WIRELACE_SEEDS` is the number of seeds (100 otherwise), `WIRELACE_SEED` runs a single one with its trace.

#[path = "../session/pair.rs"]
#[allow(dead_code)]
mod pair;

use std::io::IoSlice;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use pair::Authority;
use wirelace_sim::{Cut, End, Pair, PairSettings, Peer, Rng, StreamSettings};
use wirelace_tls_glue::{ClientTls, EarlyDataState, ServerTls, TlsError, TlsEvent, TlsSession, TlsVersion};

/// One side: sends its octets in parts of random sizes, and then says that this is all.
struct Side {
    session: TlsSession,
    rng: Rng,
    sends: Vec<u8>,
    sent: usize,
    received: Vec<u8>,
    updates: bool,
    ready: bool,
    closed: bool,
    /// Octets sent and received before the handshake was complete.
    early: (usize, usize),
    peer_closed: bool,
    error: Option<TlsError>,
    was_reset: bool,
    rests_until: Option<Instant>,
}

impl Side {
    fn new(session: TlsSession, seed: u64, updates: bool) -> Side {
        let mut rng = Rng::new(seed);
        let length = if rng.percent(20) { rng.within(0..=200_000) } else { rng.within(0..=5000) };
        Side {
            session,
            sends: rng.bytes(length),
            rng,
            sent: 0,
            received: Vec::new(),
            updates,
            ready: false,
            closed: false,
            early: (0, 0),
            peer_closed: false,
            error: None,
            was_reset: false,
            rests_until: None,
        }
    }
}

impl Peer for Side {
    type Machine = TlsSession;

    fn machine(&mut self) -> &mut TlsSession {
        &mut self.session
    }

    fn on_event(&mut self, _: Instant, event: TlsEvent) {
        assert!(!self.peer_closed, "an event after the end");
        match event {
            TlsEvent::Ready => self.ready = true,
            TlsEvent::Data(data) => {
                if !self.ready {
                    assert_eq!(self.session.early_data(), EarlyDataState::Accepted);
                    self.early.1 += data.len();
                }
                self.received.extend_from_slice(&data);
            }
            TlsEvent::Closed => self.peer_closed = true,
            event => panic!("{event:?}"),
        }
    }

    fn on_error(&mut self, _: Instant, error: TlsError) {
        self.error = Some(error);
    }

    fn on_reset(&mut self, _: Instant) {
        self.was_reset = true;
    }

    fn act(&mut self, now: Instant) -> bool {
        let may_send = self.ready || self.session.room() > 0;
        if !may_send
            || self.closed
            || self.error.is_some()
            || self.was_reset
            || self.rests_until.is_some_and(|until| now < until)
        {
            return false;
        }
        self.rests_until = None;
        if self.sent == self.sends.len() {
            self.session.close();
            self.closed = true;
            return true;
        }
        if self.ready && self.updates && self.rng.percent(5) {
            self.session.update_keys(self.rng.percent(50)).unwrap();
        }
        if self.rng.percent(10) {
            self.rests_until = Some(now + self.rng.duration(&(Duration::ZERO..=Duration::from_secs(2))));
            return true;
        }
        let rest = &self.sends[self.sent..];
        let (first, rest) = rest.split_at(self.rng.within(1..=rest.len().min(40_000)));
        let second = &rest[..self.rng.within(0..=rest.len().min(100))];
        let taken =
            self.session.send(now, &[IoSlice::new(first), IoSlice::new(&[]), IoSlice::new(second)]).unwrap();
        self.sent += taken;
        self.early.0 += if self.ready { 0 } else { taken };
        taken > 0
    }

    fn wakes_at(&self) -> Option<Instant> {
        self.rests_until
    }

    fn is_done(&self) -> bool {
        self.error.is_some() || self.was_reset || (self.peer_closed && self.sent == self.sends.len())
    }

    fn describe_event(event: &TlsEvent) -> String {
        match event {
            TlsEvent::Data(data) => format!("{} octets", data.len()),
            event => format!("{event:?}"),
        }
    }

    fn describe_error(error: &TlsError) -> String {
        error.to_string()
    }
}

struct Configurations {
    authority: Authority,
    servers: Vec<(TlsVersion, ServerTls)>,
    clients: Vec<ClientTls>,
    /// That take early data, each of its own sessions; two and two take as much.
    early: Vec<[ServerTls; 2]>,
}

/// Keys are made once.
static CONFIGURATIONS: LazyLock<Configurations> = LazyLock::new(|| {
    let authority = Authority::new();
    let versions = [TlsVersion::Tls12, TlsVersion::Tls13];
    Configurations {
        servers: versions
            .map(|version| (version, authority.server().versions(version, version).build().unwrap()))
            .to_vec(),
        // One that resumes its sessions, and one that never does.
        clients: [256, 0].map(|sessions| authority.client().sessions(sessions).build().unwrap()).to_vec(),
        early: [40, 5000, 100_000]
            .map(|octets| [0, 1].map(|_| authority.server().early_data(octets).build().unwrap()))
            .to_vec(),
        authority,
    }
});

#[derive(Debug, Default)]
struct Tally {
    complete: usize,
    truncated: usize,
    unfinished: usize,
    resumed: usize,
    /// Early data of clients that was taken, was refused, and early answers.
    early: [usize; 3],
}

/// A client that has a session of a server for early data, and the server that it comes to: the same, mostly.
fn early(rng: &mut Rng) -> (ServerTls, ClientTls) {
    let configurations = &*CONFIGURATIONS;
    let client = configurations.authority.client().early_data(true).build().unwrap();
    let [first, other] = rng.pick(&configurations.early);
    pair::Pair::complete(&client, first);
    let second = if rng.percent(70) { first.clone() } else { other.clone() };
    (second, client)
}

fn run(seed: u64, keep_steps: usize, tally: &mut Tally) {
    let mut rng = Rng::new(seed);
    let (mut version, mut server) = rng.pick(&CONFIGURATIONS.servers).clone();
    let mut client = rng.pick(&CONFIGURATIONS.clients).clone();
    if rng.percent(40) {
        version = TlsVersion::Tls13;
        (server, client) = early(&mut rng);
    }
    let mut link = |cut: bool| StreamSettings {
        max_segment: *rng.pick(&[1, 7, 100, 1460, 100_000]),
        cut: cut.then(|| match rng.percent(50) {
            true => Cut::eof(rng.within(0..=20_000) as u64),
            false => Cut::reset(rng.within(0..=20_000) as u64),
        }),
        ..StreamSettings::default()
    };
    let (cut_up, cut_down) = (seed % 5 == 1, seed % 5 == 2);
    let settings = PairSettings {
        to_server: link(cut_up),
        to_client: link(cut_down),
        keep_steps,
        ..PairSettings::default()
    };
    let updates = version == TlsVersion::Tls13;
    let mut pair = Pair::new(seed, settings, |now| {
        let client = TlsSession::client(&client, "example.com", now).unwrap();
        let server = TlsSession::server(&server, now).unwrap();
        (Side::new(client, seed ^ 1, updates), Side::new(server, seed ^ 2, updates))
    });
    let outcome = pair.run();
    let trace = pair.trace().to_string();
    let cut = cut_up || cut_down;
    let told = |side: &Side| {
        format!(
            "sent {} of {}, received {}, peer closed {}, error {:?}, reset {}",
            side.sent,
            side.sends.len(),
            side.received.len(),
            side.peer_closed,
            side.error,
            side.was_reset
        )
    };
    let context = format!(
        "seed {seed}: {outcome:?}\nclient {}\nserver {}\n{trace}",
        told(pair.client()),
        told(pair.server())
    );
    assert!(matches!(outcome.end, End::Closed | End::Quiet), "{context}");
    tally.resumed += usize::from(pair.server().session.report().is_some_and(|report| report.resumed));
    let report = pair.client().session.report();
    let early = [
        report.is_some_and(|report| report.early_data > 0),
        report.is_some_and(|report| report.early_data_refused) && pair.client().early.0 > 0,
        pair.server().early.0 > 0,
    ];
    tally.early.iter_mut().zip(early).for_each(|(tally, happened)| *tally += usize::from(happened));
    let (client, server) = (pair.client(), ());
    let () = server;
    let (up, got_down, client_end) = (client.sends.clone(), client.received.clone(), ends(client));
    let server = pair.server();
    let (down, got_up, server_end) = (server.sends.clone(), server.received.clone(), ends(server));
    assert!(up.starts_with(&got_up) && down.starts_with(&got_down), "{context}");
    for (sent, got, (closed, error, reset)) in [(&down, &got_down, client_end), (&up, &got_up, server_end)] {
        // An orderly end is the end of all that was sent.
        assert!(!closed || sent == got, "{context}");
        if closed && error.is_none() {
            tally.complete += 1;
        } else {
            assert!(cut, "{context}");
            match error {
                Some(TlsError::Truncated) => tally.truncated += 1,
                // An alert of the other side, which was cut.
                Some(TlsError::Alert(_) | TlsError::HandshakeTimeout(_)) => tally.unfinished += 1,
                Some(error) => panic!("{error}\n{context}"),
                None => {
                    assert!(reset || outcome.end == End::Closed, "{context}");
                    tally.unfinished += 1;
                }
            }
        }
    }
}

fn ends(side: &Side) -> (bool, Option<TlsError>, bool) {
    (side.peer_closed, side.error.clone(), side.was_reset)
}

#[test]
fn all_that_was_sent_arrives() {
    let number = |name: &str| std::env::var(name).ok().map(|text| text.parse::<u64>().expect("a number"));
    let mut tally = Tally::default();
    if let Some(seed) = number("WIRELACE_SEED") {
        run(seed, 300, &mut tally);
        return;
    }
    let seeds = number("WIRELACE_SEEDS").unwrap_or(100);
    for seed in 0..seeds {
        run(seed, 0, &mut tally);
    }
    println!("{seeds} seeds: {tally:?}");
    assert!(tally.complete > 0 && tally.truncated > 0 && tally.resumed > 0, "{tally:?}");
    assert!(tally.early.iter().all(|tally| *tally > 0), "{tally:?}");
}
