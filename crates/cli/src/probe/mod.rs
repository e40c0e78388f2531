//! `wirelace probe`: what a server shows to whoever connects with TLS.

mod json;
mod look;
mod target;
mod text;
mod words;

use std::io::{self, Write};
use std::time::Duration;

use clap::Args;

use crate::client_tls::ClientTlsArgs;
use crate::failure::Failure;
use crate::origin::Resolve;
use crate::voice::Voice;
use look::Probe;
use target::{Connect, Target};

/// Whom to look at, and how.
#[derive(Debug, Args)]
#[command(after_help = format!("{NOTES}\n\n{}\n\n{EXAMPLES}", json::FIELDS))]
pub(crate) struct ProbeArgs {
    /// The server: HOST, HOST:PORT, or an https URL [default port: 443]
    #[arg(value_name = "HOST[:PORT]")]
    target: Target,
    /// Connect to this address instead of the host's
    #[arg(long, value_name = "ADDR[:PORT]", conflicts_with = "resolve")]
    connect: Option<Connect>,
    /// Connect to ADDR for this host and port; may repeat
    #[arg(long, value_name = "HOST:PORT:ADDR")]
    resolve: Vec<Resolve>,
    /// Ask for the certificate of this name (SNI), and check that it is for it [default: HOST]
    #[arg(long, value_name = "NAME")]
    servername: Option<String>,
    /// Seconds that each step may take
    #[arg(long, value_name = "S", default_value = "10", value_parser = crate::get::seconds)]
    timeout: Duration,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    tls: ClientTlsArgs,
}

const NOTES: &str = "\
Up to four connections are made: one to see what the server shows, a second without asking who it is where the first \
refuses it, one with HEAD / over HTTP/1.1, and one to see whether its session is resumed. HTTP/3 is not yet looked \
at.

Exit code 3: the server's certificate is refused; the report is there nevertheless. 1: there is no TLS to look at. A \
server without an answer to HEAD / is no failure: others than HTTP's speak TLS, too.";

const EXAMPLES: &str = "\
Examples:
  wirelace probe example.com
  wirelace probe --json mail.example.com:993
  wirelace probe --cacert ~/.cache/wirelace/localhost.pem localhost:8443
  wirelace probe --connect 127.0.0.1:8443 --servername www.example.com example.com
  wirelace probe --ct-log-list log_list.json --crl ca.crl --tls-max 1.2 example.com";

/// Runs the command.
pub(crate) fn run(args: &ProbeArgs, voice: Voice) -> Result<(), Failure> {
    let settings = args.tls.settings(voice)?;
    let probe = Probe {
        name: args.servername.clone().unwrap_or_else(|| args.target.origin.host.clone()),
        target: &args.target,
        connect: args.connect.map(|connect| connect.to(&args.target)),
        resolve: &args.resolve,
        timeout: args.timeout,
        settings: &settings,
        voice,
    };
    let failed = |error: io::Error| Failure::Peer(error.to_string());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(failed)?;
    let findings = runtime.block_on(probe.look())?;
    let text = if args.json { format!("{}\n", json::object(&findings)) } else { text::report(&findings) };
    match io::stdout().lock().write_all(text.as_bytes()) {
        // Whoever reads has seen enough.
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => return Err(failed(error)),
        _ => {}
    }
    match &findings.refusal {
        Some(error) => Err(Failure::Check(format!("{}: {error}", args.target))),
        None => Ok(()),
    }
}
