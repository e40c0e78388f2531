//! `tls-glue`: sessions whose ciphertext is changed on its way, with early data and without.

use crate::input::Choices;
use bytes::{Bytes, BytesMut};
use std::io::IoSlice;
use std::sync::LazyLock;
use std::time::{Duration, Instant};
use wirelace_tls_glue::{CertificateStore, ClientTls, Identity, Roots, ServerTls, TlsSession, TlsVersion};

struct Configurations {
    servers: Vec<ServerTls>,
    client: ClientTls,
    /// That take early data, each of its own sessions.
    early: [ServerTls; 2],
    root: Bytes,
}

static CONFIGURATIONS: LazyLock<Configurations> = LazyLock::new(|| {
    let made = rcgen::generate_simple_self_signed(vec!["example.com".to_owned()]).expect("a key");
    let der = Bytes::from(made.cert.der().to_vec());
    let identity =
        Identity::from_der(vec![der.clone()], &made.signing_key.serialize_der()).expect("they fit");
    let builder = || ServerTls::builder(CertificateStore::new(vec![identity.clone()]));
    let server = |version| builder().versions(version, version).build().expect("it fits");
    Configurations {
        servers: [TlsVersion::Tls12, TlsVersion::Tls13].map(server).to_vec(),
        client: ClientTls::builder(Roots::Only(vec![der.clone()])).build().expect("it fits"),
        early: [0, 1].map(|_| builder().early_data(5000).build().expect("it fits")),
        root: der,
    }
});

/// A client that has a session for early data, of a server that is this one or is not.
fn early(same: bool) -> (ServerTls, ClientTls) {
    let [first, other] = &CONFIGURATIONS.early;
    let client = ClientTls::builder(Roots::Only(vec![CONFIGURATIONS.root.clone()])).early_data(true);
    let client = client.build().expect("it fits");
    let now = Instant::now();
    let mut near = Side::new(TlsSession::client(&client, "example.com", now).expect("a name"));
    let mut far = Side::new(TlsSession::server(first, now).expect("it fits"));
    for _ in 0..3 {
        near.move_output(&mut far.wire);
        far.take(now, usize::MAX);
        far.move_output(&mut near.wire);
        near.take(now, usize::MAX);
    }
    assert!(!far.session.is_handshaking());
    (if same { first } else { other }.clone(), client)
}

/// One side, what is on its way to it, and what both have said.
struct Side {
    session: TlsSession,
    wire: Vec<u8>,
    input: BytesMut,
    received: Vec<u8>,
    sent: Vec<u8>,
    over: bool,
}

/// Octets that wait to be taken, at most.
const MAX_INPUT: usize = 256 * 1024;

impl Side {
    fn new(session: TlsSession) -> Side {
        let (wire, input) = (Vec::new(), BytesMut::new());
        Side { session, wire, input, received: Vec::new(), sent: Vec::new(), over: false }
    }

    fn take(&mut self, now: Instant, octets: usize) {
        // As a driver does: what the session has not taken yet keeps more out.
        let room = MAX_INPUT.saturating_sub(self.input.len());
        let taken: Vec<u8> = self.wire.drain(..octets.min(self.wire.len()).min(room)).collect();
        self.input.extend_from_slice(&taken);
        let mut plain = BytesMut::new();
        let result = self.session.receive(now, &mut self.input, &mut plain);
        assert!(!self.over || result.is_err(), "it is over, and goes on");
        self.over |= result.is_err();
        self.received.extend_from_slice(&plain);
        assert!(plain.len() < 128 * 1024, "all at once");
    }

    fn move_output(&mut self, to: &mut Vec<u8>) {
        let output = self.session.output();
        let octets = output.len();
        to.extend(output.chunks().flatten().copied());
        output.advance(octets);
    }
}

/// Handshakes and records that are split, changed, lost and repeated: what is received is always the beginning of
/// what was sent.
pub fn session(data: &[u8]) {
    let (script, mut choices) = Choices::split(data, 1);
    let (server, client) = match choices.byte() {
        choice @ 128.. => early(choice & 1 == 0),
        choice => (CONFIGURATIONS.servers[usize::from(choice % 2)].clone(), CONFIGURATIONS.client.clone()),
    };
    let mut now = Instant::now();
    let mut client = Side::new(TlsSession::client(&client, "example.com", now).expect("a name"));
    let mut server = Side::new(TlsSession::server(&server, now).expect("it fits"));
    for step in script.chunks(3).take(400) {
        let [what, a, b] = [step[0], *step.get(1).unwrap_or(&0), *step.get(2).unwrap_or(&0)];
        now += Duration::from_millis(1);
        client.move_output(&mut server.wire);
        server.move_output(&mut client.wire);
        let (side, other) =
            if what & 1 == 0 { (&mut client, &mut server) } else { (&mut server, &mut client) };
        let at = usize::from(u16::from_be_bytes([a, b]));
        match what >> 1 & 15 {
            0..=5 => side.take(now, usize::MAX),
            6 => side.take(now, at),
            7 | 8 => {
                let octets = vec![a; usize::from(b) * usize::from(b)];
                let taken = side.session.send(now, &[IoSlice::new(&octets)]);
                let taken = taken.unwrap_or_default();
                side.sent.extend_from_slice(&octets[..taken]);
            }
            9 => {
                let length = side.wire.len();
                if length > 0 {
                    side.wire[at % length] ^= 1 << (a & 7);
                }
            }
            10 => {
                let at = at.min(side.wire.len());
                side.wire.insert(at, b);
            }
            11 => side.wire.truncate(at),
            12 => side.wire.extend_from_within(..at.min(side.wire.len())),
            13 => drop(side.session.update_keys(a & 1 == 0)),
            14 => side.session.close(),
            _ => {
                now += Duration::from_secs(a.into());
                let _ = side.session.on_deadline(now);
                side.wire.extend_from_slice(step);
            }
        }
        assert!(other.sent.starts_with(&side.received), "octets that nobody sent");
    }
    client.move_output(&mut server.wire);
    server.take(now, usize::MAX);
    assert!(client.sent.starts_with(&server.received), "octets that nobody sent");
    if server.session.end_of_input().is_ok() {
        assert!(server.over || server.session.peer_closed());
    }
}
