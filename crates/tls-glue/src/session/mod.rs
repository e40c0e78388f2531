//! A TLS connection without I/O.

use std::fmt;
use std::io::IoSlice;
use std::time::Instant;

use bytes::{Bytes, BytesMut};
use wirelace_wire::Output;

use crate::alert::Alert;
use crate::client::ClientTls;
use crate::error::TlsError;
use crate::report::HandshakeReport;
use crate::server::ServerTls;
pub use early::EarlyDataState;
use early::{Receiving, Sending};
use handshake::{Handshake, Rustls};
pub use machine::TlsEvent;
pub(crate) use step::failure;
use traffic::Traffic;

mod burst;
mod early;
mod handshake;
mod machine;
mod record;
mod step;
mod traffic;

/// One TLS connection, of either side: ciphertext in and out, plaintext in and out. It owns no socket and reads no
/// clock (but for the validity of certificates).
///
/// The handshake is rustls's; the records after it are protected here, in place and without a buffer of their own, so
/// that a connection at rest keeps little more than its keys.
pub struct TlsSession {
    phase: Phase,
    output: Output,
    report: Option<HandshakeReport>,
    early: EarlyDataState,
    closed: bool,
    failed: Option<TlsError>,
    /// As a machine: plaintext that came with the end of the handshake.
    kept: BytesMut,
    /// As a machine: the transport has no more input.
    ended: bool,
    /// As a machine: it was said that the peer has closed.
    told: bool,
}

enum Phase {
    Handshake(Box<Handshake>),
    Traffic(Box<Traffic>),
    /// It failed.
    Over,
}

impl fmt::Debug for TlsSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsSession")
            .field("handshaking", &self.is_handshaking())
            .field("peer_closed", &self.peer_closed())
            .field("failed", &self.failed)
            .finish_non_exhaustive()
    }
}

impl TlsSession {
    /// The server's side of a new connection.
    ///
    /// # Errors
    ///
    /// The configuration does not go together.
    pub fn server(tls: &ServerTls, now: Instant) -> Result<TlsSession, TlsError> {
        let (rustls, name) = tls.connection()?;
        let rustls = Rustls::Server(rustls, name, Receiving::new(tls.early_data()));
        Ok(TlsSession::new(Handshake::new(rustls, now, tls.handshake_timeout())))
    }

    /// The client's side of a new connection, to the server of this host name or address.
    ///
    /// # Errors
    ///
    /// The name is neither a host name nor an IP address.
    pub fn client(tls: &ClientTls, name: &str, now: Instant) -> Result<TlsSession, TlsError> {
        let (rustls, tickets) = tls.connection(name)?;
        let sending = tickets.map(|tickets| Sending::new(tickets, tls.protocols()));
        let rustls = Rustls::Client(rustls, tls.verification(), sending);
        let mut session = TlsSession::new(Handshake::new(rustls, now, tls.handshake_timeout()));
        // The first flight.
        session.receive(now, &mut BytesMut::new(), &mut BytesMut::new())?;
        if let Phase::Handshake(handshake) = &mut session.phase {
            handshake.check_early();
            session.early = handshake.early_data();
        }
        Ok(session)
    }

    fn new(handshake: Handshake) -> TlsSession {
        TlsSession {
            phase: Phase::Handshake(Box::new(handshake)),
            output: Output::new(burst::MOST),
            report: None,
            early: EarlyDataState::None,
            closed: false,
            failed: None,
            kept: BytesMut::new(),
            ended: false,
            told: false,
        }
    }

    /// Takes the complete records of `input`, and appends what they say to `plaintext`, until some 64 KiB wait there:
    /// then it is to be called again once they are taken, also without new input.
    ///
    /// # Errors
    ///
    /// The connection is over; [`output`](TlsSession::output) may have an alert that says why to the peer.
    pub fn receive(
        &mut self,
        now: Instant,
        input: &mut BytesMut,
        plaintext: &mut BytesMut,
    ) -> Result<(), TlsError> {
        let result = self.take(now, input, plaintext);
        if let Err(error) = &result {
            self.fail(error.clone());
        }
        result
    }

