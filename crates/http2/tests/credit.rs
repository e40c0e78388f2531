//! Flow control from outside: over random schedules a raw peer counts every octet that it sends, padding too, and all
//! credit that comes back. None is lost, none comes twice, and while somebody reads, nobody waits for ever.

mod raw;

use proptest::prelude::*;
use raw::Raw;
use wirelace_http_semantics::{Event, HttpMachine, Reason, StreamId};
use wirelace_http2::{ErrorCode, Limits, SettingsChange};
use wirelace_http2_frames::Frame;
use wirelace_wire::Machine as _;

#[derive(Debug, Clone)]
enum Step {
    Open,
    Data {
        pick: usize,
        len: usize,
        padding: Option<u8>,
        end: bool,
    },
    Trailers {
        pick: usize,
    },
    PeerReset {
        pick: usize,
    },
    Consume {
        pick: usize,
        part: usize,
    },
    Ignore {
        pick: usize,
    },
    Reset {
        pick: usize,
    },
    Answer {
        pick: usize,
    },
    /// Data for a stream that is over.
    Late {
        pick: usize,
        len: usize,
    },
    Window {
        size: u32,
    },
    GoAway,
}

fn step() -> impl Strategy<Value = Step> {
    let pick = 0usize..64;
    prop_oneof![
        4 => Just(Step::Open),
        12 => (pick.clone(), 0usize..16_000, prop::option::of(any::<u8>()), prop::bool::weighted(0.1))
            .prop_map(|(pick, len, padding, end)| Step::Data { pick, len, padding, end }),
        1 => pick.clone().prop_map(|pick| Step::Trailers { pick }),
        1 => pick.clone().prop_map(|pick| Step::PeerReset { pick }),
        8 => (pick.clone(), 1usize..4).prop_map(|(pick, part)| Step::Consume { pick, part }),
        1 => pick.clone().prop_map(|pick| Step::Ignore { pick }),
        1 => pick.clone().prop_map(|pick| Step::Reset { pick }),
        2 => pick.clone().prop_map(|pick| Step::Answer { pick }),
        2 => (pick, 0usize..4000).prop_map(|(pick, len)| Step::Late { pick, len }),
        1 => prop_oneof![Just(1u32), 100u32..100_000].prop_map(|size| Step::Window { size }),
        1 => prop::bool::weighted(0.1).prop_map(|leave| if leave { Step::GoAway } else { Step::Open }),
    ]
}

/// A stream as the peer sees it.
struct Stream {
    id: u32,
    sending: bool,
    /// Handed to the application and not taken yet.
    held: usize,
    /// The machine still counts what it holds.
    known: bool,
    reset_by_machine: bool,
}

struct World {
    raw: Raw,
    streams: Vec<Stream>,
    read: usize,
    next: u32,
    leaving: bool,
}

impl World {
    fn pick(&self, pick: usize, wanted: impl Fn(&Stream) -> bool) -> Option<usize> {
        let fit: Vec<usize> = (0..self.streams.len()).filter(|&at| wanted(&self.streams[at])).collect();
        fit.get(pick % fit.len().max(1)).copied()
    }

    /// Takes in what the machine told its application.
    fn listen(&mut self) {
        assert_eq!(self.raw.error, None);
        let events: Vec<Event> = self.raw.events.drain(..).collect();
        for event in events {
            match event {
                Event::Data { stream, data, .. } => {
                    let stream = self.streams.iter_mut().find(|known| u64::from(known.id) == stream.0);
                    stream.expect("data of an open stream").held += data.len();
                }
                Event::Reset { stream, .. } => {
                    let stream = self.streams.iter_mut().find(|known| u64::from(known.id) == stream.0);
                    let stream = stream.expect("a known stream");
                    stream.known = false;
                    stream.held = 0;
                }
                _ => {}
            }
        }
        for stream in &mut self.streams {
            if self.raw.reset_of(stream.id).is_some() {
                stream.sending = false;
                stream.reset_by_machine = true;
            }
        }
    }

