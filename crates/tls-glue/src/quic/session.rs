//! The handshake by rustls.

use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use rustls::quic::{ClientConnection, Connection, KeyChange, ServerConnection};

use super::capture::Capture;
use super::config::{QuicClientTls, QuicServerTls};
use super::error::CryptoError;
use super::handshake::{QuicEvent, QuicHandshake};
use super::keys::{Level, Pair, Side};
use super::messages::Messages;
use super::pending::{Pending, Queue};
use super::secret::TrafficSecret;
use super::suite::Suite;
use super::version::Version;
use crate::alert::Alert;
use crate::client::server_name;
use crate::ct::CtVerdict;
use crate::error::TlsError;
use crate::report::{HandshakeReport, Verification};
use crate::session::failure;
use crate::verify::watch;

/// The TLS of one QUIC connection, of either side; see [`QuicHandshake`] for what it does. It owns no socket and reads
/// no clock (but for the validity of certificates).
pub struct QuicSession {
    rustls: Connection,
    side: Side,
    capture: Arc<Capture>,
    queue: Queue,
    messages: Messages,
    /// Of what comes.
    reading: Level,
    /// Of what is sent.
    writing: Level,
    /// Client: what is asked of the server's certificates.
    verification: Option<Verification>,
    /// Client: what the logs say of the server's certificate.
    transparency: Option<Box<CtVerdict>>,
    began: Instant,
    /// Something was sent since the last octets came.
    flight: bool,
    flights: u32,
    /// Client: early data was offered, and there is no answer yet.
    early: bool,
    remembered: Option<Bytes>,
    parameters: Option<Bytes>,
    report: Option<HandshakeReport>,
    failed: Option<CryptoError>,
}

impl QuicSession {
    /// The server's side of a new connection. `parameters` are the transport parameters for the client, as they travel
    /// (RFC 9000 §18).
    ///
    /// # Errors
    ///
    /// The configuration does not go together.
    pub fn server(
        tls: &QuicServerTls,
        version: Version,
        parameters: &[u8],
        now: Instant,
    ) -> Result<QuicSession, TlsError> {
        let mut config = tls.config.clone();
        let capture = Arc::new(Capture::new(config.key_log));
        config.key_log = Arc::clone(&capture) as _;
        let rustls = ServerConnection::new(Arc::new(config), rustls::quic::Version::V1, parameters.to_vec());
        let rustls = Connection::Server(rustls.map_err(local)?);
        Ok(QuicSession::new(rustls, Side::Server, capture, version, now))
    }

    /// The client's side of a new connection, to the server of this host name or address. `parameters` are the
    /// transport parameters for the server.
    ///
    /// # Errors
    ///
    /// `name` is neither a host name nor an IP address.
    pub fn client(
        tls: &QuicClientTls,
        version: Version,
        name: &str,
        parameters: &[u8],
        now: Instant,
    ) -> Result<QuicSession, TlsError> {
        let mut config = tls.config.clone();
        let capture = Arc::new(Capture::new(config.key_log));
        config.key_log = Arc::clone(&capture) as _;
        let (name, rustls_version) = (server_name(name)?, rustls::quic::Version::V1);
        let rustls = ClientConnection::new(Arc::new(config), rustls_version, name, parameters.to_vec());
        let rustls = Connection::Client(rustls.map_err(local)?);
        let mut session = QuicSession::new(rustls, Side::Client, capture, version, now);
        session.verification = Some(tls.verification);
        session.offer_early().and_then(|()| session.write()).map_err(|error| error.error)?;
        Ok(session)
    }

    fn new(
        rustls: Connection,
        side: Side,
        capture: Arc<Capture>,
        version: Version,
        now: Instant,
    ) -> QuicSession {
        QuicSession {
            rustls,
            side,
            capture,
            queue: Queue::new(version),
            messages: Messages::default(),
            reading: Level::Initial,
            writing: Level::Initial,
            verification: None,
            transparency: None,
            began: now,
            flight: false,
            flights: 0,
            early: false,
            remembered: None,
            parameters: None,
            report: None,
            failed: None,
        }
    }