    fn take(&mut self, now: Instant, input: &mut BytesMut, plaintext: &mut BytesMut) -> Result<(), TlsError> {
        if let Phase::Handshake(handshake) = &mut self.phase {
            let complete = handshake.receive(input, plaintext, &mut self.output);
            let early = handshake.early_data();
            if std::mem::replace(&mut self.early, early) != early && early == EarlyDataState::Accepted {
                self.report = Some(handshake.report(now));
            }
            if !complete? {
                return Ok(());
            }
            let Phase::Handshake(handshake) = std::mem::replace(&mut self.phase, Phase::Over) else {
                return Ok(());
            };
            let (mut traffic, report, again) = handshake.finish(now)?;
            if self.early == EarlyDataState::Offered {
                self.early = if report.early_data_refused {
                    EarlyDataState::Refused
                } else {
                    EarlyDataState::Accepted
                };
            }
            self.report = Some(report);
            self.send_again(now, &mut traffic, &again)?;
            if self.closed {
                traffic.send_alert(1, Alert::CLOSE_NOTIFY, &mut self.output);
            }
            self.phase = Phase::Traffic(Box::new(traffic));
        }
        match &mut self.phase {
            Phase::Traffic(traffic) => traffic.receive(input, plaintext, &mut self.output),
            _ => Err(self.failed.clone().unwrap_or(TlsError::Truncated)),
        }
    }

    /// Early data that was refused, as the first that is sent now.
    fn send_again(&mut self, now: Instant, traffic: &mut Traffic, data: &[u8]) -> Result<(), TlsError> {
        if !data.is_empty() {
            // It is less than what waits otherwise, and is sent whole.
            let mut whole = Output::new(usize::MAX);
            traffic.send(now, &[IoSlice::new(data)], &mut whole)?;
            self.output.inline().append(whole.inline());
        }
        Ok(())
    }

    /// The transport has no more input.
    ///
    /// # Errors
    ///
    /// [`TlsError::Truncated`]: the peer has not said that this is all.
    pub fn end_of_input(&mut self) -> Result<(), TlsError> {
        if self.peer_closed() {
            return Ok(());
        }
        let error = self.failed.clone().unwrap_or(TlsError::Truncated);
        self.phase = Phase::Over;
        self.failed = Some(error.clone());
        Err(error)
    }

