//! Random traffic over bad networks: whatever happens, what arrives is what was sent.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use bytes::Bytes;
use http::{Method, StatusCode};
use wirelace_http_semantics::{Event, FieldId, Fields, Head, Priority, Reason, ResponseHead, StreamId};
use wirelace_http3::quic::{CloseReason, Limits as QuicLimits};
use wirelace_http3::{Connection, Error, Limits};
use wirelace_sim::{DatagramSettings, Rng};

use crate::world::{Setup, Side, request};

/// The octet of a body at an offset; `salt` tells bodies apart.
fn octet(salt: u64, offset: u64) -> u8 {
    (salt.wrapping_mul(37) ^ offset ^ offset >> 7) as u8
}

/// A body on its way out.
struct Upload {
    salt: u64,
    sent: u64,
    length: u64,
    trailers: bool,
    /// To be given up at this offset.
    reset_at: Option<u64>,
}

/// A body on its way in.
#[derive(Default)]
struct Download {
    salt: u64,
    length: u64,
    unconsumed: usize,
    head: bool,
    ended: bool,
    trailers: bool,
}

#[derive(Default)]
struct App {
    uploads: HashMap<StreamId, Upload>,
    downloads: HashMap<StreamId, Download>,
    over: HashSet<StreamId>,
    /// Exchanges that this side has given up.
    gave_up: HashSet<StreamId>,
    resets: usize,
    complete: usize,
    pushes: usize,
}

/// What the fields of a head say about its body.
fn fields(salt: u64, length: u64, trailers: bool, announced: bool) -> Fields {
    let mut fields = Fields::new();
    fields.push("x-salt", salt.to_string()).unwrap();
    fields.push("x-length", length.to_string()).unwrap();
    fields.push("x-trailers", if trailers { "1" } else { "0" }).unwrap();
    if announced {
        fields.push(FieldId::CONTENT_LENGTH, length.to_string()).unwrap();
    }
    fields
}

fn number(fields: &Fields, name: &str) -> u64 {
    fields.get_str(name).unwrap().parse().unwrap()
}

impl App {
    fn upload(
        &mut self,
        rng: &mut Rng,
        stream: StreamId,
        salt: u64,
        length: u64,
        trailers: bool,
        may_reset: bool,
    ) {
        let reset_at = (may_reset && rng.percent(10)).then(|| rng.below(length as usize + 1) as u64);
        self.uploads.insert(stream, Upload { salt, sent: 0, length, trailers, reset_at });
    }

    fn send(&mut self, rng: &mut Rng, side: &mut Side) {
        let (http, quic) = side.both();
        let mut streams: Vec<StreamId> = self.uploads.keys().copied().collect();
        streams.sort_unstable();
        for stream in streams {
            let Some(upload) = self.uploads.get_mut(&stream) else { continue };
            loop {
                if upload.reset_at.is_some_and(|at| upload.sent >= at) {
                    http.reset(quic, stream, Reason::Cancel);
                    self.uploads.remove(&stream);
                    self.downloads.remove(&stream);
                    self.over.insert(stream);
                    self.gave_up.insert(stream);
                    break;
                }
                let room = http.capacity(quic, stream) as u64;
                let some = (upload.length - upload.sent).min(room).min(1 + rng.below(20_000) as u64);
                let last = upload.sent + some == upload.length;
                if some == 0 && !last {
                    break;
                }
                let data: Vec<u8> =
                    (upload.sent..upload.sent + some).map(|at| octet(upload.salt, at)).collect();
                let end = last && !upload.trailers;
                if http.send_data(quic, stream, Bytes::from(data), end).is_err() {
                    // It was reset by the other side.
                    self.uploads.remove(&stream);
                    break;
                }
                upload.sent += some;
                if last {
                    if upload.trailers {
                        let mut fields = Fields::new();
                        fields.push("x-sum", upload.length.to_string()).unwrap();
                        http.send_trailers(quic, stream, &fields).unwrap();
                    }
                    self.uploads.remove(&stream);
                    break;
                }
            }
        }
        for (stream, download) in &mut self.downloads {
            if rng.percent(70) {
                http.consumed(quic, *stream, std::mem::take(&mut download.unconsumed));
            }
        }
    }

