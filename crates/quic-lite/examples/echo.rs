//! `echo client ADDRESS CA.pem OCTETS`: sends so many octets on one stream and wants them back.
//! `echo server ADDRESS CERT.pem KEY.pem`: sends all streams back. One connection at a time is enough for an example.

use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use bytes::{Bytes, BytesMut};
use wirelace_quic_lite::tls::quic::{QuicClientTls, QuicServerTls, ResetKey, TokenKeys};
use wirelace_quic_lite::tls::{CertificateStore, ClientTls, Identity, Roots, ServerTls};
use wirelace_quic_lite::{
    ClientConfig, Connection, Datagram, Direction, Ecn, Endpoint, Event, Remembered, Routed, ServerConfig,
};

type Error = Box<dyn std::error::Error>;

fn main() -> Result<(), Error> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["client", address, ca, octets] => client(address.parse()?, ca, octets.parse()?),
        ["server", address, cert, key] => server(address.parse()?, cert, key),
        _ => Err("see the first lines of the example".into()),
    }
}

fn seed() -> [u8; 32] {
    // Good enough to try it out; a real program takes random octets.
    let mut seed = [0; 32];
    let nanos = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_nanos();
    seed[..16].copy_from_slice(&nanos.to_be_bytes());
    seed
}

struct Host {
    socket: UdpSocket,
    endpoint: Endpoint,
    connections: Vec<(wirelace_quic_lite::Handle, Connection)>,
    out: Vec<u8>,
}

impl Host {
    fn send(&mut self) -> Result<(), Error> {
        let now = Instant::now();
        for (handle, connection) in &mut self.connections {
            while let Some(transmit) = connection.poll_transmit(now, &mut self.out, 10) {
                for datagram in self.out.chunks(transmit.segment.unwrap_or(transmit.size)) {
                    self.socket.send_to(datagram, transmit.destination)?;
                }
            }
            self.endpoint.update(*handle, connection);
        }
        Ok(())
    }

    /// Waits for a datagram or a timer.
    fn wait(&mut self) -> Result<(), Error> {
        let deadline = self.connections.iter().filter_map(|(_, connection)| connection.deadline()).min();
        let patience = deadline.map(|at| at.saturating_duration_since(Instant::now()));
        self.socket.set_read_timeout(Some(
            patience.unwrap_or(Duration::from_secs(60)).max(Duration::from_millis(1)),
        ))?;
        let mut buffer = [0; 2048];
        let got = self.socket.recv_from(&mut buffer);
        let now = Instant::now();
        if let Ok((length, remote)) = got {
            let data = BytesMut::from(&buffer[..length]);
            let datagram = Datagram { remote, local: None, ecn: Ecn::NotEct, data };
            match self.endpoint.route(now, SystemTime::now(), datagram, &mut self.out) {
                Routed::Connection(handle, datagram) => {
                    if let Some((_, connection)) = self.connections.iter_mut().find(|(own, _)| *own == handle)
                    {
                        connection.receive(now, datagram);
                    }
                }
                Routed::Incoming(incoming) => {
                    let accepted = self.endpoint.accept(now, *incoming)?;
                    self.connections.push(accepted);
                }
                Routed::Answer(transmit) => drop(self.socket.send_to(&self.out, transmit.destination)?),
                Routed::Nothing => {}
            }
        }
        for (_, connection) in &mut self.connections {
            connection.on_deadline(now);
        }
        Ok(())
    }
}

fn client(remote: SocketAddr, ca: &str, octets: usize) -> Result<(), Error> {
    let roots = Roots::from_pem(&std::fs::read(ca)?)?;
    let tls = ClientTls::builder(roots).build()?;
    let config = ClientConfig::new(QuicClientTls::new(&tls, ["echo"])?);
    let mut host = Host {
        socket: UdpSocket::bind("127.0.0.1:0")?,
        endpoint: Endpoint::new(None, &seed()),
        connections: Vec::new(),
        out: Vec::new(),
    };
    let now = Instant::now();
    let made = host.endpoint.connect(&config, "localhost", remote, &Remembered::default(), now)?;
    host.connections.push(made);
    let (mut stream, mut sent, mut got) = (None, 0, 0);
    loop {
        host.send()?;
        host.wait()?;
        let (_, connection) = &mut host.connections[0];
        while let Some(event) = connection.poll_event() {
            match event {
                Event::Complete(report) => {
                    println!("{report:?}");
                    stream = connection.open(Direction::Bidirectional);
                }
                Event::Closed(reason) => {
                    println!("{reason}; {:?}", connection.stats());
                    return if got == octets { Ok(()) } else { Err("cut".into()) };
                }
                event => println!("{event:?}"),
            }
        }
        let Some(stream) = stream else { continue };
        while sent < octets && connection.capacity(stream) > 0 {
            let some = (octets - sent).min(65_536);
            let data: Vec<u8> = (sent..sent + some).map(|at| ((at * 7) >> 3) as u8).collect();
            sent += some;
            connection.write(stream, Bytes::from(data), sent == octets)?;
        }
        while let Ok(Some(chunk)) = connection.read(stream, usize::MAX) {
            for octet in &chunk.data {
                if *octet != ((got * 7) >> 3) as u8 {
                    return Err(format!("octet {got} is another").into());
                }
                got += 1;
            }
            connection.consumed(stream, chunk.data.len());
            if chunk.fin {
                println!("{got} octets came back");
                connection.close(Instant::now(), 0, b"done");
            }
        }
    }
}

fn server(local: SocketAddr, cert: &str, key: &str) -> Result<(), Error> {
    let identity = Identity::from_pem(&std::fs::read(cert)?, &std::fs::read(key)?)?;
    let tls = ServerTls::builder(CertificateStore::new(vec![identity])).build()?;
    let tls = QuicServerTls::new(&tls, ["echo", "hq-interop", "h3"])?;
    let config = ServerConfig::new(tls, Arc::new(TokenKeys::new(&seed())), Arc::new(ResetKey::new(&seed())));
    let mut host = Host {
        socket: UdpSocket::bind(local)?,
        endpoint: Endpoint::new(Some(config), &seed()),
        connections: Vec::new(),
        out: Vec::new(),
    };
    let mut waiting: Vec<(wirelace_quic_lite::Handle, wirelace_quic_lite::StreamId, Bytes, bool)> =
        Vec::new();
    println!("listening on {}", host.socket.local_addr()?);
    loop {
        host.send()?;
        host.wait()?;
        for (handle, connection) in &mut host.connections {
            while let Some(event) = connection.poll_event() {
                match event {
                    Event::Readable { stream } => {
                        while let Ok(Some(chunk)) = connection.read(stream, usize::MAX) {
                            connection.consumed(stream, chunk.data.len());
                            waiting.push((*handle, stream, chunk.data, chunk.fin));
                        }
                    }
                    Event::Closed(reason) => println!("{reason}; {:?}", connection.stats()),
                    event => println!("{event:?}"),
                }
            }
            let mut stuck = Vec::new();
            for (of, stream, data, fin) in waiting.drain(..) {
                let blocked = stuck.iter().any(|(_, other, _, _)| *other == stream);
                if of != *handle || blocked || connection.write(stream, data.clone(), fin).is_err() {
                    stuck.push((of, stream, data, fin));
                }
            }
            waiting = stuck;
        }
        let endpoint = &mut host.endpoint;
        host.connections.retain(|(handle, connection)| {
            if connection.is_closed() {
                endpoint.remove(*handle);
            }
            !connection.is_closed()
        });
    }
}