    /// Encrypts what the output has room for, and returns how many octets that were: none after
    /// [`close`](TlsSession::close), and none during the handshake but early data and what answers it
    /// ([`early_data`](TlsSession::early_data)).
    ///
    /// # Errors
    ///
    /// The connection is over.
    pub fn send(&mut self, now: Instant, data: &[IoSlice<'_>]) -> Result<usize, TlsError> {
        match &mut self.phase {
            _ if self.closed => Ok(0),
            Phase::Traffic(_) | Phase::Handshake(_) => {
                let sent = match &mut self.phase {
                    Phase::Traffic(traffic) => traffic.send(now, data, &mut self.output),
                    Phase::Handshake(handshake) => handshake.send(data, &mut self.output),
                    Phase::Over => Ok(0),
                };
                if let Err(error) = &sent {
                    self.fail(error.clone());
                }
                sent
            }
            Phase::Over => Err(self.failed.clone().unwrap_or(TlsError::Truncated)),
        }
    }

    /// Octets of plaintext that [`send`](TlsSession::send) takes now, about: what waits to be written is 128 KiB at most, and
    /// up to 512 KiB where the transport takes all that it is given.
    #[must_use]
    pub fn room(&self) -> usize {
        match &self.phase {
            _ if self.closed => 0,
            Phase::Traffic(traffic) => traffic.room(self.output.len()),
            Phase::Handshake(handshake) => {
                handshake.room().min(burst::LEAST.saturating_sub(self.output.len()))
            }
            Phase::Over => 0,
        }
    }

    /// Where early data stands.
    ///
    /// Client: [`Offered`](EarlyDataState::Offered), with [`room`](TlsSession::room) before the handshake is complete, says
    /// that what is [sent](TlsSession::send) now goes out with the first flight. It must do no harm when it is heard
    /// twice (RFC 8446 §8), and be of the [protocol](TlsSession::early_protocol) of the session that is resumed.
    /// Should the server refuse it, it is sent again by itself once the handshake is complete.
    ///
    /// Server: [`Accepted`](EarlyDataState::Accepted) while [`is_handshaking`](TlsSession::is_handshaking) says that what
    /// came may be a replay, and may be answered already. Once the handshake is complete it is none.
    #[must_use]
    pub fn early_data(&self) -> EarlyDataState {
        self.early
    }

    /// The application protocol (ALPN) that a client's early data has to be of. If the server agrees on another and
    /// refuses the data, the connection fails with [`TlsError::EarlyDataProtocol`].
    #[must_use]
    pub fn early_protocol(&self) -> Option<&Bytes> {
        match &self.phase {
            Phase::Handshake(handshake) => handshake.early_protocol(),
            _ => None,
        }
    }

    /// Ciphertext that wants to go out.
    pub fn output(&mut self) -> &mut Output {
        &mut self.output
    }

    /// The handshake is complete, and whatever waits in the output is not waited for by the peer: session tickets of
    /// TLS 1.3, which can go out with what is sent next.
    #[must_use]
    pub fn output_may_wait(&self) -> bool {
        matches!(&self.phase, Phase::Traffic(traffic) if traffic.is_server_of_tls13())
    }

    /// Says that nothing more comes from this side (close_notify), during the handshake at its end. The peer may go on
    /// sending.
    pub fn close(&mut self) {
        if let (Phase::Traffic(traffic), false) = (&mut self.phase, self.closed) {
            traffic.send_alert(1, Alert::CLOSE_NOTIFY, &mut self.output);
        }
        self.closed = true;
    }

    /// Changes the keys of TLS 1.3; `ask`: the peer is to change its own, too (RFC 8446 §4.6.3).
    ///
    /// # Errors
    ///
    /// The handshake is not complete, or the version is 1.2.
    pub fn update_keys(&mut self, ask: bool) -> Result<(), TlsError> {
        match &mut self.phase {
            Phase::Traffic(traffic) => traffic.update_keys(ask, &mut self.output),
            Phase::Handshake(_) => Err(TlsError::Local("the handshake is not complete".to_owned())),
            Phase::Over => Err(self.failed.clone().unwrap_or(TlsError::Truncated)),
        }
    }

    /// When the handshake takes too long.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        match &self.phase {
            Phase::Handshake(handshake) => handshake.deadline(),
            _ => None,
        }
    }

    /// Time has passed.
    ///
    /// # Errors
    ///
    /// The handshake took too long.
    pub fn on_deadline(&mut self, now: Instant) -> Result<(), TlsError> {
        match &self.phase {
            Phase::Handshake(handshake) if handshake.deadline().is_some_and(|deadline| deadline <= now) => {
                let error = TlsError::HandshakeTimeout(handshake.limit());
                self.fail(error.clone());
                Err(error)
            }
            _ => Ok(()),
        }
    }

    /// The handshake is not complete.
    #[must_use]
    pub fn is_handshaking(&self) -> bool {
        matches!(self.phase, Phase::Handshake(_))
    }

    /// The peer has said that it sends no more (close_notify).
    #[must_use]
    pub fn peer_closed(&self) -> bool {
        matches!(&self.phase, Phase::Traffic(traffic) if traffic.peer_closed)
    }

    /// What the handshake agreed on; `None` before it is complete, but for a server that has early data already: then it
    /// is what is known so far.
    #[must_use]
    pub fn report(&self) -> Option<&HandshakeReport> {
        self.report.as_ref()
    }

    /// Why it is over before its time.
    #[must_use]
    pub fn failure(&self) -> Option<&TlsError> {
        self.failed.as_ref()
    }

    fn fail(&mut self, error: TlsError) {
        if let (Phase::Traffic(traffic), Some(alert)) = (&mut self.phase, error.alert()) {
            traffic.send_alert(2, alert, &mut self.output);
        }
        self.phase = Phase::Over;
        self.failed = Some(error);
    }
}