    fn read(&mut self, now: Instant, level: Level, data: &[u8]) -> Result<(), CryptoError> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        if data.is_empty() {
            return Ok(());
        }
        if level != self.reading {
            let (level, expected) = (level_name(level), level_name(self.reading));
            return Err(CryptoError::violation(format!(
                "CRYPTO octets at level {level}, expected {expected}"
            )));
        }
        self.flights += u32::from(std::mem::take(&mut self.flight));
        self.messages.append(level, data).map_err(|error| CryptoError::new(error, None))?;
        while let Some(message) = self.messages.first().map_err(|error| CryptoError::new(error, None))? {
            let (read, verdict) = watch(|| self.rustls.read_hs(message));
            // Once, when the certificates have come.
            self.transparency = verdict.or(self.transparency.take());
            if let Err(error) = read {
                let alert = self.rustls.alert().map(|alert| Alert(u8::from(alert)));
                return Err(CryptoError::new(failure(error), alert));
            }
            let length = message.len();
            self.messages.done(length);
            self.progress(now, level)?;
            if self.reading != level && !self.messages.is_empty() {
                let level = level_name(level);
                return Err(CryptoError::violation(format!("CRYPTO octets behind the end of level {level}")));
            }
        }
        Ok(())
    }

    /// After a message of this level.
    fn progress(&mut self, now: Instant, level: Level) -> Result<(), CryptoError> {
        let handshaking = self.rustls.is_handshaking();
        // The server has read a hello that needs no retry, or the client the first encrypted message.
        if self.parameters.is_none() && (self.side == Side::Server || level == Level::Handshake) {
            self.learn_parameters()?;
        }
        self.write()?;
        if self.report.is_none() && !handshaking {
            let mut report = HandshakeReport::new(&self.rustls);
            match &self.rustls {
                Connection::Client(_) => {
                    report.verification = self.verification.unwrap_or(report.verification)
                }
                Connection::Server(server) => {
                    report.server_name = server.server_name().map(str::to_owned);
                }
            }
            report.duration = now.saturating_duration_since(self.began);
            report.round_trips = self.flights;
            report.transparency = self.transparency.take();
            self.report = Some(report.clone());
            self.queue.push(Pending::Complete(Box::new(report)));
            // Of early data that was refused.
            self.capture.take(|secrets| *secrets = Default::default());
        }
        if !handshaking {
            self.reading = Level::OneRtt;
        } else if self.writing > Level::Initial {
            self.reading = Level::Handshake;
        }
        Ok(())
    }

    fn learn_parameters(&mut self) -> Result<(), CryptoError> {
        let Some(parameters) = self.rustls.quic_transport_parameters() else { return Ok(()) };
        let parameters = Bytes::copy_from_slice(parameters);
        self.parameters = Some(parameters.clone());
        self.queue.push(Pending::TransportParameters(parameters));
        match &self.rustls {
            Connection::Client(client) if self.early => {
                self.queue.push(Pending::EarlyData { accepted: client.is_early_data_accepted() });
                self.early = false;
            }
            Connection::Server(server) if server.zero_rtt_keys().is_some() => {
                let secret = self.capture.take(|secrets| secrets.early.take());
                let secret = self.secret(secret)?;
                self.queue.push(Pending::EarlyKeys(secret));
            }
            _ => {}
        }
        Ok(())
    }

    /// Client: with its first message.
    fn offer_early(&mut self) -> Result<(), CryptoError> {
        if let Some(secret) = self.capture.take(|secrets| secrets.early.take()) {
            let secret = self.secret(Some(secret))?;
            self.early = true;
            self.remembered = self.rustls.quic_transport_parameters().map(Bytes::copy_from_slice);
            self.queue.push(Pending::EarlyKeys(secret));
        }
        Ok(())
    }

    /// Moves out what rustls has to send, and the keys in between.
    fn write(&mut self) -> Result<(), CryptoError> {
        loop {
            let mut data = Vec::new();
            let change = self.rustls.write_hs(&mut data);
            let nothing = data.is_empty() && change.is_none();
            if !data.is_empty() {
                self.flight = true;
                self.queue.push(Pending::Crypto { level: self.writing, data: data.into() });
            }
            match change {
                Some(KeyChange::Handshake { .. }) => {
                    let secrets = self
                        .capture
                        .take(|secrets| (secrets.client_handshake.take(), secrets.server_handshake.take()));
                    let secrets = self.pair(secrets)?;
                    self.queue.push(Pending::HandshakeKeys(secrets));
                    self.writing = Level::Handshake;
                }
                Some(KeyChange::OneRtt { .. }) => {
                    let secrets = self
                        .capture
                        .take(|secrets| (secrets.client_traffic.take(), secrets.server_traffic.take()));
                    let secrets = self.pair(secrets)?;
                    self.queue.push(Pending::OneRttKeys(secrets));
                    self.writing = Level::OneRtt;
                }
                None => {}
            }
            if nothing {
                return Ok(());
            }
        }
    }

    fn pair(&self, (client, server): (Option<Vec<u8>>, Option<Vec<u8>>)) -> Result<Pair, CryptoError> {
        Ok(Pair::new(self.secret(client)?, self.secret(server)?, self.side))
    }

    /// A secret of the suite that was agreed on (or that early data has).
    fn secret(&self, octets: Option<Vec<u8>>) -> Result<TrafficSecret, CryptoError> {
        use rustls::CipherSuite;
        let suite = self.rustls.negotiated_cipher_suite().map(|suite| suite.suite());
        let suite = match suite {
            Some(CipherSuite::TLS13_AES_128_GCM_SHA256) => Some(Suite::Aes128Gcm),
            Some(CipherSuite::TLS13_AES_256_GCM_SHA384) => Some(Suite::Aes256Gcm),
            Some(CipherSuite::TLS13_CHACHA20_POLY1305_SHA256) => Some(Suite::ChaCha20Poly1305),
            _ => None,
        };
        match (suite, octets) {
            (Some(suite), Some(octets)) => Ok(TrafficSecret::new(suite, &octets)?),
            _ => Err(CryptoError::new(TlsError::Local("rustls has told no secret".to_owned()), None)),
        }
    }
}