    fn run(&mut self, step: Step) {
        match step {
            Step::Open => {
                if self.leaving || self.streams.iter().filter(|stream| stream.known).count() >= 20 {
                    return;
                }
                let id = self.next;
                self.next += 2;
                self.raw.request(id, false);
                let window = i64::from(self.raw_window());
                self.raw.windows.insert(id, window);
                self.streams.push(Stream {
                    id,
                    sending: true,
                    held: 0,
                    known: true,
                    reset_by_machine: false,
                });
            }
            Step::Data { pick, len, padding, end } => {
                let Some(at) = self.pick(pick, |stream| stream.sending) else { return };
                let id = self.streams[at].id;
                let room = self.raw.windows[&0].min(self.raw.windows[&id]);
                let padded = padding.map_or(0, |padding| i64::from(padding) + 1);
                if room < padded {
                    return;
                }
                let len = len.min((room - padded) as usize);
                self.streams[at].sending = !end;
                if len == 0 && !end && padding.is_none() {
                    return; // Too many of these are a flood.
                }
                self.raw.data(id, &vec![b'd'; len], padding, end);
            }
            Step::Trailers { pick } => {
                let Some(at) = self.pick(pick, |stream| stream.sending) else { return };
                self.streams[at].sending = false;
                self.raw.headers(self.streams[at].id, &[("x-end", "1")], true);
            }
            Step::PeerReset { pick } => {
                let Some(at) = self.pick(pick, |stream| stream.sending) else { return };
                self.streams[at].sending = false;
                let stream = self.streams[at].id;
                self.raw.send(Frame::RstStream { stream, code: ErrorCode::CANCEL });
            }
            Step::Consume { pick, part } => {
                let Some(at) = self.pick(pick, |stream| stream.held > 0) else { return };
                let some = self.streams[at].held.div_ceil(part);
                self.streams[at].held -= some;
                self.raw.machine.consumed(StreamId(self.streams[at].id.into()), some);
                self.raw.poll();
            }
            Step::Ignore { pick } => {
                let Some(at) = self.pick(pick, |stream| stream.known) else { return };
                self.streams[at].held = 0;
                self.raw.machine.stop_receiving(StreamId(self.streams[at].id.into()));
                self.raw.poll();
            }
            Step::Reset { pick } => {
                let Some(at) = self.pick(pick, |stream| stream.known) else { return };
                self.streams[at].held = 0;
                self.streams[at].known = false;
                self.streams[at].sending = false;
                self.raw.machine.reset(StreamId(self.streams[at].id.into()), Reason::Cancel);
                self.raw.poll();
            }
            Step::Answer { pick } => {
                let Some(at) = self.pick(pick, |stream| stream.known) else { return };
                let head = wirelace_http_semantics::ResponseHead::new(http::StatusCode::OK);
                let body = bytes::Bytes::from_static(b"ok");
                let _ = self.raw.machine.send_message(StreamId(self.streams[at].id.into()), head, body);
                self.raw.poll();
            }
            Step::Late { pick, len } => {
                // Sent before the peer knew of the reset.
                let Some(at) = self.pick(pick, |stream| stream.reset_by_machine) else { return };
                let len = len.min(self.raw.windows[&0].max(0) as usize);
                if len > 0 {
                    self.raw.data(self.streams[at].id, &vec![b'l'; len], None, false);
                }
            }
            Step::Window { size } => {
                let mut change = SettingsChange::default();
                change.window = Some(size);
                let before = self.raw_window();
                self.raw.machine.change_settings(change, self.raw.now);
                self.raw.poll();
                for stream in &self.streams {
                    *self.raw.windows.get_mut(&stream.id).unwrap() += i64::from(size) - i64::from(before);
                }
                self.raw.windows.insert(u32::MAX, i64::from(size));
                self.raw
                    .send(Frame::Settings { ack: true, settings: wirelace_http2_frames::Settings::new(&[]) });
            }
            Step::GoAway => {
                self.leaving = true;
                self.raw.machine.shut_down();
                self.raw.poll();
            }
        }
        self.listen();
        self.compare();
    }

    /// The window that a new stream has.
    fn raw_window(&self) -> u32 {
        self.raw.windows.get(&u32::MAX).map_or(65_535, |&window| window as u32)
    }

    fn compare(&mut self) {
        if self.raw.machine.is_finished() {
            return;
        }
        let report = self.raw.machine.receive_window();
        assert_eq!(report.available, self.raw.windows[&0], "both sides count the same");
        assert_eq!(
            report.available + i64::from(report.to_grant) + report.held as i64,
            i64::from(report.size)
        );
    }

