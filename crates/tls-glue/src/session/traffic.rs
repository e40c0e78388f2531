//! After the handshake: application data, alerts, key updates and session tickets, in records of our own.

use std::io::IoSlice;
use std::time::{Duration, Instant};

use bytes::{Buf as _, BytesMut};
use rustls::client::ClientConnectionData;
use rustls::kernel::KernelConnection;
use rustls::server::ServerConnectionData;
use rustls::{ConnectionTrafficSecrets, ProtocolVersion};
use wirelace_wire::Output;

use super::burst::Burst;
use super::record::{self, Gather, MAX_PLAINTEXT, RecordKey, content};
use crate::alert::Alert;
use crate::error::{RecordRule, TlsError};

/// Octets of a handshake message that is taken after the handshake: a session ticket.
const MAX_MESSAGE: usize = 64 * 1024;
/// Empty records, warnings, key updates and tickets in a row, at most: data in between sets this back.
const MAX_IDLE: u8 = 32;
/// Octets of plaintext in a small record: it fits a packet, and can be read as soon as that is there.
const SMALL: usize = 1360;
/// After so many octets without a pause, records are large.
const SMALL_UNTIL: usize = 32 * 1024;
/// A pause of this length makes records small again.
const PAUSE: Duration = Duration::from_secs(1);
/// Plaintext that waits to be taken, above which nothing more is decrypted.
pub(super) const MAX_WAITING: usize = 64 * 1024;

/// Handshake types, RFC 8446 §4.
mod message {
    pub(super) const HELLO_REQUEST: u8 = 0;
    pub(super) const CLIENT_HELLO: u8 = 1;
    pub(super) const NEW_SESSION_TICKET: u8 = 4;
    pub(super) const KEY_UPDATE: u8 = 24;
}

/// What rustls keeps for new keys and tickets.
pub(super) enum Kernel {
    Client(KernelConnection<ClientConnectionData>),
    Server(KernelConnection<ServerConnectionData>),
}

impl Kernel {
    fn limit(&self) -> u64 {
        let suite = match self {
            Kernel::Client(kernel) => kernel.negotiated_cipher_suite(),
            Kernel::Server(kernel) => kernel.negotiated_cipher_suite(),
        };
        match suite {
            rustls::SupportedCipherSuite::Tls12(suite) => suite.common.confidentiality_limit,
            rustls::SupportedCipherSuite::Tls13(suite) => suite.common.confidentiality_limit,
        }
    }

    fn tls13(&self) -> bool {
        let version = match self {
            Kernel::Client(kernel) => kernel.protocol_version(),
            Kernel::Server(kernel) => kernel.protocol_version(),
        };
        version == ProtocolVersion::TLSv1_3
    }

    fn next_secret(&mut self, to_send: bool) -> Result<(u64, ConnectionTrafficSecrets), rustls::Error> {
        match (self, to_send) {
            (Kernel::Client(kernel), true) => kernel.update_tx_secret(),
            (Kernel::Client(kernel), false) => kernel.update_rx_secret(),
            (Kernel::Server(kernel), true) => kernel.update_tx_secret(),
            (Kernel::Server(kernel), false) => kernel.update_rx_secret(),
        }
    }
}

/// A connection whose handshake is complete.
pub(super) struct Traffic {
    kernel: Kernel,
    sending: RecordKey,
    receiving: RecordKey,
    tls13: bool,
    limit: u64,
    /// A handshake message that is not complete.
    message: Vec<u8>,
    /// Records and messages in a row that brought no data.
    idle: u8,
    /// Octets sent since the last pause.
    streamed: usize,
    last_sent: Option<Instant>,
    burst: Burst,
    /// The peer's close_notify came.
    pub(super) peer_closed: bool,
}

impl Traffic {
    /// From what the handshake agreed on: each direction's next sequence number and its keys.
    pub(super) fn new(kernel: Kernel, secrets: &rustls::ExtractedSecrets) -> Result<Traffic, TlsError> {
        let (tls13, limit) = (kernel.tls13(), kernel.limit());
        let key = |(sequence, secrets): &(u64, ConnectionTrafficSecrets)| {
            RecordKey::new(secrets, *sequence, tls13, limit).ok_or_else(no_suite)
        };
        Ok(Traffic {
            sending: key(&secrets.tx)?,
            receiving: key(&secrets.rx)?,
            kernel,
            tls13,
            limit,
            message: Vec::new(),
            idle: 0,
            streamed: 0,
            last_sent: None,
            burst: Burst::default(),
            peer_closed: false,
        })
    }

