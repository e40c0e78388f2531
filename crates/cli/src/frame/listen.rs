//! `wirelace frame listen`.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;

use bytes::Bytes;
use clap::Args;
use wirelace::runtime::frame::{
    FrameServer, FrameServerOptions, Request, UdpServer, UdpServerOptions, from_fn,
};

use super::show;
use crate::failure::Failure;
use crate::listen::GRACE;
use crate::signals::Signals;
use crate::voice::Voice;

#[derive(Debug, Args)]
pub(super) struct ListenArgs {
    /// Where; port 0 takes a free one
    #[arg(value_name = "ADDR")]
    address: SocketAddr,
    /// Datagrams instead of connections
    #[arg(long)]
    udp: bool,
}

pub(super) async fn run(args: &ListenArgs, voice: Voice) -> Result<(), Failure> {
    let failed = |error: io::Error| Failure::Peer(format!("cannot listen at {}: {error}", args.address));
    let echo = from_fn(move |request: Request| async move {
        voice.detail(format_args!("* at work on {} octets from {}", request.payload.len(), request.peer));
        Ok::<Bytes, Infallible>(request.payload)
    });
    let served = if args.udp {
        let observer = show::observer(voice);
        let options = UdpServerOptions { grace: GRACE, observer, ..UdpServerOptions::default() };
        let server = UdpServer::bind(args.address, echo, options).map_err(failed)?;
        let shutdown = ready(server.local_addr(), voice).map_err(failed)?;
        server.run(shutdown.wait()).await
    } else {
        let options = FrameServerOptions { grace: GRACE, ..FrameServerOptions::default() };
        let server = FrameServer::bind(args.address, echo, options).map_err(failed)?;
        let shutdown = ready(server.local_addr(), voice).map_err(failed)?;
        server.run(shutdown.wait()).await
    };
    served.map_err(|error| Failure::Peer(format!("the server failed: {error}")))
}

/// Says that it listens. Whoever waits for that may send a signal at once.
fn ready(address: SocketAddr, voice: Voice) -> io::Result<Signals> {
    let shutdown = Signals::listen()?;
    voice.ready(format_args!("listening frame {address}"));
    Ok(shutdown)
}
