//! Early data (0-RTT), RFC 8446 §2.3: what a client sends with its first flight, and what a server answers with its.

use std::io::IoSlice;
use std::sync::Arc;

use bytes::Bytes;
use rustls::client::{EarlyDataError, UnbufferedClientConnection};
use rustls::server::UnbufferedServerConnection;
use rustls::unbuffered::{ConnectionState, EncryptError};
use wirelace_wire::Output;

use super::record::{HEADER, MAX_PLAINTEXT};
use crate::error::TlsError;
use crate::tickets::Tickets;

/// Octets of early data that a client sends, at most: they are kept until it is known that they were accepted.
const MAX_SENT: usize = 64 * 1024;
/// Octets that a server answers before the client has shown that it is there.
const MAX_ANSWER: usize = 16 * 1024 * 1024;
/// What TLS 1.3 adds to the plaintext of a record: its type and the tag.
const ADDED: usize = 17;
/// EndOfEarlyData in its record. No other message of a client is as short, and rustls says in no other way that early
/// data was accepted.
pub(super) const END_OF_EARLY_DATA: usize = HEADER + 4 + ADDED;

/// Where the early data of a connection stands.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum EarlyDataState {
    /// There is none, nor may it be sent.
    #[default]
    None,
    /// Client: it may be sent, or was; the server has not said what it does with it.
    Offered,
    /// Server: some came. Client: the server took it.
    Accepted,
    /// Client: the server did not take it.
    Refused,
}

/// The client's side.
pub(super) struct Sending {
    tickets: Arc<Tickets>,
    protocol: Option<Bytes>,
    /// Octets that may still be sent, as a server counts that skips what it refuses: with what protects them.
    left: usize,
    /// What was sent.
    kept: Vec<u8>,
    pub(super) accepted: bool,
}

impl Sending {
    /// `None`: the session allows none, or there is none; or its protocol is not offered any more.
    pub(super) fn new(tickets: Arc<Tickets>, offers: &[Vec<u8>]) -> Sending {
        let (mut left, mut protocol) = (0, None);
        if let Some(ticket) = tickets.taken()
            && ticket.protocol.as_ref().is_none_or(|protocol| offers.iter().any(|offer| offer == protocol))
        {
            left = usize::try_from(ticket.limit).unwrap_or(usize::MAX);
            protocol = ticket.protocol.clone();
        }
        Sending { tickets, protocol, left, kept: Vec::new(), accepted: false }
    }

    pub(super) fn protocol(&self) -> Option<&Bytes> {
        self.protocol.as_ref()
    }

    pub(super) fn is_offered(&self) -> bool {
        self.left > 0 || !self.kept.is_empty()
    }

    pub(super) fn room(&self) -> usize {
        self.left.saturating_sub(ADDED).min(MAX_SENT - self.kept.len())
    }

    /// After the first flight: the ticket may have been of no use, and nothing is offered.
    pub(super) fn check(&mut self, rustls: &mut UnbufferedClientConnection) {
        let offered = match rustls.process_tls_records(&mut []).state {
            Ok(ConnectionState::TransmitTlsData(mut transmit)) => transmit.may_encrypt_early_data().is_some(),
            _ => false,
        };
        if !offered {
            self.left = 0;
        }
    }

    /// One record. Returns the octets that it took.
    pub(super) fn send(
        &mut self,
        rustls: &mut UnbufferedClientConnection,
        data: &mut Source<'_, '_>,
        output: &mut Output,
    ) -> Result<usize, TlsError> {
        let start = self.kept.len();
        let length = data.take(self.room().min(MAX_PLAINTEXT), &mut self.kept);
        let plaintext = self.kept.get(start..).unwrap_or_default();
        let ConnectionState::TransmitTlsData(mut transmit) =
            rustls.process_tls_records(&mut []).state.map_err(local)?
        else {
            return Err(TlsError::Local("rustls takes no early data".to_owned()));
        };
        let Some(mut early) = transmit.may_encrypt_early_data() else {
            return Err(TlsError::Local("rustls takes no early data".to_owned()));
        };
        seal(length, output, |out| match early.encrypt(plaintext, out) {
            Ok(written) => Ok(written),
            Err(EarlyDataError::Encrypt(error)) => Err(error),
            Err(EarlyDataError::ExceededAllowedEarlyData) => Err(EncryptError::EncryptExhausted),
        })?;
        self.left = self.left.saturating_sub(length + ADDED);
        Ok(length)
    }

