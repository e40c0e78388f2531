//! `wirelace get`: fetches URLs.

mod channel;
mod fetch;
mod hsts;
mod json;
mod line;
mod output;
mod overheard;
mod pool;
mod reader;
mod show;
mod template;
mod trouble;
mod unpack;
mod url;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use clap::{Args, ValueEnum};
use http::Version;
use tokio::task::JoinSet;
use wirelace::client;
use wirelace::tls_glue::ClientTls;

use crate::client_tls::ClientTlsArgs;
use crate::failure::Failure;
use crate::origin::Resolve;
use crate::voice::Voice;
use fetch::{Fetcher, Options};
use hsts::Hsts;
use line::Lines;
use output::Output;
use pool::Pool;
use template::Template;
pub(crate) use url::Url;

/// What to fetch, and how.
#[derive(Debug, Args)]
#[command(after_help = format!("{NOTES}\n\n{}\n\n{EXAMPLES}", json::FIELDS))]
pub(crate) struct GetArgs {
    /// What to fetch; several from one server share a connection, with HTTP/2 at the same time
    #[arg(required = true, value_name = "URL")]
    urls: Vec<String>,
    /// The method [default: GET, with -d POST]
    #[arg(short = 'X', value_name = "METHOD")]
    method: Option<String>,
    /// A field to send; 'name:' takes a default away, 'name;' sends an empty one; may repeat
    #[arg(short = 'H', value_name = "NAME: VALUE")]
    fields: Vec<String>,
    /// The body: text (several are joined by `&`), @FILE, or @- for standard input
    #[arg(short = 'd', value_name = "DATA", allow_hyphen_values = true)]
    data: Vec<String>,
    /// Write the bodies to this file instead of standard output
    #[arg(short = 'o', value_name = "FILE")]
    output: Option<PathBuf>,
    /// Show the head of each response, too
    #[arg(short = 'i')]
    include: bool,
    /// This version of HTTP only; 2 over http:// takes the server to know it [default: what an https server chooses,
    /// over http:// 1.1]
    #[arg(long, value_name = "VERSION", value_enum)]
    http: Option<HttpVersion>,
    /// Take what a server pushes over HTTP/2; -v shows what that was
    #[arg(long)]
    push: bool,
    /// Connect to ADDR for this host and port; may repeat
    #[arg(long, value_name = "HOST:PORT:ADDR")]
    resolve: Vec<Resolve>,
    /// Fetch each URL so many times
    #[arg(long, value_name = "N", default_value = "1", value_parser = clap::value_parser!(u64).range(1..))]
    repeat: u64,
    /// So many at a time
    #[arg(long, value_name = "N", default_value = "1", value_parser = clap::value_parser!(u16).range(1..=1024))]
    parallel: u16,
    /// Try again so many times after a failure that may pass
    #[arg(long, value_name = "N", default_value = "0")]
    retry: u32,
    /// Seconds that one response may take, connecting included [default: no limit]
    #[arg(long, value_name = "S", value_parser = seconds)]
    timeout: Option<Duration>,
    /// Ask for gzip or deflate, and unpack it
    #[arg(long)]
    compressed: bool,
    /// Print one JSON object a response instead of the bodies, which go to -o alone
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    tls: ClientTlsArgs,
    /// Do not ask who the server is: whoever sits on the way can read and change everything
    #[arg(long, conflicts_with_all = ["cacert", "crl", "ct_log_list"])]
    insecure: bool,
    /// Send a request that changes nothing (GET, HEAD) with the handshake, where a server of https that was met before
    /// takes that (0-RTT): somebody on the way can send it again
    #[arg(long)]
    early_data: bool,
    /// Know from this file which hosts are for https alone (HSTS), and keep in it which say so
    #[arg(long, value_name = "FILE")]
    hsts: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum HttpVersion {
    #[value(name = "1.0")]
    Http10,
    #[value(name = "1.1")]
    Http11,
    #[value(name = "2")]
    Http2,
}

const NOTES: &str = "\
The bodies come in the order of the URLs. Any status counts as an answer. The exit code is 1 when a response is \
missing or incomplete, and 3 when a server's certificate is refused. Again is tried only what may be sent twice \
(GET, HEAD, PUT, DELETE and the like): when no connection could be made, when it broke, and for 408, 429, 502, 503 \
and 504.";

const EXAMPLES: &str = "\
Examples:
  wirelace get http://127.0.0.1:8080/hello
  wirelace get -i -d 'a=1' -d 'b=2' http://127.0.0.1:8080/echo
  wirelace get -X PUT -H 'Content-Type: image/png' -d @picture.png http://127.0.0.1:8080/upload
  wirelace get --http 1.0 -o copy http://127.0.0.1:8080/bytes/1000000
  wirelace get --json --repeat 100 --parallel 10 http://127.0.0.1:8080/hello
  wirelace get --resolve example.com:8080:127.0.0.1 http://example.com:8080/headers
  wirelace get -v --cacert ~/.cache/wirelace/localhost.pem https://localhost:8443/hello
  wirelace get --http 2 --repeat 1000 --parallel 100 --json https://localhost:8443/hello
  wirelace get -v --http 2 --push http://127.0.0.1:8080/push
  wirelace get --hsts ~/.hsts http://example.com/
  wirelace get --early-data --repeat 2 -H 'Connection: close' https://localhost:8443/early
  wirelace get --tls-max 1.2 --cert client.pem --key client.key https://internal.example/";

pub(crate) fn seconds(text: &str) -> Result<Duration, String> {
    let seconds = text.parse::<f64>().map_err(|error| error.to_string())?;
    if seconds <= 0.0 {
        return Err("has to be more than 0".to_owned());
    }
    Duration::try_from_secs_f64(seconds).map_err(|error| error.to_string())
}

impl GetArgs {
    fn tls(&self, voice: Voice) -> Result<ClientTls, Failure> {
        let offered: &[&str] = match self.http {
            None => &["h2", "http/1.1"],
            Some(HttpVersion::Http10 | HttpVersion::Http11) => &["http/1.1"],
            Some(HttpVersion::Http2) => &["h2"],
        };
        let settings = self.tls.settings(voice)?.early_data(self.early_data);
        if self.insecure { settings.insecure(offered, voice) } else { settings.verifying(offered) }
    }
}

/// Runs the command.
pub(crate) fn run(args: &GetArgs, voice: Voice) -> Result<(), Failure> {
    let (version, spoken) = match args.http {
        None => (Version::HTTP_11, client::HttpVersion::Best),
        Some(HttpVersion::Http10) => (Version::HTTP_10, client::HttpVersion::Http1),
        Some(HttpVersion::Http11) => (Version::HTTP_11, client::HttpVersion::Http1),
        Some(HttpVersion::Http2) => (Version::HTTP_11, client::HttpVersion::Http2),
    };
    let template = Template::new(args.method.as_deref(), version, &args.fields, &args.data, args.compressed)
        .map_err(Failure::Usage)?;
    let urls =
        args.urls.iter().map(|url| Url::parse(url)).collect::<Result<Vec<_>, _>>().map_err(Failure::Usage)?;
    let total = args.repeat.saturating_mul(urls.len() as u64);
    if total > 1 && !template.can_repeat() {
        return Err(Failure::Usage("-d @-: standard input can be sent once only".to_owned()));
    }
    // All heads are tried before anything is sent.
    for url in &urls {
        template.head(url).map_err(Failure::Usage)?;
    }
    let output = Output::new(args.output.as_deref(), args.json).map_err(|error| {
        let name = args.output.as_ref().map(|path| path.display().to_string());
        Failure::Usage(format!("{}: {error}", name.unwrap_or_default()))
    })?;
    let options = Options {
        include: args.include,
        json: args.json,
        retry: args.retry,
        timeout: args.timeout,
        compressed: args.compressed,
    };
    let hsts = args.hsts.as_deref().map(|path| Hsts::open(path, voice)).transpose()?;
    let secure = hsts.is_some() || urls.iter().any(|url| url.origin.tls);
    let tls = if secure { Some(args.tls(voice)?) } else { None };
    let connections = client::Options::default().push(args.push);
    let pool = Pool::new(args.resolve.clone(), tls, connections, spoken, voice);
    let fetcher = Arc::new(Fetcher { template, options, output, pool, hsts, voice });
    let failed = |error: std::io::Error| Failure::Peer(error.to_string());
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(failed)?;
    let result = runtime.block_on(async {
        let result = all(Arc::clone(&fetcher), urls, total, args.parallel.into()).await;
        fetcher.pool.finish().await;
        result
    });
    let saved = fetcher.hsts.as_ref().map_or(Ok(()), Hsts::save);
    // A read of standard input that nobody waits for must not keep the process.
    runtime.shutdown_background();
    match (result, saved) {
        (Err(failure), Err(unsaved)) => {
            voice.error(unsaved);
            Err(failure)
        }
        (result, saved) => result.and(saved),
    }
}

/// Fetches in the order of the URLs, so many at a time.
async fn all(fetcher: Arc<Fetcher>, urls: Vec<Url>, total: u64, parallel: u64) -> Result<(), Failure> {
    let lines = Arc::new(Lines::new(&urls, fetcher.output.is_ordered()));
    let urls = Arc::new(urls);
    let next = Arc::new(AtomicU64::new(0));
    let mut workers = JoinSet::new();
    for _ in 0..parallel.min(total) {
        let (fetcher, urls, next) = (Arc::clone(&fetcher), Arc::clone(&urls), Arc::clone(&next));
        let lines = Arc::clone(&lines);
        workers.spawn(async move {
            let mut first = None;
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= total || fetcher.output.is_abandoned() {
                    return first;
                }
                // In bounds: the remainder is smaller than the length.
                let Some(url) = urls.get((number % urls.len() as u64) as usize) else { return first };
                let Some(place) = lines.place(number) else { return first };
                if let Err(reason) = fetcher.fetch(url, number, place).await {
                    match first {
                        None => first = Some(reason),
                        Some(_) => fetcher.voice.error(reason),
                    }
                }
            }
        });
    }
    let mut failure = None;
    while let Some(worker) = workers.join_next().await {
        match worker.map_err(|error| Failure::Peer(error.to_string()))? {
            Some(reason) if failure.is_none() => failure = Some(reason),
            Some(reason) => fetcher.voice.error(reason),
            None => {}
        }
    }
    failure.map_or(Ok(()), Err)
}
