//! The `wirelace` command: servers, a client and an inspector for the web protocols.
//!
//! Data goes to stdout, what is said to a person to stderr. Exit codes: 0 done, 1 the peer or the network failed,
//! 2 wrong usage, 3 a check failed.
#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod client_tls;
mod conformance;
mod decode;
mod demo;
mod failure;
mod frame;
mod get;
mod listen;
mod origin;
mod partial;
mod probe;
mod serve;
mod signals;
mod tls;
mod voice;

use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{ArgMatches, Args, CommandFactory, FromArgMatches, Parser, Subcommand};

use failure::Failure;
use voice::{Level, Voice};

#[derive(Debug, Parser)]
#[command(
    name = "wirelace",
    version,
    about = "The web protocol stack, from the byte up: servers, a client and an inspector",
    after_help = EXAMPLES
)]
struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Option<Command>,
    /// Without a command: the demo, with its options.
    #[command(flatten)]
    demo: demo::DemoArgs,
}

#[derive(Debug, Args)]
struct Global {
    /// Show the protocol as it happens
    #[arg(short, long, global = true, conflicts_with = "quiet", display_order = 100)]
    verbose: bool,
    /// Say nothing but errors
    #[arg(short, long, global = true, display_order = 100)]
    quiet: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the test endpoints and a live page (also what runs without a command)
    Demo(demo::DemoArgs),
    /// Serve the files of a directory
    Serve(serve::ServeArgs),
    /// Fetch URLs
    Get(get::GetArgs),
    /// Look at a server's TLS: what is agreed on, its certificates, whether they are good
    Probe(probe::ProbeArgs),
    /// Call and answer in the binary framing protocol
    Frame(frame::FrameArgs),
    /// Test whether a server keeps the rules of a protocol
    Conformance(conformance::ConformanceArgs),
    /// Show what bytes on the wire mean
    Decode(decode::DecodeArgs),
}

const EXAMPLES: &str = "\
Exit codes: 0 done, 1 the peer or the network failed, 2 wrong usage, 3 a check failed.

Examples:
  wirelace                                    the demo on http://127.0.0.1:8080
  wirelace serve public --plain 127.0.0.1:0   files, on a free port
  wirelace get -i http://127.0.0.1:8080/hello
  wirelace probe example.com                  what its TLS and its certificates are like
  wirelace decode http1 captured.bin";

/// The command line; ends the process where it is wrong, or asks for help.
fn command_line() -> Cli {
    let matches = Cli::command().get_matches();
    let parsed = demo_options_alone(&matches).and_then(|()| Cli::from_arg_matches(&matches));
    parsed.unwrap_or_else(|error| error.exit())
}

/// The demo's options in front of another command would do nothing.
fn demo_options_alone(matches: &ArgMatches) -> Result<(), clap::Error> {
    let Some(command) = matches.subcommand_name() else { return Ok(()) };
    let options = demo::DemoArgs::augment_args(clap::Command::new("demo"));
    let given = |id: &str| matches.value_source(id) == Some(ValueSource::CommandLine);
    match options.get_arguments().find(|option| given(option.get_id().as_str())) {
        None => Ok(()),
        Some(option) => {
            let name = option.get_long().unwrap_or_default();
            let message = format!("--{name} in front of `{command}` would do nothing");
            Err(Cli::command().error(ErrorKind::ArgumentConflict, message))
        }
    }
}

fn main() -> ExitCode {
    let cli = command_line();
    let level = match (cli.global.quiet, cli.global.verbose) {
        (true, _) => Level::Quiet,
        (_, true) => Level::Verbose,
        _ => Level::Normal,
    };
    let voice = Voice::new(level);
    let result: Result<(), Failure> = match cli.command.unwrap_or(Command::Demo(cli.demo)) {
        Command::Demo(args) => demo::run(&args, voice),
        Command::Serve(args) => serve::run(&args, voice),
        Command::Get(args) => get::run(&args, voice),
        Command::Probe(args) => probe::run(&args, voice),
        Command::Frame(args) => frame::run(&args, voice),
        Command::Conformance(args) => conformance::run(&args, voice),
        Command::Decode(args) => decode::run(&args),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            voice.error(&failure);
            failure.exit_code()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }
}
