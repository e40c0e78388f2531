//! `wirelace conformance`: whether a server keeps the rules of a protocol.

mod case;
mod http2;
mod link;
mod report;
mod run;
mod verdict;

use std::io;
use std::net::ToSocketAddrs;
use std::time::Duration;

use clap::{Args, Subcommand};
use wirelace::tls_glue::{ClientTls, Roots};

use crate::failure::Failure;
use crate::voice::Voice;
use case::Case;
use link::Target;
use report::{Counts, Report};

/// What to test.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ConformanceArgs {
    #[command(subcommand)]
    protocol: Protocol,
}

#[derive(Debug, Subcommand)]
enum Protocol {
    /// An HTTP/2 server: RFC 9113, 7541, 9218 and 8441
    #[command(after_help = format!("{NOTES}\n\n{EXAMPLES}"))]
    H2(ServerArgs),
}

#[derive(Debug, Args)]
struct ServerArgs {
    /// The server
    #[arg(value_name = "HOST:PORT", required_unless_present = "list")]
    address: Option<String>,
    /// Speak TLS; nobody is asked who the server is
    #[arg(long)]
    tls: bool,
    /// The path of requests; some rules need an answer of a few octets
    #[arg(long, value_name = "PATH", default_value = "/", value_parser = path)]
    path: String,
    /// Only this case, or group, or section; may repeat
    #[arg(long, value_name = "ID")]
    case: Vec<String>,
    /// Also ask for what servers should do, and need not
    #[arg(long)]
    strict: bool,
    /// Seconds to wait for what has to come
    #[arg(long, value_name = "S", default_value = "2", value_parser = crate::get::seconds)]
    timeout: Duration,
    /// Connections at once
    #[arg(long, value_name = "N", default_value = "8", value_parser = clap::value_parser!(u8).range(1..))]
    parallel: u8,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    /// Print the cases, and test nothing
    #[arg(long)]
    list: bool,
}

const NOTES: &str = "\
Each case has a connection of its own, and sends frames that a client may send, or may not. A line for each case that \
fails: what was sent, what the RFC expects, what came. The ids of the groups generic, http2 and hpack have the \
sections of RFC 7540, those of the others name their RFC; what is expected is in RFC 9113.

Exit code 3: a case failed.";

const EXAMPLES: &str = "\
Examples:
  wirelace conformance h2 127.0.0.1:8080
  wirelace conformance h2 --tls --strict localhost:8443
  wirelace conformance h2 --case http2/5.1 --case hpack -v 127.0.0.1:8080
  wirelace conformance h2 --list";

fn path(text: &str) -> Result<String, String> {
    match text.starts_with('/') && text.bytes().all(|byte| byte.is_ascii_graphic()) {
        true => Ok(text.to_owned()),
        false => Err("a path begins with `/` and has neither blanks nor what is not ASCII".to_owned()),
    }
}

/// Runs the command.
pub(crate) fn run(args: &ConformanceArgs, voice: Voice) -> Result<(), Failure> {
    let Protocol::H2(args) = &args.protocol;
    let cases = chosen(args, http2::cases())?;
    let Some(address) = args.address.as_deref().filter(|_| !args.list) else {
        let text: String = cases.iter().map(|case| report::listed(case)).collect();
        return report::print(&text);
    };
    let target = target(args, address)?;
    let (outcomes, gone) = run::all(&target, &cases, usize::from(args.parallel), voice);
    let report = Report(&outcomes);
    if gone.is_none() || !outcomes.is_empty() {
        report::print(&if args.json { report.json() } else { report.text() })?;
    }
    if let Some(failure) = gone {
        return Err(failure);
    }
    match report.counts() {
        Counts { failed: 0, .. } => Ok(()),
        Counts { failed, passed, .. } => {
            Err(Failure::Check(format!("{address}: {failed} of {} cases failed", passed + failed)))
        }
    }
}

fn chosen<'a>(args: &ServerArgs, cases: impl Iterator<Item = &'a Case>) -> Result<Vec<&'a Case>, Failure> {
    let all: Vec<_> = cases.collect();
    if let Some(unknown) = args.case.iter().find(|wanted| !all.iter().any(|case| case.is_of(wanted))) {
        return Err(Failure::Usage(format!("there is no case {unknown:?}: see --list")));
    }
    let wanted = |case: &&&Case| {
        let named = args.case.iter().any(|wanted| wanted == case.id);
        let chosen = args.case.is_empty() || args.case.iter().any(|wanted| case.is_of(wanted));
        // Who names a case wants to see it.
        chosen && (named || args.strict || !case.strict || args.list)
    };
    Ok(all.iter().filter(wanted).copied().collect())
}

fn target(args: &ServerArgs, address: &str) -> Result<Target, Failure> {
    let usage = |error: io::Error| Failure::Usage(format!("{address}: {error} (HOST:PORT is expected)"));
    let mut found = address.to_socket_addrs().map_err(usage)?;
    let found = found.next().ok_or_else(|| Failure::Peer(format!("{address}: no address is known")))?;
    let tls = match args.tls {
        true => {
            let built = ClientTls::builder(Roots::Insecure).alpn(["h2"]).build();
            Some(built.map_err(|error| Failure::Usage(error.to_string()))?)
        }
        false => None,
    };
    Ok(Target {
        address: found,
        authority: address.to_owned(),
        path: args.path.clone(),
        tls,
        timeout: args.timeout,
        strict: args.strict,
    })
}
