//! Calls in datagrams, over real sockets.
#![cfg(feature = "frame")]

mod caller;
mod server;

use std::convert::Infallible;
use std::future::pending;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use tokio::net::UdpSocket;
use wirelace_runtime::frame::{
    Call, Request, UdpCaller, UdpCallerOptions, UdpServer, UdpServerOptions, from_fn,
};
use wirelace_wire_codec::datagram::Form;

const LOCAL: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 0);
const EXTENDED: Form = Form::Extended { checksum: false };
const FORMS: [Form; 3] = [Form::Base, EXTENDED, Form::Extended { checksum: true }];

/// For calls that end by their time.
const SHORT: Duration = Duration::from_millis(100);

async fn echo(request: Request) -> Result<Bytes, Infallible> {
    Ok(request.payload)
}

fn start_echo() -> SocketAddr {
    let server = UdpServer::bind(LOCAL, from_fn(echo), UdpServerOptions::default()).unwrap();
    let address = server.local_addr();
    tokio::spawn(server.run(pending()));
    address
}

fn options(form: Form) -> UdpCallerOptions {
    let mut options = UdpCallerOptions::default();
    options.datagram.form = form;
    options.datagram.timing.timeout = Duration::from_secs(30);
    options.datagram.timing.initial_rto = Duration::from_millis(50);
    options
}

async fn caller(address: SocketAddr, form: Form) -> UdpCaller {
    UdpCaller::connect(address, options(form)).await.unwrap()
}

fn short(payload: &'static str) -> Call {
    Call::new(payload).timeout(SHORT)
}

/// A socket of a peer that is no machine of ours.
async fn raw() -> UdpSocket {
    UdpSocket::bind(LOCAL).await.unwrap()
}

async fn next(socket: &UdpSocket) -> (Vec<u8>, SocketAddr) {
    let mut buffer = vec![0; 65_536];
    let (octets, from) = socket.recv_from(&mut buffer).await.unwrap();
    buffer.truncate(octets);
    (buffer, from)
}
