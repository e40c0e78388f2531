//! The handshake, by rustls, one record at a time: its last one is then the last that rustls sees.

use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use bytes::{Buf as _, BytesMut};
use rustls::client::UnbufferedClientConnection;
use rustls::server::{ServerConnectionData, UnbufferedServerConnection};
use rustls::unbuffered::{ConnectionState, EncodeError, EncodeTlsData, UnbufferedStatus};
use rustls::{CommonState, Error};
use wirelace_wire::Output;

use super::record::{self, MAX_CONTENT, content};
use super::traffic::{Kernel, Traffic};
use crate::alert::Alert;
use crate::ct::CtVerdict;
use crate::error::{RecordRule, TlsError};
use crate::report::{HandshakeReport, Verification};
use crate::verify::{CertificateError, refusal, watch};

/// Octets of records that a handshake takes, at most: certificate chains are the most of it.
const MAX_OCTETS: usize = 128 * 1024;

pub(super) enum Rustls {
    /// And what its client asks of certificates.
    Client(UnbufferedClientConnection, Verification),
    /// And where the name that the client asks for will be.
    Server(UnbufferedServerConnection, Arc<OnceLock<String>>),
}

/// A handshake under way.
pub(super) struct Handshake {
    rustls: Rustls,
    began: Instant,
    limit: Option<Duration>,
    /// Octets in front of the input that rustls has seen and wants to see again.
    offered: usize,
    received: usize,
    /// Something was sent since the last record came.
    flight: bool,
    flights: u32,
    /// Early data that came, in octets.
    early: usize,
    /// What the logs say of the server's certificate.
    transparency: Option<Box<CtVerdict>>,
}

/// What one look at the input led to.
enum Progress {
    /// At once again.
    Again,
    /// With one more record.
    More,
    Done,
    /// The peer closed.
    Closed,
}

impl Handshake {
    pub(super) fn new(rustls: Rustls, now: Instant, limit: Option<Duration>) -> Handshake {
        Handshake {
            rustls,
            began: now,
            limit,
            offered: 0,
            received: 0,
            flight: false,
            flights: 0,
            early: 0,
            transparency: None,
        }
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        self.began.checked_add(self.limit?)
    }

    pub(super) fn limit(&self) -> Duration {
        self.limit.unwrap_or_default()
    }

    /// Takes what is complete of `input`; true: the handshake is.
    pub(super) fn receive(
        &mut self,
        input: &mut BytesMut,
        plaintext: &mut BytesMut,
        output: &mut Output,
    ) -> Result<bool, TlsError> {
        loop {
            let octets = input.get_mut(..self.offered).unwrap_or_default();
            let (progress, discard) = self.step(octets, plaintext, output);
            let progress = match progress {
                Ok(progress) => progress,
                Err(error) => {
                    // rustls has put an alert aside, behind what else it has to send. It is given the same octets: it
                    // may hold on to some. When nothing is left to send it would look at them again, and fail again.
                    while self.common().wants_write() {
                        let octets = input.get_mut(..self.offered).unwrap_or_default();
                        let _ = self.step(octets, &mut BytesMut::new(), output);
                    }
                    return Err(error);
                }
            };
            input.advance(discard.min(input.len()));
            self.offered = self.offered.saturating_sub(discard);
            match progress {
                (Progress::Again, sent, early) => {
                    self.flight |= sent;
                    self.early += early;
                }
                // What is left of the record is a handshake message that goes on under other keys.
                (Progress::Done, ..) if self.offered > 0 => {
                    return Err(TlsError::Record(RecordRule::Interrupted));
                }
                (Progress::Done, ..) => return Ok(true),
                (Progress::Closed, ..) => return Err(TlsError::Truncated),
                (Progress::More, ..) => {
                    let rest = input.get(self.offered..).unwrap_or_default();
                    let Some(length) = record::complete(rest, MAX_CONTENT)? else { return Ok(false) };
                    if let Some(alert) = plain_alert(rest, length) {
                        return Err(TlsError::Alert(alert));
                    }
                    self.flights += u32::from(std::mem::take(&mut self.flight));
                    self.offered += length;
                    self.received += length;
                    if self.received > MAX_OCTETS {
                        return Err(TlsError::HandshakeTooLong(MAX_OCTETS));
                    }
                }
            }
        }
    }

    fn step(&mut self, octets: &mut [u8], plaintext: &mut BytesMut, output: &mut Output) -> Stepped {
        match &mut self.rustls {
            Rustls::Client(rustls, _) => {
                let step = || step(rustls.process_tls_records(octets), plaintext, output, |_, _| 0);
                let (stepped, verdict) = watch(step);
                // Once, when the certificates have come.
                self.transparency = verdict.or(self.transparency.take());
                stepped
            }
            Rustls::Server(rustls, _) => {
                step(rustls.process_tls_records(octets), plaintext, output, take_early)
            }
        }
    }

    fn common(&self) -> &CommonState {
        match &self.rustls {
            Rustls::Client(rustls, _) => rustls,
            Rustls::Server(rustls, _) => rustls,
        }
    }