    /// The client has said the last word of the handshake.
    pub(super) fn is_server_of_tls13(&self) -> bool {
        self.tls13 && matches!(self.kernel, Kernel::Server(_))
    }

    /// Decrypts the complete records of `input` into `plaintext`, until a good deal waits there.
    pub(super) fn receive(
        &mut self,
        input: &mut BytesMut,
        plaintext: &mut BytesMut,
        output: &mut Output,
    ) -> Result<(), TlsError> {
        while !self.peer_closed && plaintext.len() < MAX_WAITING {
            let Some(length) = record::complete(input, self.receiving.max_content())? else { return Ok(()) };
            let (kind, range) = self.receiving.open(input.get_mut(..length).unwrap_or_default())?;
            if kind == content::APPLICATION_DATA {
                if !self.message.is_empty() {
                    return Err(TlsError::Record(RecordRule::Interrupted));
                }
                if range.is_empty() {
                    self.count_idle("records without data")?;
                } else {
                    self.idle = 0;
                }
                hand_out(input, plaintext, length, range);
                continue;
            }
            let record = input.split_to(length);
            self.other(kind, record.get(range).unwrap_or_default(), output)?;
        }
        Ok(())
    }

    /// A record that is no application data.
    fn other(&mut self, kind: u8, octets: &[u8], output: &mut Output) -> Result<(), TlsError> {
        if octets.is_empty() {
            return Err(TlsError::Record(RecordRule::Empty { kind }));
        }
        self.count_idle("records without data")?;
        match kind {
            content::HANDSHAKE => self.on_handshake(octets, output),
            content::ALERT if !self.message.is_empty() => Err(TlsError::Record(RecordRule::Interrupted)),
            content::ALERT => self.on_alert(octets),
            _ => Err(TlsError::Record(RecordRule::UnexpectedType { kind })),
        }
    }

    fn on_alert(&mut self, octets: &[u8]) -> Result<(), TlsError> {
        let &[level, description] = octets else {
            return Err(TlsError::Record(RecordRule::AlertLength { length: octets.len() }));
        };
        // TLS 1.3 has no warnings but these two; before, the level says.
        match Alert(description) {
            Alert::CLOSE_NOTIFY => {
                self.peer_closed = true;
                Ok(())
            }
            Alert::USER_CANCELED => Ok(()),
            _ if !self.tls13 && level == 1 => Ok(()),
            alert => Err(TlsError::Alert(alert)),
        }
    }

    fn on_handshake(&mut self, octets: &[u8], output: &mut Output) -> Result<(), TlsError> {
        self.message.extend_from_slice(octets);
        while let Some(&[kind, a, b, c]) = self.message.first_chunk::<4>() {
            let length = u32::from_be_bytes([0, a, b, c]) as usize;
            if length > MAX_MESSAGE {
                return Err(TlsError::Record(RecordRule::MessageTooLong { length, limit: MAX_MESSAGE }));
            }
            let Some(body) = self.message.get(4..4 + length) else {
                // Known to be wrong before the rest is there.
                return if self.allows(kind) { Ok(()) } else { unexpected(kind) };
            };
            let last = self.message.len() == 4 + length;
            match (kind, &mut self.kernel) {
                (message::NEW_SESSION_TICKET, Kernel::Client(kernel)) if self.tls13 => {
                    let taken = kernel.handle_new_session_ticket(body);
                    taken.map_err(|error| TlsError::Handshake(error.to_string()))?;
                }
                (message::KEY_UPDATE, _) if self.tls13 => {
                    let &[request @ (0 | 1)] = body else {
                        return Err(TlsError::Record(RecordRule::KeyUpdate));
                    };
                    if !last {
                        return Err(TlsError::Record(RecordRule::Interrupted));
                    }
                    let (sequence, secrets) = self.kernel.next_secret(false).map_err(local)?;
                    self.receiving =
                        RecordKey::new(&secrets, sequence, true, self.limit).ok_or_else(no_suite)?;
                    if request == 1 {
                        self.update_keys(false, output)?;
                    }
                }
                // A second handshake is not had; the peer may go on with the first.
                (message::HELLO_REQUEST, Kernel::Client(_)) | (message::CLIENT_HELLO, Kernel::Server(_))
                    if !self.tls13 =>
                {
                    self.send_alert(1, Alert::NO_RENEGOTIATION, output);
                }
                _ => return unexpected(kind),
            }
            self.message.drain(..4 + length);
        }
        if self.message.is_empty() {
            self.message = Vec::new();
        }
        Ok(())
    }

