//! `wirelace frame`: the binary framing protocol, over TCP and UDP.

mod call;
mod listen;
mod show;
mod watched;

use clap::{Args, Subcommand};

use crate::failure::Failure;
use crate::voice::Voice;

const EXAMPLES: &str = "\
Examples:
  wirelace frame listen 127.0.0.1:9000
  wirelace frame call 127.0.0.1:9000 one two three
  wirelace frame call --extended 127.0.0.1:9000 hello
  wirelace frame listen --udp 127.0.0.1:9000
  wirelace frame call --heartbeat --udp 127.0.0.1:9000
  wirelace frame call --udp --json --timeout 2 127.0.0.1:9000 hello";

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
    Listen(listen::ListenArgs),
    /// Send requests, and print their answers one a line, in their order
    #[command(after_help = EXAMPLES)]
    Call(call::CallArgs),
}

/// Runs the command.
pub(crate) fn run(args: &FrameArgs, voice: Voice) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::Peer(format!("cannot start: {error}")))?;
    match &args.command {
        FrameCommand::Listen(args) => runtime.block_on(listen::run(args, voice)),
        FrameCommand::Call(args) => runtime.block_on(call::run(args, voice)),
    }
}
