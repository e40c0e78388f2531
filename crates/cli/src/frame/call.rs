//! `wirelace frame call`.

use std::io::{self, Write as _};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use clap::Args;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use wirelace::runtime::frame::{Call, CallError, Caller, CallerOptions, UdpCaller, UdpCallerOptions};
use wirelace::wire_codec::datagram::{ClientOptions, Timing};
use wirelace::wire_codec::session::{Form, Offer, Options};

use super::show;
use super::watched::Watched;
use crate::failure::Failure;
use crate::voice::Voice;

#[derive(Debug, Args)]
pub(super) struct CallArgs {
    /// Whom, as HOST:PORT
    #[arg(value_name = "ADDR")]
    address: String,
    /// The payload of each request
    #[arg(value_name = "TEXT", required_unless_present = "heartbeat")]
    texts: Vec<String>,
    /// Datagrams instead of a connection
    #[arg(long)]
    udp: bool,
    /// The extended form; over TCP it is offered, and the base form taken where the peer has no other
    #[arg(long)]
    extended: bool,
    /// How long a call may take
    #[arg(long, value_name = "S", default_value = "10", value_parser = seconds)]
    timeout: Duration,
    /// First measure how long a heartbeat takes there and back
    #[arg(long)]
    heartbeat: bool,
    /// One JSON object a line: the text, its answer or error, the time in milliseconds
    #[arg(long)]
    json: bool,
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| "not a number of seconds".to_owned())?;
    Duration::try_from_secs_f64(seconds).map_err(|error| error.to_string())
}

/// A caller of either kind.
#[derive(Clone)]
enum Anyone {
    Tcp(Caller),
    Udp(UdpCaller),
}

impl Anyone {
    async fn call(&self, text: String) -> Result<Bytes, CallError> {
        match self {
            Anyone::Tcp(caller) => caller.call(Call::from(text)).await,
            Anyone::Udp(caller) => caller.call(Call::from(text)).await,
        }
    }

    async fn heartbeat(&self, timeout: Duration) -> Result<Duration, CallError> {
        match self {
            Anyone::Tcp(caller) => {
                tokio::time::timeout(timeout, caller.ping()).await.unwrap_or(Err(CallError::Timeout))
            }
            Anyone::Udp(caller) => caller.heartbeat().await,
        }
    }
}

/// What came of a call, and how long that took.
struct Done<T> {
    result: Result<T, CallError>,
    took: Duration,
}

impl<T> Done<T> {
    async fn of(call: impl Future<Output = Result<T, CallError>>) -> Done<T> {
        let start = Instant::now();
        let result = call.await;
        Done { result, took: start.elapsed() }
    }

    fn milliseconds(&self) -> f64 {
        // Microseconds are as exact as it gets.
        (self.took.as_secs_f64() * 1e6).round() / 1e3
    }
}

pub(super) async fn run(args: &CallArgs, voice: Voice) -> Result<(), Failure> {
    let connecting = connect(args, voice).await;
    let caller = connecting.map_err(|error| Failure::Peer(format!("{}: {error}", args.address)))?;
    let mut failed = Failed { voice, last: None };
    if args.heartbeat {
        let done = Done::of(caller.heartbeat(args.timeout)).await;
        heartbeat(args, &done, &mut failed)?;
    }
    // All are under way at once.
    let calls: Vec<_> = args
        .texts
        .iter()
        .map(|text| {
            let (caller, text) = (caller.clone(), text.clone());
            tokio::spawn(Done::of(async move { caller.call(text).await }))
        })
        .collect();
    for (text, call) in args.texts.iter().zip(calls) {
        match call.await {
            Ok(done) => answer(args, text, &done, &mut failed)?,
            Err(error) => return Err(Failure::Peer(format!("{text}: {error}"))),
        }
    }
    failed.last.map_or(Ok(()), Err)
}

/// All failures are said, the last of them by who ends the process.
struct Failed {
    voice: Voice,
    last: Option<Failure>,
}

impl Failed {
    fn add(&mut self, what: &str, error: &CallError) {
        let failure = Failure::Peer(format!("{what}: {error}"));
        if let Some(earlier) = self.last.replace(failure) {
            self.voice.error(&earlier);
        }
    }
}

fn answer(args: &CallArgs, text: &str, done: &Done<Bytes>, failed: &mut Failed) -> Result<(), Failure> {
    if let Err(error) = &done.result {
        failed.add(text, error);
    }
    if args.json {
        let mut object = json!({ "text": text, "time_ms": done.milliseconds() });
        let (key, value) = match &done.result {
            Ok(octets) => match std::str::from_utf8(octets) {
                Ok(answer) => ("answer", answer.to_owned()),
                Err(_) => ("answer_hex", octets.iter().map(|octet| format!("{octet:02x}")).collect()),
            },
            Err(error) => ("error", error.to_string()),
        };
        object[key] = Value::String(value);
        return print(object.to_string().as_bytes());
    }
    done.result.as_ref().map_or(Ok(()), |octets| print(octets))
}

fn heartbeat(args: &CallArgs, done: &Done<Duration>, failed: &mut Failed) -> Result<(), Failure> {
    // The machine's own measure, where there is one: without what is spent around it.
    let round_trip = done.result.as_ref().ok().copied();
    let milliseconds = Done { result: Ok(()), took: round_trip.unwrap_or(done.took) }.milliseconds();
    let error = done.result.as_ref().err();
    if let Some(error) = error {
        failed.add("heartbeat", error);
    }
    match (args.json, error) {
        (true, None) => print(json!({ "heartbeat": true, "time_ms": milliseconds }).to_string().as_bytes()),
        (true, Some(error)) => {
            let object = json!({ "heartbeat": false, "time_ms": milliseconds, "error": error.to_string() });
            print(object.to_string().as_bytes())
        }
        (false, None) => print(format!("heartbeat {milliseconds} ms").as_bytes()),
        (false, Some(_)) => Ok(()),
    }
}

fn print(line: &[u8]) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    let written = out.write_all(line).and_then(|()| out.write_all(b"\n")).and_then(|()| out.flush());
    written.map_err(|error| Failure::Peer(format!("cannot write the answer: {error}")))
}

async fn connect(args: &CallArgs, voice: Voice) -> Result<Anyone, CallError> {
    if args.udp {
        let form = if args.extended { Form::Extended { checksum: true } } else { Form::Base };
        let timing = Timing { timeout: args.timeout, ..Timing::default() };
        let datagram = ClientOptions { form, timing, ..ClientOptions::default() };
        let options = UdpCallerOptions { datagram, observer: show::observer(voice) };
        return UdpCaller::connect(&args.address, options).await.map(Anyone::Udp);
    }
    let form = if args.extended { Offer::Extended } else { Offer::Base };
    let options = CallerOptions {
        session: Options { form, ..Options::default() },
        connect_timeout: args.timeout,
        timeout: Some(args.timeout),
        ..CallerOptions::default()
    };
    if !voice.is_verbose() {
        return Caller::connect(&args.address, options).await.map(Anyone::Tcp);
    }
    let failed = |error| CallError::Connect(Arc::new(error));
    let connecting = tokio::time::timeout(args.timeout, TcpStream::connect(&args.address));
    let stream = connecting.await.map_err(|_| failed(io::ErrorKind::TimedOut.into()))?.map_err(failed)?;
    stream.set_nodelay(true).map_err(failed)?;
    let (caller, connection) = Caller::over(Watched::new(stream, voice), options);
    tokio::spawn(connection);
    Ok(Anyone::Tcp(caller))
}