    /// The handshake is complete, with this protocol. Octets that were accepted, and those that are to be sent again.
    pub(super) fn finish(self, agreed: Option<&[u8]>) -> Result<(usize, Vec<u8>), TlsError> {
        self.tickets.agreed(agreed.map(Bytes::copy_from_slice));
        if self.kept.is_empty() {
            return Ok((0, Vec::new()));
        }
        if agreed != self.protocol.as_deref() {
            if self.accepted {
                return Err(TlsError::Handshake("early data is accepted for another protocol".to_owned()));
            }
            // In another protocol those octets mean something else. The server has not read them.
            self.tickets.forget();
            return Err(TlsError::EarlyDataProtocol);
        }
        Ok(if self.accepted { (self.kept.len(), Vec::new()) } else { (0, self.kept) })
    }
}

/// The server's side.
pub(super) struct Receiving {
    /// Octets that are taken.
    pub(super) limit: usize,
    /// Octets that came.
    pub(super) came: usize,
    /// Octets that may still be answered before the client's Finished.
    left: usize,
}

impl Receiving {
    pub(super) fn new(limit: usize) -> Receiving {
        Receiving { limit, came: 0, left: MAX_ANSWER }
    }

    pub(super) fn room(&self) -> usize {
        if self.came == 0 { 0 } else { self.left }
    }

    /// One record. Returns the octets that it took.
    pub(super) fn send(
        &mut self,
        rustls: &mut UnbufferedServerConnection,
        data: &mut Source<'_, '_>,
        output: &mut Output,
    ) -> Result<usize, TlsError> {
        // With client certificates asked for, rustls waits for them.
        let ConnectionState::WriteTraffic(mut traffic) =
            rustls.process_tls_records(&mut []).state.map_err(local)?
        else {
            return Ok(0);
        };
        let mut plaintext = Vec::new();
        let length = data.take(self.left.min(MAX_PLAINTEXT), &mut plaintext);
        seal(length, output, |out| traffic.encrypt(&plaintext, out))?;
        self.left -= length;
        Ok(length)
    }
}

fn seal(
    length: usize,
    output: &mut Output,
    encrypt: impl FnOnce(&mut [u8]) -> Result<usize, EncryptError>,
) -> Result<(), TlsError> {
    let out = output.inline();
    let start = out.len();
    out.resize(start + HEADER + length + ADDED, 0);
    let written = encrypt(out.get_mut(start..).unwrap_or_default());
    out.truncate(start + written.as_ref().map_or(0, |written| *written));
    match written {
        Ok(_) => Ok(()),
        Err(EncryptError::EncryptExhausted) => Err(TlsError::KeysExhausted),
        Err(error) => Err(TlsError::Local(error.to_string())),
    }
}

fn local(error: rustls::Error) -> TlsError {
    TlsError::Local(error.to_string())
}

/// The octets of several slices, one after the other.
pub(super) struct Source<'a, 'b> {
    slices: &'a [IoSlice<'b>],
    taken: usize,
}

impl<'a, 'b> Source<'a, 'b> {
    pub(super) fn new(slices: &'a [IoSlice<'b>]) -> Source<'a, 'b> {
        Source { slices, taken: 0 }
    }

    /// Appends up to `count` octets to `out`.
    fn take(&mut self, mut count: usize, out: &mut Vec<u8>) -> usize {
        let before = out.len();
        while let (Some((first, rest)), true) = (self.slices.split_first(), count > 0) {
            let part = first.get(self.taken..).unwrap_or_default();
            let length = part.len().min(count);
            out.extend_from_slice(part.get(..length).unwrap_or_default());
            count -= length;
            self.taken += length;
            if self.taken == first.len() {
                (self.slices, self.taken) = (rest, 0);
            }
        }
        out.len() - before
    }

    pub(super) fn is_empty(&self) -> bool {
        self.slices.iter().map(|slice| slice.len()).sum::<usize>() == self.taken
    }
}
