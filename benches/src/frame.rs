//! What the contestants of `race frame` share: the command line, and the load.
//!
//! A contestant is one program with two roles, each on one thread: `serve ADDR`, which says where it listens, and
//! `call ADDR OCTETS IN_FLIGHT CALLS`, which says `ready`, calls when it is given a line, says how long that took,
//! and ends with its standard input.

use std::io::{self, BufRead as _};
use std::net::SocketAddr;
use std::time::Instant;

use bytes::Bytes;

/// Calls a server whose answer is the payload of the request.
pub trait Echo: Clone + Send + 'static {
    /// One call; an error ends the program.
    fn call(&self, payload: Bytes) -> impl Future<Output = io::Result<Bytes>> + Send;
}

/// Plays the role that the arguments (without the program's name) give.
///
/// # Errors
///
/// Wrong arguments, a call that failed, or a wrong answer.
pub fn run<C: Echo>(
    mut arguments: impl Iterator<Item = String>,
    serve: impl AsyncFnOnce(SocketAddr) -> io::Result<()>,
    connect: impl AsyncFnOnce(SocketAddr) -> io::Result<C>,
) -> io::Result<()> {
    let role = arguments.next().unwrap_or_default();
    let mut next = || arguments.next().ok_or_else(|| io::Error::other("an argument is missing"));
    let address: SocketAddr = next()?.parse().map_err(io::Error::other)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    if role == "serve" {
        return runtime.block_on(serve(address));
    }
    let mut number = || next()?.parse::<usize>().map_err(io::Error::other);
    let (octets, in_flight, calls) = (number()?, number()?, number()?);
    let client = runtime.block_on(connect(address))?;
    runtime.block_on(load(&client, octets, in_flight, calls / 20))?;
    let mut lines = io::stdin().lock().lines();
    println!("ready");
    if lines.next().transpose()?.is_some() {
        let began = Instant::now();
        let made = runtime.block_on(load(&client, octets, in_flight, calls))?;
        println!("{made} calls in {} s", began.elapsed().as_secs_f64());
    }
    // What it has cost is read before it ends.
    lines.next().transpose().map(drop)
}

/// So many tasks call one after the other, each with a payload of its own; returns how many calls were made.
async fn load<C: Echo>(client: &C, octets: usize, in_flight: usize, calls: usize) -> io::Result<usize> {
    let each = (calls / in_flight).max(1);
    let worker = |number: usize| {
        let (client, payload) = (client.clone(), Bytes::from(vec![number as u8; octets]));
        tokio::spawn(async move {
            for _ in 0..each {
                let answer = client.call(payload.clone()).await?;
                if answer != payload {
                    return Err(io::Error::other("a wrong answer"));
                }
            }
            Ok(each)
        })
    };
    let workers: Vec<_> = (0..in_flight).map(worker).collect();
    let mut made = 0;
    for worker in workers {
        made += worker.await.map_err(io::Error::other)??;
    }
    Ok(made)
}
