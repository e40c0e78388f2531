//! The handshake, by rustls, one record at a time: its last one is then the last that rustls sees.

use std::io::IoSlice;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use bytes::{Buf as _, Bytes, BytesMut};
use rustls::client::UnbufferedClientConnection;
use rustls::server::UnbufferedServerConnection;
use rustls::{CommonState, Error};
use wirelace_wire::Output;

use super::burst;
use super::early::{END_OF_EARLY_DATA, EarlyDataState, Receiving, Sending, Source};
use super::record::{self, MAX_CONTENT, content};
use super::step::{Progress, Step, Stepped, step};
use super::traffic::{Kernel, MAX_WAITING, Traffic};
use crate::alert::Alert;
use crate::ct::CtVerdict;
use crate::error::{RecordRule, TlsError};
use crate::report::{HandshakeReport, Verification};
use crate::verify::watch;

/// Octets of records that a handshake takes, at most: certificate chains are the most of it.
const MAX_OCTETS: usize = 128 * 1024;

/// Records that are still written once the handshake has failed, at most: a server's first ones and the alert.
const LAST_WORDS: usize = 16;

pub(super) enum Rustls {
    /// And what its client asks of certificates, and what it may send early.
    Client(UnbufferedClientConnection, Verification, Option<Sending>),
    /// And where the name that the client asks for will be.
    Server(UnbufferedServerConnection, Arc<OnceLock<String>>, Receiving),
}

/// A handshake under way.
pub(super) struct Handshake {
    rustls: Rustls,
    began: Instant,
    limit: Option<Duration>,
    /// Octets in front of the input that rustls has seen and wants to see again.
    offered: usize,
    /// It has nothing to do before there are more.
    blocked: bool,
    received: usize,
    /// Something was sent since the last record came.
    flight: bool,
    flights: u32,
    /// What the logs say of the server's certificate.
    transparency: Option<Box<CtVerdict>>,
}

