//! The TLS load that wrk cannot make: `tls-load ADDR CERTIFICATE get|post|hold|full|resumed …`.
//!
//! - `get PATH`, `post PATH`: one request (a post of 1 MiB), the answer on standard output
//! - `hold COUNT`: as many connections, each with one request answered, until standard input ends; says `held`
//! - `full|resumed TASKS COUNT [close]`: new connections with one request each, which this side ends, or the server
//!   (`Connection: close`); says `ready`, goes on after a line of standard input, says
//!   `COUNT handshakes in SECONDS s`. One that is not what was asked for is an error.

use std::error::Error;
use std::io::{BufRead as _, Write as _};
use std::path::Path;
use std::time::Instant;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use wirelace_peers::tls_client::{Client, ask};
use wirelace_peers::{BODY, BULK};

const KEEP: &[u8] = b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n";
const CLOSE: &[u8] = b"GET / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";

type Outcome = Result<(), Box<dyn Error>>;

fn main() -> Outcome {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(run())
}

async fn run() -> Outcome {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let [address, certificate, rest @ ..] = &arguments[..] else {
        return Err("two arguments are missing".into());
    };
    let client = |sessions| {
        Client::new(address.parse().map_err(std::io::Error::other)?, Path::new(certificate), sessions)
    };
    match rest {
        ["get", path] => one(&client(0)?, format!("GET {path} HTTP/1.1"), 0).await,
        ["post", path] => {
            one(&client(0)?, format!("POST {path} HTTP/1.1\r\ncontent-length: {BULK}"), BULK).await
        }
        ["hold", count] => hold(&client(0)?, count.parse()?).await,
        [kind @ ("full" | "resumed"), tasks, count, end @ ..] => {
            let request = if end == ["close"] { CLOSE } else { KEEP };
            let resumed = *kind == "resumed";
            let tasks = (0..tasks.parse()?).map(|_| client(if resumed { 8 } else { 0 }));
            handshakes(tasks.collect::<Result<_, _>>()?, resumed, request, count.parse()?).await
        }
        _ => Err("get, post, hold, full or resumed".into()),
    }
}

async fn one(client: &Client, line: String, body: usize) -> Outcome {
    let (mut stream, _) = client.connect().await?;
    let mut request = format!("{line}\r\nhost: localhost\r\nconnection: close\r\n\r\n").into_bytes();
    request.resize(request.len() + body, b'x');
    let answer = ask(&mut stream, &request, None).await?;
    Ok(std::io::stdout().write_all(&answer)?)
}

async fn hold(client: &Client, count: usize) -> Outcome {
    let mut held = Vec::with_capacity(count);
    for _ in 0..count {
        let (mut stream, _) = client.connect().await?;
        ask(&mut stream, KEEP, Some(BODY.as_bytes())).await?;
        held.push(stream);
    }
    println!("held");
    Ok(std::io::stdin().lines().for_each(drop))
}

async fn handshakes(clients: Vec<Client>, resumed: bool, request: &'static [u8], count: usize) -> Outcome {
    // The first ones bring the sessions.
    for client in &clients {
        connection(client, request).await?;
    }
    println!("ready");
    std::io::stdin().lock().read_line(&mut String::new())?;
    let (start, each) = (Instant::now(), count.div_ceil(clients.len()));
    let total = each * clients.len();
    let tasks = clients.into_iter().map(|client| {
        tokio::spawn(async move {
            for _ in 0..each {
                if connection(&client, request).await? != resumed {
                    return Err(std::io::Error::other(if resumed { "not resumed" } else { "resumed" }));
                }
            }
            Ok(())
        })
    });
    for task in tasks.collect::<Vec<_>>() {
        task.await??;
    }
    println!("{total} handshakes in {:.6} s", start.elapsed().as_secs_f64());
    Ok(())
}

/// One connection with one request.
async fn connection(client: &Client, request: &[u8]) -> std::io::Result<bool> {
    let (mut stream, resumed) = client.connect().await?;
    let answer = if request == CLOSE {
        ask(&mut stream, request, None).await?
    } else {
        let answer = ask(&mut stream, request, Some(BODY.as_bytes())).await?;
        stream.shutdown().await?;
        // The server may end it with or without a word.
        let _ = stream.read_to_end(&mut Vec::new()).await;
        answer
    };
    if answer.starts_with(b"HTTP/1.1 200 OK\r\n") && answer.ends_with(BODY.as_bytes()) {
        Ok(resumed)
    } else {
        Err(std::io::Error::other(format!("wrong answer: {:?}", String::from_utf8_lossy(&answer))))
    }
}