    /// The application reads everything: whoever sends can go on.
    fn read_all(&mut self) {
        for at in 0..self.streams.len() {
            let held = std::mem::take(&mut self.streams[at].held);
            if held > 0 {
                self.raw.machine.consumed(StreamId(self.streams[at].id.into()), held);
            }
        }
        self.raw.poll();
        self.listen();
        self.compare();
        if self.raw.machine.is_finished() {
            return;
        }
        assert!(self.raw.windows[&0] > 0, "the connection is stuck");
        self.read += 1;
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn every_octet_is_credited_exactly_once(
        steps in prop::collection::vec(step(), 1..150),
        window in prop_oneof![Just(65_535u32), 1u32..70_000],
        reserve in prop_oneof![Just(0u32), Just(100_000u32)],
    ) {
        let limits = Limits { window, window_reserve: reserve, streams: 128, ..Limits::default() };
        let mut raw = Raw::client(limits);
        raw.windows.insert(u32::MAX, i64::from(window));
        let mut world = World { raw, streams: Vec::new(), read: 0, next: 1, leaving: false };
        let mut ignored = std::collections::BTreeSet::new();
        for step in steps {
            if let Step::Ignore { pick } = &step
                && let Some(at) = world.pick(*pick, |stream| stream.known)
            {
                ignored.insert(world.streams[at].id);
            }
            world.run(step);
        }
        world.read_all();
        // Streams that are read have credit again.
        for stream in &world.streams {
            if stream.sending && stream.known && !ignored.contains(&stream.id) && !world.raw.machine.is_finished() {
                prop_assert!(world.raw.windows[&stream.id] > 0, "stream {} is stuck", stream.id);
            }
        }
    }
}

/// 127 bodies that nobody reads leave the 128th what it needs.
#[test]
fn bodies_that_nobody_reads_do_not_hold_up_the_others() {
    let mut raw = Raw::client(Limits { streams: 128, window_reserve: 0, ..Limits::default() });
    for stream in (1..255).step_by(2) {
        raw.request(stream, false);
        for _ in 0..4 {
            let room = raw.windows[&stream].min(16_384);
            raw.data(stream, &vec![b'x'; room as usize], None, false);
        }
        assert_eq!(raw.windows[&stream], 0);
    }
    raw.request(255, false);
    raw.events.clear();
    for _ in 0..50 {
        let room = raw.windows[&255].min(raw.windows[&0]).min(16_384);
        assert!(room > 0, "the reader waits for those who do not read");
        raw.data(255, &vec![b'x'; room as usize], None, false);
        raw.machine.consumed(StreamId(255), room as usize);
        raw.poll();
    }
    assert_eq!(raw.error, None);
}

/// A body that is idle holds nothing (hyper#4003): each of 100 streams has sent one octet, and it was read.
#[test]
fn idle_bodies_hold_no_window() {
    let mut raw = Raw::client(Limits::default());
    for stream in (1..200).step_by(2) {
        raw.request(stream, false);
        raw.data(stream, b"x", None, false);
        raw.machine.consumed(StreamId(stream.into()), 1);
    }
    let report = raw.machine.receive_window();
    assert_eq!((report.held, report.available + i64::from(report.to_grant)), (0, i64::from(report.size)));
}

/// Who sends gets the connection's window only for what is there to be sent.
#[test]
fn idle_responses_hold_no_window() {
    let mut raw = Raw::client(Limits::default());
    let ok = || wirelace_http_semantics::ResponseHead::new(http::StatusCode::OK);
    for stream in (1..40).step_by(2) {
        raw.request(stream, true);
        let head = wirelace_http_semantics::Head::Response(ok());
        raw.machine.send_head(StreamId(stream.into()), head, false).unwrap();
        raw.machine.send_data(StreamId(stream.into()), bytes::Bytes::from_static(b"x"), false).unwrap();
    }
    raw.request(41, true);
    let body = bytes::Bytes::from(vec![b'b'; 65_535 - 20]);
    raw.machine.send_message(StreamId(41), ok(), body).unwrap();
    raw.poll();
    let sent: usize = raw
        .seen
        .iter()
        .map(|seen| match seen {
            raw::Seen::Data { data, .. } => data.len(),
            _ => 0,
        })
        .sum();
    assert_eq!(sent, 65_535, "all of the connection's window is used, none is kept for those who wait");
    assert!(raw.seen.iter().any(|seen| matches!(seen, raw::Seen::Data { stream: 41, end: true, .. })));
}