impl Handshake {
    pub(super) fn new(rustls: Rustls, now: Instant, limit: Option<Duration>) -> Handshake {
        Handshake {
            rustls,
            began: now,
            limit,
            offered: 0,
            blocked: false,
            received: 0,
            flight: false,
            flights: 0,
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
        // Of the record that is looked at.
        let mut length = 0;
        loop {
            let octets = input.get_mut(..self.offered).unwrap_or_default();
            let (step, discard) = match self.blocked {
                true => (Ok(Progress::More.into()), 0),
                false => self.step(octets, plaintext, output),
            };
            let step = match step {
                Ok(step) => step,
                Err(error) => {
                    // rustls has put an alert aside, behind what it had to say before. It is shown the same octets: it
                    // may hold on to some. Once it has said all it would look at them again, and panic in debug builds.
                    for _ in 0..LAST_WORDS {
                        if !self.common().wants_write() {
                            break;
                        }
                        let octets = input.get_mut(..self.offered).unwrap_or_default();
                        let _ = self.step(octets, &mut BytesMut::new(), output);
                    }
                    return Err(error);
                }
            };
            input.advance(discard.min(input.len()));
            self.offered = self.offered.saturating_sub(discard);
            match step.progress {
                Progress::Again => {
                    self.flight |= step.sent > 0;
                    self.note_early(&step, std::mem::take(&mut length));
                }
                // What is left of the record is a handshake message that goes on under other keys.
                Progress::Done if self.offered > 0 => {
                    return Err(TlsError::Record(RecordRule::Interrupted));
                }
                Progress::Done => return Ok(true),
                Progress::Closed => return Err(TlsError::Truncated),
                // A good deal of early data waits.
                Progress::More if plaintext.len() >= MAX_WAITING => return Ok(false),
                Progress::More => {
                    self.blocked = true;
                    self.drop_refused(input, std::mem::take(&mut length));
                    let rest = input.get(self.offered..).unwrap_or_default();
                    let Some(complete) = record::complete(rest, MAX_CONTENT)? else { return Ok(false) };
                    if let Some(alert) = plain_alert(rest, complete) {
                        return Err(TlsError::Alert(alert));
                    }
                    (length, self.blocked) = (complete, false);
                    self.flights += u32::from(std::mem::take(&mut self.flight));
                    self.offered += length;
                    self.received += length;
                    if self.received > self.max_octets() {
                        return Err(TlsError::HandshakeTooLong(MAX_OCTETS));
                    }
                }
            }
        }
    }

    /// Early data that is refused does not decrypt. rustls leaves it where it is, and would look at it, and count it,
    /// again with every record that follows. What is left of it are zeros, which no message is: there a type is inside.
    fn drop_refused(&mut self, input: &mut BytesMut, length: usize) {
        let Rustls::Server(..) = self.rustls else { return };
        let Some(record) = input.get(..length) else { return };
        let (Some(&content::APPLICATION_DATA), Some(inner)) =
            (record.first(), record.get(record::HEADER..length.saturating_sub(record::TAG)))
        else {
            return;
        };
        if self.offered == length && !inner.is_empty() && inner.iter().all(|octet| *octet == 0) {
            input.advance(length);
            self.offered = 0;
        }
    }

    fn note_early(&mut self, step: &Step, length: usize) {
        match &mut self.rustls {
            Rustls::Client(_, _, Some(sending)) => sending.accepted |= step.sent == END_OF_EARLY_DATA,
            Rustls::Server(_, _, receiving) if step.early > 0 => {
                receiving.came += step.early;
                // It has a limit of its own.
                self.received = self.received.saturating_sub(length);
            }
            _ => {}
        }
    }

    /// Early data that is refused is skipped by rustls, up to what would have been taken.
    fn max_octets(&self) -> usize {
        match &self.rustls {
            Rustls::Client(..) => MAX_OCTETS,
            Rustls::Server(_, _, receiving) => MAX_OCTETS.saturating_add(receiving.limit.saturating_mul(2)),
        }
    }

    fn step(&mut self, octets: &mut [u8], plaintext: &mut BytesMut, output: &mut Output) -> Stepped {
        let waits = self.received == 0;
        let mut stepped = match &mut self.rustls {
            Rustls::Client(rustls, _, sending) => {
                let waits = waits && sending.is_some();
                let step = || step(rustls.process_tls_records(octets), waits, plaintext, output);
                let (stepped, verdict) = watch(step);
                // Once, when the certificates have come.
                self.transparency = verdict.or(self.transparency.take());
                stepped
            }
            Rustls::Server(rustls, ..) => step(rustls.process_tls_records(octets), false, plaintext, output),
        };
        // A server that answers early data may send before it is complete.
        if let (Ok(Step { progress: progress @ Progress::Done, .. }), true) =
            (&mut stepped.0, self.common().is_handshaking())
        {
            *progress = Progress::More;
        }
        stepped
    }

    fn common(&self) -> &CommonState {
        match &self.rustls {
            Rustls::Client(rustls, ..) => rustls,
            Rustls::Server(rustls, ..) => rustls,
        }
    }

    /// The first flight is written: whether early data may follow.
    pub(super) fn check_early(&mut self) {
        if let Rustls::Client(rustls, _, Some(sending)) = &mut self.rustls {
            sending.check(rustls);
        }
    }

    /// Octets that may be sent before the handshake is complete.
    pub(super) fn room(&self) -> usize {
        match &self.rustls {
            // rustls must not have a part of a message that it could not be shown again.
            _ if self.offered > 0 => 0,
            Rustls::Client(_, _, Some(sending)) if self.received == 0 => sending.room(),
            Rustls::Client(..) => 0,
            Rustls::Server(_, _, receiving) => receiving.room(),
        }
    }

    /// Encrypts what there is room for; returns how many octets of `data` that were.
    pub(super) fn send(&mut self, data: &[IoSlice<'_>], output: &mut Output) -> Result<usize, TlsError> {
        let (mut source, mut sent) = (Source::new(data), 0);
        while self.room() > 0 && output.len() < burst::LEAST && !source.is_empty() {
            let record = match &mut self.rustls {
                Rustls::Client(rustls, _, Some(sending)) => sending.send(rustls, &mut source, output)?,
                Rustls::Client(..) => 0,
                Rustls::Server(rustls, _, receiving) => receiving.send(rustls, &mut source, output)?,
            };
            if record == 0 {
                break;
            }
            sent += record;
        }
        Ok(sent)
    }

    pub(super) fn early_data(&self) -> EarlyDataState {
        match &self.rustls {
            Rustls::Client(_, _, Some(sending)) if sending.is_offered() => EarlyDataState::Offered,
            Rustls::Server(_, _, receiving) if receiving.came > 0 => EarlyDataState::Accepted,
            _ => EarlyDataState::None,
        }
    }

    pub(super) fn early_protocol(&self) -> Option<&Bytes> {
        match &self.rustls {
            Rustls::Client(_, _, Some(sending)) => sending.protocol(),
            _ => None,
        }
    }

    /// What is known of it now.
    pub(super) fn report(&self, now: Instant) -> HandshakeReport {
        let mut report = HandshakeReport::new(self.common());
        match &self.rustls {
            Rustls::Client(_, verification, _) => report.verification = *verification,
            Rustls::Server(_, name, receiving) => {
                report.server_name = name.get().cloned();
                report.early_data = receiving.came;
            }
        }
        report.duration = now.saturating_duration_since(self.began);
        report.round_trips = self.flights;
        report
    }

    /// What was agreed on, the connection as it goes on, and early data that is to be sent again.
    pub(super) fn finish(self, now: Instant) -> Result<(Traffic, HandshakeReport, Vec<u8>), TlsError> {
        let mut report = self.report(now);
        report.transparency = self.transparency;
        let local = |error: Error| TlsError::Local(error.to_string());
        let mut again = Vec::new();
        let (secrets, kernel) = match self.rustls {
            Rustls::Client(rustls, _, sending) => {
                if let Some(sending) = sending {
                    report.early_data_refused = sending.is_offered() && !sending.accepted;
                    (report.early_data, again) = sending.finish(report.alpn.as_deref())?;
                }
                let (secrets, kernel) = rustls.dangerous_into_kernel_connection().map_err(local)?;
                (secrets, Kernel::Client(kernel))
            }
            Rustls::Server(rustls, ..) => {
                let (secrets, kernel) = rustls.dangerous_into_kernel_connection().map_err(local)?;
                (secrets, Kernel::Server(kernel))
            }
        };
        Ok((Traffic::new(kernel, &secrets)?, report, again))
    }
}

/// An alert in the clear says more than that something unexpected came.
fn plain_alert(rest: &[u8], length: usize) -> Option<Alert> {
    match rest.get(..length)? {
        [content::ALERT, _, _, 0, 2, 2, description] => Some(Alert(*description)),
        _ => None,
    }
}
