//! `client ADDRESS CA.pem PATH [OCTETS]`: GETs a path of `https://localhost`, or POSTs so many octets to it.

use std::net::{SocketAddr, UdpSocket};
use std::time::{Duration, Instant, SystemTime};

use bytes::{Bytes, BytesMut};
use http::Method;
use wirelace_http_semantics::{Event, FieldId, RequestHead, StreamId};
use wirelace_http3::quic::tls::quic::QuicClientTls;
use wirelace_http3::quic::tls::{ClientTls, Roots};
use wirelace_http3::quic::{ClientConfig, Datagram, Ecn, Endpoint, Remembered, Routed};
use wirelace_http3::{Connection, Limits};

type Error = Box<dyn std::error::Error>;

fn main() -> Result<(), Error> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [address, ca, path, octets @ ..] = &arguments[..] else {
        return Err("see the first lines of the example".into());
    };
    let remote: SocketAddr = address.parse()?;
    let tls = ClientTls::builder(Roots::from_pem(&std::fs::read(ca)?)?).build()?;
    let config = ClientConfig::new(QuicClientTls::new(&tls, [wirelace_http3::ALPN])?);
    // Good enough to try it out; a real program takes random octets.
    let mut seed = [0; 32];
    let nanos = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?.as_nanos();
    seed[..16].copy_from_slice(&nanos.to_be_bytes());
    let mut endpoint = Endpoint::new(None, &seed);
    let now = Instant::now();
    let (handle, mut quic) = endpoint.connect(&config, "localhost", remote, &Remembered::default(), now)?;
    let mut http = Connection::client(Limits::default(), now);
    let socket = UdpSocket::bind("127.0.0.1:0")?;
    let mut body = match octets.first() {
        Some(octets) => Some(Bytes::from(vec![b'x'; octets.parse()?])),
        None => None,
    };
    let method = if body.is_some() { Method::POST } else { Method::GET };
    let mut head = RequestHead::new(method, path.clone())?;
    head.fields.push(FieldId::HOST, "localhost")?;
    let (mut stream, mut received) = (None::<StreamId>, 0);
    let (mut buffer, mut out) = ([0; 2048], Vec::new());
    loop {
        let now = Instant::now();
        while let Some(event) = quic.poll_event() {
            http.on_quic_event(&mut quic, event);
        }
        while let Some(event) = http.poll_event(now, &mut quic)? {
            match event {
                Event::Data { stream, data, end } => {
                    received += data.len();
                    http.consumed(&mut quic, stream, data.len());
                    if end {
                        println!("{received} octets of body; {:?}", http.stats());
                        http.shut_down();
                    }
                }
                Event::Trailers { fields, .. } => {
                    println!("{received} octets of body, and {fields:?}; {:?}", http.stats());
                    http.shut_down();
                }
                event => println!("{event:?}"),
            }
        }
        if http.is_finished() && quic.is_closing() {
            while let Some(transmit) = quic.poll_transmit(now, &mut out, 1) {
                socket.send_to(&out, transmit.destination)?;
            }
            return Ok(());
        }
        if stream.is_none() && http.available(&quic) > 0 {
            stream = Some(http.send_request(&mut quic, &head, body.is_none())?);
        }
        if let Some(stream) = stream
            && let Some(rest) = &mut body
        {
            let some = rest.len().min(http.capacity(&quic, stream));
            let end = some == rest.len();
            if some > 0 || end {
                http.send_data(&mut quic, stream, rest.split_to(some), end)?;
            }
            if end {
                body = None;
            }
        }
        while let Some(transmit) = quic.poll_transmit(now, &mut out, 10) {
            for datagram in out.chunks(transmit.segment.unwrap_or(transmit.size)) {
                socket.send_to(datagram, transmit.destination)?;
            }
        }
        endpoint.update(handle, &mut quic);
        let deadline = [quic.deadline(), http.deadline()].into_iter().flatten().min();
        let patience = deadline.map_or(Duration::from_secs(60), |at| at.saturating_duration_since(now));
        socket.set_read_timeout(Some(patience.max(Duration::from_millis(1))))?;
        if let Ok((length, remote)) = socket.recv_from(&mut buffer) {
            let data = BytesMut::from(&buffer[..length]);
            let datagram = Datagram { remote, local: None, ecn: Ecn::NotEct, data };
            let now = Instant::now();
            if let Routed::Connection(_, datagram) =
                endpoint.route(now, SystemTime::now(), datagram, &mut out)
            {
                quic.receive(now, datagram);
            }
        }
        let now = Instant::now();
        quic.on_deadline(now);
        http.on_deadline(now, &mut quic);
    }
}
