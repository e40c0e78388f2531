//! Our caller and our server, with all their limits and timeouts; the first argument names the form.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;

use bytes::Bytes;
use wirelace_benches::frame::{Echo, run};
use wirelace_runtime::frame::{Caller, CallerOptions, FrameServer, FrameServerOptions, Request, from_fn};
use wirelace_wire_codec::session::{Offer, Options};

#[derive(Clone)]
struct Client(Caller);

impl Echo for Client {
    async fn call(&self, payload: Bytes) -> io::Result<Bytes> {
        self.0.call(payload).await.map_err(io::Error::other)
    }
}

async fn echo(request: Request) -> Result<Bytes, Infallible> {
    Ok(request.payload)
}

async fn serve(address: SocketAddr) -> io::Result<()> {
    let server = FrameServer::bind(address, from_fn(echo), FrameServerOptions::default())?;
    eprintln!("listening frame {}", server.local_addr());
    server.run(std::future::pending()).await
}

fn main() -> io::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let form = match arguments.next().as_deref() {
        Some("base") => Offer::Base,
        Some("extended") => Offer::Extended,
        _ => return Err(io::Error::other("base or extended?")),
    };
    let session = Options { form, ..Options::default() };
    let options = CallerOptions { session, ..CallerOptions::default() };
    let connect =
        async |address| Caller::connect(address, options).await.map(Client).map_err(io::Error::other);
    run(arguments, serve, connect)
}
