//! Many callers of one connection who give up, stop and go on at random.
#![cfg(feature = "frame")]

use std::future::pending;
use std::net::SocketAddr;
use std::time::Duration;

use wirelace_runtime::frame::{
    Answer, Body, BodySender, Call, CallError, Caller, CallerOptions, FrameServer, FrameServerOptions,
    Request, from_stream_fn,
};

const LOCAL: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 0);

/// Numbers from a seed.
#[derive(Clone)]
struct Random(u64);

impl Random {
    fn below(&mut self, most: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % most
    }
}

/// Answers each octet with the next one. The first says what else it does.
async fn serve(request: Request<Body>) -> Result<Answer, &'static str> {
    let mut body = request.payload;
    let mut first = match body.next().await {
        Some(Ok(first)) => first.to_vec(),
        _ => return Ok(Answer::from("")),
    };
    match first[0] {
        // Early, with the request half read.
        250 => return Ok(Answer::from("early")),
        251 => return Err("no"),
        252 => drop(std::mem::replace(&mut body, bytes::Bytes::new().into())),
        _ => {}
    }
    Ok(Answer::writer(async move |mut sender: BodySender| {
        let next = |octet: &u8| octet.wrapping_add(1);
        first = first.iter().map(next).collect();
        sender.send(first).await?;
        while let Some(part) = body.next().await {
            sender.send(part?.iter().map(next).collect::<Vec<_>>()).await?;
        }
        sender.finish();
        Ok::<_, CallError>(())
    }))
}

/// One exchange, as `random` wants it; returns whether it came to its regular end.
async fn exchange(caller: &Caller, mut random: Random) -> bool {
    let kind = random.below(256) as u8;
    let mut call = Call::new(vec![kind]);
    if random.below(10) == 0 {
        call = call.timeout(Duration::from_millis(random.below(5)));
    }
    let (mut sender, mut body) = caller.open(call);
    let total = random.below(400_000);
    let (stop_sending, stop_reading) = (random.below(4) == 0, random.below(4) == 0);
    let (send_most, read_most) = (random.below(400_000), random.below(400_000));
    let mut part_random = random.clone();
    let sending = async move {
        let mut sent = 0;
        while sent < total {
            if stop_sending && sent > send_most {
                return;
            }
            let octets = match part_random.below(3) {
                0 => part_random.below(20),
                1 => part_random.below(3000),
                _ => part_random.below(100_000),
            };
            let octets = octets.min(total - sent);
            sent += octets;
            if sender.send(vec![kind; octets as usize]).await.is_err() {
                return;
            }
        }
        sender.finish();
    };
    let reading = async move {
        let mut read = 0;
        while let Some(part) = body.next().await {
            if stop_reading && read > read_most {
                return false;
            }
            let Ok(part) = part else { return false };
            if kind != 250 {
                assert!(part.iter().all(|octet| *octet == kind.wrapping_add(1)));
            }
            read += part.len() as u64;
            for _ in 0..random.below(4) {
                tokio::task::yield_now().await;
            }
        }
        if kind < 250 {
            assert_eq!(read, total + 1);
        }
        true
    };
    tokio::join!(sending, reading).1
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_callers_do_nothing_is_mixed_up_and_no_credit_is_lost() {
    let server =
        FrameServer::bind_streamed(LOCAL, from_stream_fn(serve), FrameServerOptions::default()).unwrap();
    let caller = Caller::connect(server.local_addr(), CallerOptions::default()).await.unwrap();
    tokio::spawn(server.run(pending()));
    let tasks: Vec<_> = (0..16_u64)
        .map(|task| {
            let caller = caller.clone();
            tokio::spawn(async move {
                let mut complete = 0;
                for round in 0..60 {
                    complete += u32::from(exchange(&caller, Random(task * 1000 + round)).await);
                }
                complete
            })
        })
        .collect();
    let mut complete = 0;
    for task in tasks {
        complete += task.await.unwrap();
    }
    assert!((200..900).contains(&complete), "{complete} of 960 came to their end");
    // With credit lost again and again, this would come to a stop.
    let (mut sender, body) = caller.open("");
    sender.send(vec![7; 4 << 20]).await.unwrap();
    sender.finish();
    assert_eq!(rest(body).await.unwrap(), vec![8; 4 << 20]);
    assert_eq!(caller.call(vec![1; 1 << 20]).await.unwrap(), vec![2; 1 << 20]);
}

async fn rest(mut body: Body) -> Result<Vec<u8>, CallError> {
    let mut all = Vec::new();
    while let Some(part) = body.next().await {
        all.extend_from_slice(&part?);
    }
    Ok(all)
}