    /// Whether such a message may come now.
    fn allows(&self, kind: u8) -> bool {
        match kind {
            message::KEY_UPDATE => self.tls13,
            message::NEW_SESSION_TICKET => self.tls13 && matches!(self.kernel, Kernel::Client(_)),
            message::HELLO_REQUEST => !self.tls13 && matches!(self.kernel, Kernel::Client(_)),
            message::CLIENT_HELLO => !self.tls13 && matches!(self.kernel, Kernel::Server(_)),
            _ => false,
        }
    }

    fn count_idle(&mut self, what: &'static str) -> Result<(), TlsError> {
        self.idle += 1;
        if self.idle > MAX_IDLE { Err(TlsError::Flood(what)) } else { Ok(()) }
    }

    /// Encrypts what `output` has room for; returns how many octets of `data` that were.
    pub(super) fn send(
        &mut self,
        now: Instant,
        data: &[IoSlice<'_>],
        output: &mut Output,
    ) -> Result<usize, TlsError> {
        if self.last_sent.is_none_or(|last| now.saturating_duration_since(last) >= PAUSE) {
            self.streamed = 0;
        }
        self.last_sent = Some(now);
        let mut source = Gather::new(data);
        let (all, mut room) = (source.left(), self.burst.begin(output.len()));
        if all.min(room) > MAX_PLAINTEXT {
            // Once, and not more than that: a buffer that is too large is not kept.
            let records = all.min(room) / MAX_PLAINTEXT + SMALL_UNTIL / SMALL + 2;
            output.inline().reserve_exact(all.min(room) + records * self.sending.overhead());
        }
        while source.left() > 0 && room > 0 {
            let length = if self.streamed < SMALL_UNTIL && all > SMALL { SMALL } else { MAX_PLAINTEXT };
            // A key update takes the last record of a key.
            if self.tls13 && self.sending.left() <= 1 {
                self.update_keys(false, output)?;
            }
            let before = source.left();
            let sealed = self.sending.seal(content::APPLICATION_DATA, &mut source, length, output.inline());
            sealed.map_err(|_| TlsError::KeysExhausted)?;
            let sent = before - source.left();
            self.streamed = self.streamed.saturating_add(sent);
            room = room.saturating_sub(sent);
        }
        self.burst.end(room);
        Ok(all - source.left())
    }

    /// Octets that may be encrypted, where so many wait to be written.
    pub(super) fn room(&self, waiting: usize) -> usize {
        self.burst.room(waiting)
    }

    /// Changes the keys for sending, and asks the peer for the same (RFC 8446 §4.6.3).
    pub(super) fn update_keys(&mut self, ask: bool, output: &mut Output) -> Result<(), TlsError> {
        if !self.tls13 {
            return Err(TlsError::Local("TLS 1.2 cannot change its keys".to_owned()));
        }
        let message = [message::KEY_UPDATE, 0, 0, 1, u8::from(ask)];
        self.seal(content::HANDSHAKE, &message, output)?;
        let (sequence, secrets) = self.kernel.next_secret(true).map_err(local)?;
        self.sending = RecordKey::new(&secrets, sequence, true, self.limit).ok_or_else(no_suite)?;
        Ok(())
    }

    pub(super) fn send_alert(&mut self, level: u8, alert: Alert, output: &mut Output) {
        // With keys that are used up there is no way to say so.
        let _ = self.seal(content::ALERT, &[level, alert.0], output);
    }

    fn seal(&mut self, kind: u8, octets: &[u8], output: &mut Output) -> Result<(), TlsError> {
        let slices = [IoSlice::new(octets)];
        let sealed = self.sending.seal(kind, &mut Gather::new(&slices), MAX_PLAINTEXT, output.inline());
        sealed.map_err(|_| TlsError::KeysExhausted)
    }
}

/// Moves the plaintext of the record in front of `input` to `plaintext`.
fn hand_out(input: &mut BytesMut, plaintext: &mut BytesMut, length: usize, range: core::ops::Range<usize>) {
    if range.len() >= 4096 && plaintext.is_empty() {
        // Not copied.
        let mut record = input.split_to(length);
        record.truncate(range.end);
        record.advance(range.start);
        *plaintext = record;
    } else {
        plaintext.extend_from_slice(input.get(range).unwrap_or_default());
        input.advance(length);
    }
}

fn unexpected(kind: u8) -> Result<(), TlsError> {
    Err(TlsError::Record(RecordRule::UnexpectedMessage { kind }))
}

fn local(error: rustls::Error) -> TlsError {
    TlsError::Local(error.to_string())
}

fn no_suite() -> TlsError {
    TlsError::Local("the cipher suite has no record protection here".to_owned())
}