    /// The part of an event that is the same at both sides.
    fn receive(&mut self, event: &Event) {
        match event {
            Event::Data { stream, data, end } => {
                let download = self.downloads.get_mut(stream).expect("a head first");
                for octet_in in data {
                    assert_eq!(*octet_in, octet(download.salt, download.length), "{stream}");
                    download.length += 1;
                }
                download.unconsumed += data.len();
                download.ended |= end;
            }
            Event::Trailers { stream, fields } => {
                let download = self.downloads.get_mut(stream).expect("a head first");
                assert_eq!(number(fields, "x-sum"), download.length);
                assert!(!std::mem::replace(&mut download.ended, true));
                download.trailers = true;
            }
            Event::Reset { stream, .. } => {
                self.resets += 1;
                self.uploads.remove(stream);
                self.downloads.remove(stream);
                assert!(self.over.insert(*stream), "{stream} ends once");
            }
            _ => {}
        }
    }

    fn check_complete(&mut self, lengths: &HashMap<StreamId, (u64, bool)>) {
        let over: Vec<StreamId> =
            self.downloads.iter().filter(|(_, one)| one.ended).map(|(id, _)| *id).collect();
        for stream in over {
            let download = &self.downloads[&stream];
            let (length, trailers) = lengths[&stream];
            assert_eq!((download.length, download.trailers), (length, trailers), "{stream}");
            if download.unconsumed == 0 {
                self.downloads.remove(&stream);
                self.over.insert(stream);
                self.complete += 1;
            }
        }
    }
}

