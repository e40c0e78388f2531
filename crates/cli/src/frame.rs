//! `wirelace frame`: the binary framing protocol, over TCP.

use std::convert::Infallible;
use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use clap::{Args, Subcommand};
use wirelace::runtime::frame::{
    Call, Caller, CallerOptions, FrameServer, FrameServerOptions, Request, from_fn,
};
use wirelace::wire_codec::session::{Offer, Options};

use crate::failure::Failure;
use crate::listen::{GRACE, Signals};
use crate::voice::Voice;

const EXAMPLES: &str = "\
Examples:
  wirelace frame listen 127.0.0.1:9000
  wirelace frame call 127.0.0.1:9000 one two three
  wirelace frame call --extended 127.0.0.1:9000 hello";

/// What to do.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct FrameArgs {
    #[command(subcommand)]
    command: FrameCommand,
}

#[derive(Debug, Subcommand)]
enum FrameCommand {
    /// Answer requests with their own payload, in the form that the peer speaks
    #[command(after_help = EXAMPLES)]
    Listen {
        /// Where; port 0 takes a free one
        #[arg(value_name = "ADDR")]
        address: SocketAddr,
    },
    /// Send requests, and print their answers one a line, in their order
    #[command(after_help = EXAMPLES)]
    Call(CallArgs),
}

#[derive(Debug, Args)]
struct CallArgs {
    /// Whom, as HOST:PORT
    #[arg(value_name = "ADDR")]
    address: String,
    /// The payload of each request
    #[arg(value_name = "TEXT", required = true)]
    texts: Vec<String>,
    /// Offer the extended form, and fall back to the base form
    #[arg(long)]
    extended: bool,
    /// How long a call may take
    #[arg(long, value_name = "S", default_value = "10", value_parser = seconds)]
    timeout: Duration,
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| "not a number of seconds".to_owned())?;
    Duration::try_from_secs_f64(seconds).map_err(|error| error.to_string())
}

/// Runs the command.
pub(crate) fn run(args: &FrameArgs, voice: Voice) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::Peer(format!("cannot start: {error}")))?;
    match &args.command {
        FrameCommand::Listen { address } => runtime.block_on(listen(*address, voice)),
        FrameCommand::Call(args) => runtime.block_on(call(args, voice)),
    }
}

async fn echo(request: Request) -> Result<Bytes, Infallible> {
    Ok(request.payload)
}

async fn listen(address: SocketAddr, voice: Voice) -> Result<(), Failure> {
    let failed = |error: io::Error| Failure::Peer(format!("cannot listen at {address}: {error}"));
    let options = FrameServerOptions { grace: GRACE, ..FrameServerOptions::default() };
    let server = FrameServer::bind(address, from_fn(echo), options).map_err(failed)?;
    let shutdown = Signals::listen().map_err(failed)?;
    voice.ready(format_args!("listening frame {}", server.local_addr()));
    server.run(shutdown.wait()).await.map_err(|error| Failure::Peer(format!("the server failed: {error}")))
}

async fn call(args: &CallArgs, voice: Voice) -> Result<(), Failure> {
    let form = if args.extended { Offer::Extended } else { Offer::Base };
    let options = CallerOptions {
        session: Options { form, ..Options::default() },
        connect_timeout: args.timeout,
        timeout: Some(args.timeout),
        ..CallerOptions::default()
    };
    let connecting = Caller::connect(&args.address, options).await;
    let caller = connecting.map_err(|error| Failure::Peer(format!("{}: {error}", args.address)))?;
    // All are under way at once.
    let calls: Vec<_> = args
        .texts
        .iter()
        .map(|text| {
            let (caller, call) = (caller.clone(), Call::from(text.clone()));
            tokio::spawn(async move { caller.call(call).await })
        })
        .collect();
    let mut failed = None;
    for (text, call) in args.texts.iter().zip(calls) {
        match call.await {
            Ok(Ok(answer)) => {
                let mut out = io::stdout().lock();
                let written =
                    out.write_all(&answer).and_then(|()| out.write_all(b"\n")).and_then(|()| out.flush());
                written.map_err(|error| Failure::Peer(format!("cannot write the answer: {error}")))?;
            }
            Ok(Err(error)) => {
                let failure = Failure::Peer(format!("{text}: {error}"));
                if let Some(earlier) = failed.replace(failure) {
                    voice.error(&earlier);
                }
            }
            Err(error) => return Err(Failure::Peer(format!("{text}: {error}"))),
        }
    }
    failed.map_or(Ok(()), Err)
}
