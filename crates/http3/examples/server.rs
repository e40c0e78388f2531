//! `server ADDRESS CERT.pem KEY.pem`: answers GET with a text (`/N`: with N octets), and sends the body of POST back.

use std::collections::HashMap;
use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use bytes::{Bytes, BytesMut};
use http::{Method, StatusCode};
use wirelace_http_semantics::{Event, FieldId, Head, ResponseHead, StreamId};
use wirelace_http3::quic::tls::quic::{QuicServerTls, ResetKey, TokenKeys};
use wirelace_http3::quic::tls::{CertificateStore, Identity, ServerTls};
use wirelace_http3::quic::{Connection as Quic, Datagram, Ecn, Endpoint, Handle, Routed, ServerConfig};
use wirelace_http3::{Connection, Limits};

type Error = Box<dyn std::error::Error>;

/// A connection, and what its exchanges still have to say.
struct Served {
    handle: Handle,
    quic: Quic,
    http: Connection,
    /// Bodies on their way back, and whether they are complete.
    echoes: HashMap<StreamId, (BytesMut, bool)>,
}

fn main() -> Result<(), Error> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [address, cert, key] = &arguments[..] else {
        return Err("see the first lines of the example".into());
    };
    let address: SocketAddr = address.parse()?;
    let identity = Identity::from_pem(&std::fs::read(cert)?, &std::fs::read(key)?)?;
    let tls = ServerTls::builder(CertificateStore::new(vec![identity])).build()?;
    let tls = QuicServerTls::new(&tls, [wirelace_http3::ALPN])?;
    // Good enough to try it out; a real program takes random octets.
    let mut seed = [0; 32];
    let nanos = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?.as_nanos();
    seed[..16].copy_from_slice(&nanos.to_be_bytes());
    let config = ServerConfig::new(tls, Arc::new(TokenKeys::new(&seed)), Arc::new(ResetKey::new(&seed)));
    let mut endpoint = Endpoint::new(Some(config), &seed);
    let socket = UdpSocket::bind(address)?;
    println!("listening on {}", socket.local_addr()?);
    let mut connections: Vec<Served> = Vec::new();
    let (mut buffer, mut out) = ([0; 2048], Vec::new());
    loop {
        let now = Instant::now();
        for served in &mut connections {
            while let Some(transmit) = served.quic.poll_transmit(now, &mut out, 10) {
                for datagram in out.chunks(transmit.segment.unwrap_or(transmit.size)) {
                    socket.send_to(datagram, transmit.destination)?;
                }
            }
            endpoint.update(served.handle, &mut served.quic);
        }
        connections.retain(|served| {
            if served.quic.is_closed() {
                println!("{:?}", served.http.stats());
                endpoint.remove(served.handle);
            }
            !served.quic.is_closed()
        });
        let deadlines =
            connections.iter().flat_map(|served| [served.quic.deadline(), served.http.deadline()]);
        let patience = deadlines.flatten().min().map_or(Duration::from_secs(60), |at| {
            at.saturating_duration_since(Instant::now()).max(Duration::from_millis(1))
        });
        socket.set_read_timeout(Some(patience))?;
        let got = socket.recv_from(&mut buffer);
        let now = Instant::now();
        if let Ok((length, remote)) = got {
            let data = BytesMut::from(&buffer[..length]);
            let datagram = Datagram { remote, local: None, ecn: Ecn::NotEct, data };
            match endpoint.route(now, SystemTime::now(), datagram, &mut out) {
                Routed::Connection(handle, datagram) => {
                    if let Some(served) = connections.iter_mut().find(|served| served.handle == handle) {
                        served.quic.receive(now, datagram);
                    }
                }
                Routed::Incoming(incoming) => {
                    let (handle, quic) = endpoint.accept(now, *incoming)?;
                    let http = Connection::server(Limits::default(), now);
                    connections.push(Served { handle, quic, http, echoes: HashMap::new() });
                }
                Routed::Answer(transmit) => drop(socket.send_to(&out, transmit.destination)?),
                Routed::Nothing => {}
            }
        }
        for served in &mut connections {
            served.quic.on_deadline(now);
            served.http.on_deadline(now, &mut served.quic);
            served.work(now)?;
        }
    }
}

impl Served {
    fn work(&mut self, now: Instant) -> Result<(), Error> {
        loop {
            while let Some(event) = self.quic.poll_event() {
                self.http.on_quic_event(&mut self.quic, event);
            }
            match self.http.poll_event(now, &mut self.quic) {
                Ok(Some(event)) => self.on_event(event)?,
                Ok(None) => return Ok(()),
                Err(error) => {
                    println!("{error}");
                    return Ok(());
                }
            }
        }
    }

    fn on_event(&mut self, event: Event) -> Result<(), Error> {
        println!("{event:?}");
        match event {
            Event::Head { stream, head: Head::Request(head), end } => {
                let mut response = ResponseHead::new(StatusCode::OK);
                response.fields.push(FieldId::SERVER, "wirelace")?;
                response.fields.push(FieldId::CONTENT_TYPE, "text/plain")?;
                if head.method == Method::POST {
                    self.http.send_head(&mut self.quic, stream, &Head::Response(response), end)?;
                    if !end {
                        self.echoes.insert(stream, (BytesMut::new(), false));
                    }
                    return Ok(());
                }
                let body = match head.path().trim_start_matches('/').parse() {
                    Ok(octets) => Bytes::from(vec![b'x'; octets]),
                    Err(_) => Bytes::from_static(b"hello over HTTP/3\n"),
                };
                self.http.send_message(&mut self.quic, stream, &response, body)?;
            }
            Event::Data { stream, data, end } => {
                if let Some((waiting, complete)) = self.echoes.get_mut(&stream) {
                    waiting.extend_from_slice(&data);
                    *complete = end;
                }
                self.echo(stream);
            }
            Event::Capacity { stream } => self.echo(stream),
            Event::Reset { stream, .. } => drop(self.echoes.remove(&stream)),
            _ => {}
        }
        Ok(())
    }

    /// Sends back what can go; only then the client may send more.
    fn echo(&mut self, stream: StreamId) {
        let Some((waiting, complete)) = self.echoes.get_mut(&stream) else { return };
        let some = waiting.len().min(self.http.capacity(&self.quic, stream));
        let end = *complete && some == waiting.len();
        if some == 0 && !end {
            return;
        }
        let data = waiting.split_to(some).freeze();
        if self.http.send_data(&mut self.quic, stream, data, end).is_err() || end {
            self.echoes.remove(&stream);
        }
        self.http.consumed(&mut self.quic, stream, some);
    }
}