fn run(seed: u64) {
    let mut rng = Rng::new(seed);
    let link = DatagramSettings {
        loss: *rng.pick(&[0, 0, 1, 5, 15]),
        duplication: *rng.pick(&[0, 0, 5]),
        corruption: *rng.pick(&[0, 0, 2]),
        delay: {
            let least = Duration::from_millis(1 + rng.below(30) as u64);
            least..=least + Duration::from_millis(rng.below(30) as u64)
        },
        mtu: *rng.pick(&[1300, 1472]),
    };
    let mut quic = QuicLimits::default();
    quic.handshake_timeout = Duration::from_secs(300);
    quic.idle_timeout = Duration::from_secs(300);
    quic.bidirectional_streams = *rng.pick(&[2, 5, 100]);
    quic.stream_window = *rng.pick(&[2_000, 20_000, 1 << 20]);
    quic.data_window = *rng.pick(&[10_000, 100_000, 8 << 20]);
    quic.send_buffer = *rng.pick(&[1_000, 50_000, 1 << 20]);
    let mut limits = Limits::default();
    limits.pushes = *rng.pick(&[0, 1, 4]);
    limits.qpack.table_capacity = *rng.pick(&[0, 256, 4096]);
    limits.qpack.blocked_streams = *rng.pick(&[0, 1, 16]);
    limits.grease = rng.percent(80);
    // Not what this is about: a body may well wait for minutes here.
    limits.timeouts.body = None;
    limits.timeouts.stall = None;
    limits.timeouts.head = None;
    let setup = Setup { seed, link: link.clone(), quic, client: Some(limits.clone()), server: Some(limits) };
    let mut world = setup.world();
    let (mut client, mut server) = (App::default(), App::default());
    let requests = rng.within(1..=30);
    let mut asked = 0usize;
    let mut left = false;
    // What each message is to be: from the client, from the server.
    let (mut up, mut down) = (HashMap::new(), HashMap::new());
    let application = |world: &mut crate::world::World| {
        for error in [&world.client.error, &world.server.error].into_iter().flatten() {
            // The word that it is over may get lost, and then nobody is there to repeat it; before the handshake
            // is confirmed it is another one (RFC 9000 §10.2.3).
            let lost =
                left && matches!(error, Error::Transport(CloseReason::Idle | CloseReason::Peer { .. }));
            assert!(lost, "seed {seed}: {error}");
        }
        if !world.server.is_connected() {
            return;
        }
        let (http, quic) = world.client.both();
        while asked < requests && http.available(quic) > 0 && rng.percent(60) {
            let salt = asked as u64;
            let length = *rng.pick(&[0, 1, 500, 5_000, 60_000]);
            let trailers = rng.percent(20);
            let mut head = request(if length > 0 || trailers { Method::POST } else { Method::GET }, "/a");
            for field in fields(salt, length, trailers, rng.percent(30)).iter() {
                head.fields.push(std::str::from_utf8(field.name).unwrap(), field.value).unwrap();
            }
            head.fields.push("x-padding", "p".repeat(rng.below(200))).unwrap();
            let end = length == 0 && !trailers;
            let stream = http.send_request(quic, &head, end).unwrap();
            up.insert(stream, (length, trailers));
            if !end {
                client.upload(&mut rng, stream, salt, length, trailers, true);
            }
            if rng.percent(20) {
                http.set_priority(quic, stream, Priority::new(rng.below(8) as u8, rng.percent(50)));
            }
            asked += 1;
        }
        for event in world.client.take_events() {
            match &event {
                Event::Head { stream, head: Head::Response(head), end } => {
                    let download = client.downloads.entry(*stream).or_default();
                    assert!(!std::mem::replace(&mut download.head, true));
                    download.salt = number(&head.fields, "x-salt");
                    download.ended = *end;
                }
                Event::Promise { .. } => client.pushes += 1,
                event => client.receive(event),
            }
        }
        for event in world.server.take_events() {
            if let Event::Head { stream, head: Head::Request(head), end } = &event {
                let salt = number(&head.fields, "x-salt");
                server
                    .downloads
                    .insert(*stream, Download { salt, ended: *end, head: true, ..Download::default() });
                let (http, quic) = world.server.both();
                if rng.percent(30)
                    && let Ok(pushed) = http.push(quic, *stream, &request(Method::GET, "/pushed"))
                {
                    server.pushes += 1;
                    answer(&mut server, &mut rng, http, quic, pushed, &mut down);
                }
                if rng.percent(20) {
                    let hints = ResponseHead::new(StatusCode::EARLY_HINTS);
                    http.send_head(quic, *stream, &Head::Response(hints), false).unwrap();
                }
                answer(&mut server, &mut rng, http, quic, *stream, &mut down);
                continue;
            }
            server.receive(&event);
        }
        client.send(&mut rng, &mut world.client);
        server.send(&mut rng, &mut world.server);
        client.check_complete(&down);
        server.check_complete(&up);
        if asked == requests && !left && world.client.both().0.is_idle() && world.server.both().0.is_idle() {
            left = true;
            world.server.both().0.shut_down();
        }
    };
    let done = |world: &mut crate::world::World| {
        let finished = |side: &Side| side.http.as_ref().is_some_and(Connection::is_finished);
        finished(&world.client) && finished(&world.server)
    };
    let finished = world.run_asking(Duration::from_secs(600), application, done);
    assert!(
        finished,
        "seed {seed}: asked {asked} of {requests}, {} {} complete, {} {} reset; uploads {:?} {:?}; downloads {} {}; {:?} {:?}",
        client.complete,
        server.complete,
        client.resets,
        server.resets,
        client.uploads.keys(),
        server.uploads.keys(),
        client.downloads.len(),
        server.downloads.len(),
        world.client.both().0,
        world.server.both().0.stats(),
    );
    // Nobody waits for anything.
    assert!(client.uploads.is_empty() && server.uploads.is_empty());
    let resets = client.gave_up.len() + server.gave_up.len() + client.resets + server.resets;
    assert!(client.complete + resets >= requests, "seed {seed}");
}

fn answer(
    server: &mut App,
    rng: &mut Rng,
    http: &mut Connection,
    quic: &mut wirelace_http3::quic::Connection,
    stream: StreamId,
    down: &mut HashMap<StreamId, (u64, bool)>,
) {
    let salt = stream.0 % 251;
    let length = *rng.pick(&[0, 1, 1_000, 20_000, 100_000]);
    let trailers = rng.percent(20);
    let mut head = ResponseHead::new(StatusCode::OK);
    head.fields = fields(salt, length, trailers, rng.percent(30));
    http.send_head(quic, stream, &Head::Response(head), false).unwrap();
    down.insert(stream, (length, trailers));
    server.upload(rng, stream, salt, length, trailers, true);
}

#[test]
fn whatever_happens_messages_arrive_as_they_were_sent() {
    let seeds = std::env::var("WIRELACE_SEEDS").ok().and_then(|seeds| seeds.parse().ok()).unwrap_or(40);
    let first = std::env::var("WIRELACE_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(0);
    for seed in first..first + seeds {
        run(seed);
    }
}
