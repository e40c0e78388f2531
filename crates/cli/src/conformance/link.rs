//! Bytes to and from a server, with or without TLS, as they are.

use std::io::{self, IoSlice, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use bytes::BytesMut;
use wirelace::tls_glue::{ClientTls, TlsSession};

/// Whom to test.
#[derive(Debug)]
pub(crate) struct Target {
    /// Where it is.
    pub(crate) address: SocketAddr,
    /// What requests call it.
    pub(crate) authority: String,
    /// The path of requests that name no other.
    pub(crate) path: String,
    /// `None`: in the clear.
    pub(crate) tls: Option<ClientTls>,
    /// How long an answer may take.
    pub(crate) timeout: Duration,
    /// What should be must be.
    pub(crate) strict: bool,
}

/// A connection.
pub(crate) struct Link {
    stream: TcpStream,
    tls: Option<Box<TlsSession>>,
    /// Records that are not complete.
    records: BytesMut,
    /// What came with the end of the handshake.
    ready: BytesMut,
}

/// What a read brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Got {
    /// Bytes.
    Some,
    /// The end of the connection.
    End,
    /// Nothing in time.
    Nothing,
}

impl Link {
    /// Connects, and completes the handshake of TLS.
    pub(crate) fn open(target: &Target) -> io::Result<Link> {
        let stream = TcpStream::connect_timeout(&target.address, target.timeout.max(Duration::from_secs(1)))?;
        stream.set_nodelay(true)?;
        stream.set_write_timeout(Some(target.timeout.max(Duration::from_secs(1))))?;
        let mut link = Link { stream, tls: None, records: BytesMut::new(), ready: BytesMut::new() };
        let Some(tls) = &target.tls else { return Ok(link) };
        let name = target.authority.rsplit_once(':').map_or(target.authority.as_str(), |(name, _)| name);
        link.tls = Some(Box::new(TlsSession::client(tls, name, Instant::now()).map_err(io::Error::other)?));
        let deadline = Instant::now() + target.timeout.max(Duration::from_secs(5));
        let mut early = BytesMut::new();
        link.flush_tls()?;
        while link.tls.as_ref().is_some_and(|tls| tls.is_handshaking()) {
            if link.read(&mut early, deadline)? != Got::Some
                && link.tls.as_ref().is_some_and(|tls| tls.is_handshaking())
            {
                return Err(io::Error::other("the TLS handshake is not completed"));
            }
        }
        let agreed = link.tls.as_ref().and_then(|tls| tls.report()).and_then(|report| report.alpn.clone());
        if agreed.as_deref() != Some(b"h2") {
            return Err(io::Error::other("the server does not agree on h2 (ALPN)"));
        }
        link.ready = early;
        Ok(link)
    }

    fn flush_tls(&mut self) -> io::Result<()> {
        let Some(tls) = &mut self.tls else { return Ok(()) };
        let mut wire = Vec::new();
        tls.output().chunks().for_each(|chunk| wire.extend_from_slice(chunk));
        tls.output().advance(wire.len());
        self.stream.write_all(&wire)
    }

    /// Writes everything.
    pub(crate) fn write(&mut self, mut data: &[u8]) -> io::Result<()> {
        if self.tls.is_none() {
            return self.stream.write_all(data);
        }
        while !data.is_empty() {
            let Some(tls) = &mut self.tls else { break };
            let sent = tls.send(Instant::now(), &[IoSlice::new(data)]).map_err(io::Error::other)?;
            data = data.get(sent..).unwrap_or_default();
            self.flush_tls()?;
        }
        Ok(())
    }

    /// Appends what has come, or comes until then. A reset is an end like others.
    pub(crate) fn read(&mut self, out: &mut BytesMut, deadline: Instant) -> io::Result<Got> {
        let before = out.len();
        if !self.ready.is_empty() {
            out.extend_from_slice(&self.ready.split());
            return Ok(Got::Some);
        }
        let mut buffer = [0; 16 * 1024];
        loop {
            let now = Instant::now();
            if now >= deadline {
                return Ok(Got::Nothing);
            }
            self.stream.set_read_timeout(Some((deadline - now).max(Duration::from_millis(1))))?;
            let count = match self.stream.read(&mut buffer) {
                Ok(0) => return Ok(Got::End),
                Ok(count) => count,
                Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {
                    return Ok(Got::Nothing);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(_) => return Ok(Got::End),
            };
            let read = buffer.get(..count).unwrap_or_default();
            let Some(tls) = &mut self.tls else {
                out.extend_from_slice(read);
                return Ok(Got::Some);
            };
            self.records.extend_from_slice(read);
            let handshaking = tls.is_handshaking();
            let mut plaintext = BytesMut::new();
            loop {
                let was = plaintext.len();
                tls.receive(Instant::now(), &mut self.records, &mut plaintext).map_err(io::Error::other)?;
                if plaintext.len() == was {
                    break;
                }
            }
            out.extend_from_slice(&plaintext);
            let (ended, changed) = (tls.peer_closed(), handshaking != tls.is_handshaking());
            // An alert or a key update may be due; the peer need not take it.
            let _ = self.flush_tls();
            if out.len() > before || changed {
                return Ok(Got::Some);
            }
            if ended {
                return Ok(Got::End);
            }
        }
    }
}