    /// What was agreed on, and the connection as it goes on.
    pub(super) fn finish(self, now: Instant) -> Result<(Traffic, HandshakeReport), TlsError> {
        let common = self.common();
        let mut report = HandshakeReport::new(common);
        match &self.rustls {
            Rustls::Client(_, verification) => report.verification = *verification,
            Rustls::Server(_, name) => report.server_name = name.get().cloned(),
        }
        report.duration = now.saturating_duration_since(self.began);
        report.round_trips = self.flights;
        report.early_data = self.early;
        report.transparency = self.transparency;
        let local = |error: Error| TlsError::Local(error.to_string());
        let (secrets, kernel) = match self.rustls {
            Rustls::Client(rustls, _) => {
                let (secrets, kernel) = rustls.dangerous_into_kernel_connection().map_err(local)?;
                (secrets, Kernel::Client(kernel))
            }
            Rustls::Server(rustls, _) => {
                let (secrets, kernel) = rustls.dangerous_into_kernel_connection().map_err(local)?;
                (secrets, Kernel::Server(kernel))
            }
        };
        Ok((Traffic::new(kernel, &secrets)?, report))
    }
}

/// An alert in the clear says more than that something unexpected came.
fn plain_alert(rest: &[u8], length: usize) -> Option<Alert> {
    match rest.get(..length)? {
        [content::ALERT, _, _, 0, 2, 2, description] => Some(Alert(*description)),
        _ => None,
    }
}

type Stepped = (Result<(Progress, bool, usize), TlsError>, usize);

/// One state of rustls: whether something was sent, octets of early data, and octets of input that are done with.
fn step<'c, 'i, Data>(
    status: UnbufferedStatus<'c, 'i, Data>,
    plaintext: &mut BytesMut,
    output: &mut Output,
    early: impl FnOnce(ConnectionState<'c, 'i, Data>, &mut BytesMut) -> usize,
) -> Stepped {
    let mut discard = status.discard;
    let state = match status.state {
        Ok(state) => state,
        Err(error) => return (Err(failure(error)), discard),
    };
    let progress = match state {
        ConnectionState::EncodeTlsData(mut data) => match encode(&mut data, output) {
            // A change_cipher_spec of TLS 1.3 goes out on the way, and nobody answers it.
            Ok(kind) => Ok((Progress::Again, kind != Some(content::CHANGE_CIPHER_SPEC), 0)),
            Err(error) => Err(error),
        },
        ConnectionState::TransmitTlsData(data) => {
            data.done();
            Ok((Progress::Again, false, 0))
        }
        ConnectionState::ReadTraffic(mut traffic) => {
            let mut failed = None;
            while let Some(record) = traffic.next_record() {
                match record {
                    Ok(record) => {
                        plaintext.extend_from_slice(record.payload);
                        discard += record.discard;
                    }
                    Err(error) => failed = Some(failure(error)),
                }
            }
            failed.map_or(Ok((Progress::Again, false, 0)), Err)
        }
        ConnectionState::BlockedHandshake => Ok((Progress::More, false, 0)),
        ConnectionState::WriteTraffic(_) => Ok((Progress::Done, false, 0)),
        ConnectionState::PeerClosed | ConnectionState::Closed => Ok((Progress::Closed, false, 0)),
        state @ ConnectionState::ReadEarlyData(_) => Ok((Progress::Again, false, early(state, plaintext))),
        _ => Err(TlsError::Local("rustls is in a state that is not known here".to_owned())),
    };
    (progress, discard)
}

fn take_early(state: ConnectionState<'_, '_, ServerConnectionData>, plaintext: &mut BytesMut) -> usize {
    let ConnectionState::ReadEarlyData(mut early) = state else { return 0 };
    let before = plaintext.len();
    while let Some(Ok(record)) = early.next_record() {
        plaintext.extend_from_slice(record.payload);
    }
    plaintext.len() - before
}

/// The content type of what was written.
fn encode<Data>(data: &mut EncodeTlsData<'_, Data>, output: &mut Output) -> Result<Option<u8>, TlsError> {
    let mut size = 0;
    loop {
        let out = output.inline();
        let start = out.len();
        out.resize(start + size, 0);
        match data.encode(out.get_mut(start..).unwrap_or_default()) {
            Ok(written) => {
                out.truncate(start + written);
                return Ok(out.get(start).copied());
            }
            Err(EncodeError::InsufficientSize(needed)) if size < needed.required_size => {
                out.truncate(start);
                size = needed.required_size;
            }
            Err(error) => {
                out.truncate(start);
                return Err(TlsError::Local(error.to_string()));
            }
        }
    }
}

/// rustls's errors in our words.
pub(crate) fn failure(error: Error) -> TlsError {
    match error {
        Error::AlertReceived(alert) => TlsError::Alert(Alert(u8::from(alert))),
        Error::InvalidCertificate(error) => TlsError::Certificate(Box::new(refusal(&error))),
        Error::NoCertificatesPresented => TlsError::Certificate(Box::new(CertificateError::missing())),
        Error::DecryptError => TlsError::Decrypt,
        Error::PeerSentOversizedRecord => {
            TlsError::Record(RecordRule::TooLong { length: MAX_CONTENT + 1, limit: MAX_CONTENT })
        }
        Error::PeerIncompatible(why) => TlsError::Incompatible(words(&format!("{why:?}"))),
        Error::NoApplicationProtocol => TlsError::Incompatible("no application protocol (ALPN)".to_owned()),
        Error::PeerMisbehaved(why) => TlsError::Handshake(words(&format!("{why:?}"))),
        Error::General(why) => TlsError::Local(why),
        error => TlsError::Handshake(error.to_string()),
    }
}

/// `NoCipherSuitesInCommon` as a person says it.
fn words(name: &str) -> String {
    let mut text = String::new();
    for letter in name.chars() {
        if letter.is_ascii_uppercase()
            && text.ends_with(|last: char| last.is_ascii_lowercase() || last.is_ascii_digit())
        {
            text.push(' ');
        }
        text.push(letter.to_ascii_lowercase());
    }
    text
}
