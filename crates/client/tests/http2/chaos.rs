//! Many who read, write, stop and give up at the same time: nobody is left waiting, and nothing is mixed up.

use std::collections::HashMap;
use std::task::Context;
use std::time::Instant;

use bytes::Bytes;
use http::{Request, StatusCode};
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use wirelace_client::{Error, Handle};
use wirelace_http_semantics::{Event, Head, HttpMachine, ResponseHead, StreamId};
use wirelace_http2::{Connection as Machine, Limits};
use wirelace_runtime::{Application, DriverOptions, Outcome, Step};

use crate::world::{connected, get, options, within};

/// `/N`: N bytes, each the last digit of N. Others: what was sent.
#[derive(Default)]
struct Server {
    sending: HashMap<StreamId, Sending>,
}

#[derive(Default)]
struct Sending {
    byte: u8,
    left: usize,
    echo: Vec<Bytes>,
    /// All of the request is there.
    ended: bool,
}

impl Server {
    fn pump(&mut self, machine: &mut Machine, stream: StreamId) {
        let Some(sending) = self.sending.get_mut(&stream) else { return };
        loop {
            let capacity = machine.capacity(stream);
            let over = sending.ended && sending.left == 0 && sending.echo.is_empty();
            if capacity == 0 && !over {
                return;
            }
            let data = if sending.left > 0 {
                let length = capacity.min(sending.left).min(5000);
                sending.left -= length;
                Bytes::from(vec![sending.byte; length])
            } else if !sending.echo.is_empty() {
                let data = sending.echo.remove(0);
                machine.consumed(stream, data.len());
                data
            } else {
                Bytes::new()
            };
            let end = sending.ended && sending.left == 0 && sending.echo.is_empty();
            if data.is_empty() && !end {
                return;
            }
            if machine.send_data(stream, data, end).is_err() || end {
                self.sending.remove(&stream);
                return;
            }
        }
    }
}

impl Application<Machine> for Server {
    fn on_event(&mut self, _: &mut Context<'_>, machine: &mut Machine, event: Event, _: Instant) {
        match event {
            Event::Head { stream, head: Head::Request(head), end } => {
                let left = head.path()[1..].parse().unwrap_or(0);
                let byte = b'0' + (left % 10) as u8;
                self.sending.insert(stream, Sending { byte, left, echo: Vec::new(), ended: end });
                let head = Head::Response(ResponseHead::new(StatusCode::OK));
                machine.send_head(stream, head, false).unwrap();
                self.pump(machine, stream);
            }
            Event::Data { stream, data, end } => match self.sending.get_mut(&stream) {
                Some(sending) => {
                    if !data.is_empty() {
                        sending.echo.push(data);
                    }
                    sending.ended |= end;
                    self.pump(machine, stream);
                }
                None => machine.consumed(stream, data.len()),
            },
            Event::Capacity { stream } => self.pump(machine, stream),
            Event::Reset { stream, .. } => drop(self.sending.remove(&stream)),
            _ => {}
        }
    }
    fn poll(&mut self, _: &mut Context<'_>, _: &mut Machine, _: Instant) -> Step {
        Step::Wait
    }
    fn shut_down(&mut self, machine: &mut Machine, _: Instant) {
        machine.shut_down();
    }
    fn on_close(&mut self, _: Outcome<wirelace_http2::Error>) {}
}

struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % limit
    }
}

async fn read(handle: &Handle, random: &mut Random) -> Result<(), Error> {
    let size = random.below(60_000);
    let mut body = handle.send(get(&format!("/{size}"))).await?.into_body();
    let stop = if random.below(3) == 0 { random.below(size + 1) } else { usize::MAX };
    let mut read = 0;
    while let Some(frame) = body.frame().await {
        let data = frame?.into_data().unwrap();
        assert!(data.iter().all(|&byte| byte == b'0' + (size % 10) as u8));
        read += data.len();
        if random.below(4) == 0 {
            tokio::task::yield_now().await;
        }
        if read > stop {
            return Ok(());
        }
    }
    assert_eq!(read, size);
    Ok(())
}

async fn write(handle: &Handle, random: &mut Random) -> Result<(), Error> {
    let byte = b'a' + random.below(26) as u8;
    let pieces: Vec<usize> = (0..random.below(12)).map(|_| random.below(9000)).collect();
    let sent: usize = pieces.iter().sum();
    let frames = pieces
        .into_iter()
        .map(move |length| Ok::<_, std::convert::Infallible>(Frame::data(Bytes::from(vec![byte; length]))));
    let body = StreamBody::new(futures::stream::iter(frames));
    let request = Request::post("http://example.com/echo").body(body).unwrap();
    let back = handle.send(request).await?.into_body().collect().await?.to_bytes();
    assert!(back.len() == sent && back.iter().all(|&got| got == byte));
    Ok(())
}

async fn one(handle: &Handle, random: &mut Random) {
    match random.below(8) {
        0 => {
            // Given up at some point of it.
            let patience = random.below(20);
            let mut inner = Random(random.0);
            let work = read(handle, &mut inner);
            tokio::select! {
                biased;
                result = work => result.unwrap(),
                () = async { for _ in 0..patience { tokio::task::yield_now().await } } => {}
            }
        }
        1 | 2 => write(handle, random).await.unwrap(),
        _ => read(handle, random).await.unwrap(),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_is_left_waiting() {
    for (streams, window, pipe) in [(1, 65_535, 64 * 1024), (3, 2000, 1000), (50, 16_000, 8 * 1024)] {
        let own = Limits { streams: 20, window, window_reserve: 0, ..Limits::default() };
        let served = Limits { streams, window, ..Limits::default() };
        let (near, far) = tokio::io::duplex(pipe);
        let machine = Machine::server(served, false, Instant::now());
        let driver = DriverOptions::default();
        tokio::spawn(wirelace_runtime::Connection::new(far, machine, Server::default(), driver, None));
        let handle = connected(near, options().http2_limits(own).queue(4));
        handle.settled().await;
        let mut tasks = tokio::task::JoinSet::new();
        for task in 0..24 {
            let handle = handle.clone();
            tasks.spawn(async move {
                let mut random = Random(task * 1000 + u64::from(streams));
                for _ in 0..40 {
                    within(one(&handle, &mut random)).await;
                }
            });
        }
        while let Some(done) = tasks.join_next().await {
            done.unwrap();
        }
        assert!(handle.is_open());
        within(write(&handle, &mut Random(7))).await.unwrap();
    }
}