impl QuicHandshake for QuicSession {
    fn read_crypto(&mut self, now: Instant, level: Level, data: &[u8]) -> Result<(), CryptoError> {
        let result = self.read(now, level, data);
        if let Err(error) = &result {
            self.failed = Some(error.clone());
        }
        result
    }

    fn poll_event(&mut self) -> Result<Option<QuicEvent>, CryptoError> {
        match (self.queue.pop()?, &self.failed) {
            (None, Some(error)) => Err(error.clone()),
            (event, _) => Ok(event),
        }
    }

    fn expected_level(&self) -> Level {
        self.reading
    }

    fn is_handshaking(&self) -> bool {
        self.report.is_none()
    }

    fn set_version(&mut self, version: Version) -> Result<(), TlsError> {
        if self.queue.set_version(version) {
            return Ok(());
        }
        Err(TlsError::Local(format!("{} has its keys, it is too late for {version}", self.queue.version)))
    }

    fn version(&self) -> Version {
        self.queue.version
    }

    fn reject_early_data(&mut self) {
        if let (Connection::Server(server), None) = (&mut self.rustls, &self.parameters) {
            server.reject_early_data();
        }
    }

    fn remembered_parameters(&self) -> Option<&Bytes> {
        self.remembered.as_ref()
    }

    fn transport_parameters(&self) -> Option<&Bytes> {
        self.parameters.as_ref()
    }

    fn report(&self) -> Option<&HandshakeReport> {
        self.report.as_ref()
    }

    fn export_keying_material(
        &self,
        output: &mut [u8],
        label: &[u8],
        context: Option<&[u8]>,
    ) -> Result<(), TlsError> {
        self.rustls.export_keying_material(output, label, context).map(|_| ()).map_err(local)
    }
}

impl fmt::Debug for QuicSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("QuicSession")
            .field("side", &self.side)
            .field("version", &self.queue.version)
            .field("expected_level", &self.reading)
            .field("failed", &self.failed)
            .finish_non_exhaustive()
    }
}

fn level_name(level: Level) -> &'static str {
    match level {
        Level::Initial => "Initial",
        Level::ZeroRtt => "0-RTT",
        Level::Handshake => "Handshake",
        Level::OneRtt => "1-RTT",
    }
}

fn local(error: rustls::Error) -> TlsError {
    TlsError::Local(error.to_string())
}
