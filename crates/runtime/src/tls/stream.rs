//! A byte stream within TLS.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use bytes::{Buf as _, Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use wirelace_tls_glue::{HandshakeReport, TlsError, TlsSession};

use super::early::Early;
use crate::pool;
use crate::timer::clock;
use crate::transport;

/// Plaintext over `IO`. Its end is the peer's close_notify; without one, reading fails with
/// [`UnexpectedEof`](io::ErrorKind::UnexpectedEof). Errors of TLS are [`TlsError`]s inside of
/// [`InvalidData`](io::ErrorKind::InvalidData).
///
/// At rest it holds no buffers.
#[derive(Debug)]
pub struct TlsStream<IO> {
    pub(super) io: IO,
    pub(super) session: TlsSession,
    /// Ciphertext that came.
    pub(super) input: BytesMut,
    /// Plaintext that nobody has read yet.
    pub(super) plain: BytesMut,
    /// The transport has no more.
    end: bool,
    /// The handshake is not complete.
    pub(super) early: Option<Box<Early>>,
}

impl<IO: AsyncRead + AsyncWrite + Unpin> TlsStream<IO> {
    pub(super) fn new(io: IO, session: TlsSession) -> TlsStream<IO> {
        TlsStream { io, session, input: BytesMut::new(), plain: BytesMut::new(), end: false, early: None }
    }

    pub(super) fn session(&self) -> &TlsSession {
        &self.session
    }

    /// What the handshake agreed on; `None` before it is complete, but for servers with [`early`](TlsStream::early) data:
    /// what is known so far.
    #[must_use]
    pub fn report(&self) -> Option<&HandshakeReport> {
        self.session.report()
    }

    /// The application protocol (ALPN) that early data has to be of, see [`connect`](super::connect).
    #[must_use]
    pub fn early_protocol(&self) -> Option<&Bytes> {
        self.session.early_protocol()
    }

    /// The transport below.
    #[must_use]
    pub fn get_ref(&self) -> &IO {
        &self.io
    }

    pub(super) fn poll_handshake(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), TlsError>> {
        if self.may_begin_early() {
            // The client's first flight goes out with what it has to say.
            return Poll::Ready(Ok(()));
        }
        loop {
            let lost = |error: io::Error| TlsError::Lost(error.to_string());
            if self.session.output_may_wait() {
                // It goes out with what is sent next, or when there is nothing to read.
                return Poll::Ready(Ok(()));
            }
            self.write_out(cx).map_err(lost)?;
            if !self.session.is_handshaking() || self.may_begin_early() {
                return Poll::Ready(Ok(()));
            }
            match ready!(transport::read(&mut self.io, &mut self.input, cx)) {
                Ok(0) => return Poll::Ready(self.session.end_of_input()),
                Ok(_) => {}
                Err(error) => return Poll::Ready(Err(lost(error))),
            }
            let taken = self.session.receive(clock(), &mut self.input, &mut self.plain);
            if let Err(error) = taken {
                // The alert, as far as the transport takes it at once.
                let _ = self.write_out(cx);
                return Poll::Ready(Err(error));
            }
        }
    }

    pub(super) fn on_deadline(&mut self, cx: &mut Context<'_>, now: Instant) -> Result<(), TlsError> {
        let over = self.session.on_deadline(now);
        let _ = self.write_out(cx);
        over
    }

    /// Writes ciphertext; true: nothing is left.
    pub(super) fn write_out(&mut self, cx: &mut Context<'_>) -> io::Result<bool> {
        let output = self.session.output();
        if output.is_empty() {
            return Ok(true);
        }
        transport::write(&mut self.io, output, cx)?;
        let done = output.is_empty();
        if done {
            let mut spare = Vec::new();
            output.swap_inline(&mut spare);
            pool::give_write(spare);
        }
        Ok(done)
    }

    /// Gives `out` what has been decrypted; false: nothing.
    fn take(&mut self, out: &mut ReadBuf<'_>) -> bool {
        let length = self.plain.len().min(out.remaining());
        if length == 0 {
            return false;
        }
        let Some(octets) = self.plain.get(..length) else { return false };
        out.put_slice(octets);
        self.plain.advance(length);
        if self.plain.is_empty() {
            self.give_back();
        }
        true
    }

    /// Empty buffers are for those who have something to put in.
    fn give_back(&mut self) {
        for buffer in [&mut self.input, &mut self.plain] {
            if buffer.is_empty() && buffer.capacity() > 0 {
                pool::give_read(std::mem::take(buffer));
            }
        }
    }

    /// Reads plaintext.
    pub(super) fn poll_plain(&mut self, cx: &mut Context<'_>, out: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        loop {
            if self.take(out) || out.remaining() == 0 {
                return Poll::Ready(Ok(()));
            }
            if !self.input.is_empty() {
                self.decrypt(cx)?;
                if self.take(out) {
                    return Poll::Ready(Ok(()));
                }
            }
            if self.session.peer_closed() {
                return Poll::Ready(Ok(()));
            }
            if self.end {
                return Poll::Ready(self.session.end_of_input().map_err(failed));
            }
            match transport::read(&mut self.io, &mut self.input, cx) {
                Poll::Ready(Ok(read)) => self.end = read == 0,
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => {
                    self.write_out(cx)?;
                    self.give_back();
                    return Poll::Pending;
                }
            }
        }
    }

    fn decrypt(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        if self.plain.capacity() == 0 {
            self.plain = pool::take_read();
        }
        let taken = self.session.receive(clock(), &mut self.input, &mut self.plain);
        // An alert, or new keys.
        let written = self.write_out(cx);
        taken.map_err(failed)?;
        written.map(drop)
    }
}

pub(super) fn failed(error: TlsError) -> io::Error {
    let kind = match error {
        TlsError::Truncated => io::ErrorKind::UnexpectedEof,
        _ => io::ErrorKind::InvalidData,
    };
    io::Error::new(kind, error)
}

impl<IO: AsyncRead + AsyncWrite + Unpin> AsyncRead for TlsStream<IO> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, out: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.early.is_some() { this.poll_early_read(cx, out) } else { this.poll_plain(cx, out) }
    }
}

impl<IO: AsyncRead + AsyncWrite + Unpin> AsyncWrite for TlsStream<IO> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(cx, &[IoSlice::new(data)])
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        data: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        if data.iter().all(|slice| slice.is_empty()) {
            return Poll::Ready(Ok(0));
        }
        if this.early.is_some() {
            ready!(this.poll_early_write(cx, false))?;
        }
        // What waits goes out together with what is new.
        if this.session.room() == 0 && (!this.write_out(cx)? || this.session.room() == 0) {
            return match this.session.failure() {
                Some(error) => Poll::Ready(Err(failed(error.clone()))),
                None => Poll::Pending,
            };
        }
        if this.session.output().is_empty() {
            let mut warm = pool::take_write();
            this.session.output().swap_inline(&mut warm);
        }
        let sent = this.session.send(clock(), data).map_err(failed)?;
        // What the transport does not take now goes out with the next write, or a flush.
        this.write_out(cx)?;
        Poll::Ready(Ok(sent))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.write_out(cx)? { Pin::new(&mut this.io).poll_flush(cx) } else { Poll::Pending }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        this.session.close();
        if this.early.is_some() {
            // The end can be said when the handshake is complete.
            ready!(this.poll_early_write(cx, true))?;
        }
        if this.write_out(cx)? { Pin::new(&mut this.io).poll_shutdown(cx) } else { Poll::Pending }
    }
}
