//! A byte stream within TLS.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use bytes::{Buf as _, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use wirelace_tls_glue::{HandshakeReport, TlsError, TlsSession};

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
    io: IO,
    session: TlsSession,
    /// Ciphertext that came.
    input: BytesMut,
    /// Plaintext that nobody has read yet.
    plain: BytesMut,
    /// The transport has no more.
    end: bool,
}

impl<IO: AsyncRead + AsyncWrite + Unpin> TlsStream<IO> {
    pub(super) fn new(io: IO, session: TlsSession) -> TlsStream<IO> {
        TlsStream { io, session, input: BytesMut::new(), plain: BytesMut::new(), end: false }
    }

    pub(super) fn session(&self) -> &TlsSession {
        &self.session
    }

    /// What the handshake agreed on.
    #[must_use]
    pub fn report(&self) -> Option<&HandshakeReport> {
        self.session.report()
    }

    /// The transport below.
    #[must_use]
    pub fn get_ref(&self) -> &IO {
        &self.io
    }

    pub(super) fn poll_handshake(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), TlsError>> {
        loop {
            let lost = |error: io::Error| TlsError::Lost(error.to_string());
            self.write_out(cx).map_err(lost)?;
            if !self.session.is_handshaking() {
                // What waits to be written goes out with what is sent next, or with a flush.
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
    fn write_out(&mut self, cx: &mut Context<'_>) -> io::Result<bool> {
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

fn failed(error: TlsError) -> io::Error {
    let kind = match error {
        TlsError::Truncated => io::ErrorKind::UnexpectedEof,
        _ => io::ErrorKind::InvalidData,
    };
    io::Error::new(kind, error)
}

impl<IO: AsyncRead + AsyncWrite + Unpin> AsyncRead for TlsStream<IO> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, out: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        loop {
            if this.take(out) || out.remaining() == 0 {
                return Poll::Ready(Ok(()));
            }
            if !this.input.is_empty() {
                this.decrypt(cx)?;
                if this.take(out) {
                    return Poll::Ready(Ok(()));
                }
            }
            if this.session.peer_closed() {
                return Poll::Ready(Ok(()));
            }
            if this.end {
                return Poll::Ready(this.session.end_of_input().map_err(failed));
            }
            match transport::read(&mut this.io, &mut this.input, cx) {
                Poll::Ready(Ok(read)) => this.end = read == 0,
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => {
                    this.give_back();
                    return Poll::Pending;
                }
            }
        }
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
        this.write_out(cx)?;
        if this.session.room() == 0 {
            return Poll::Pending;
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
        if this.write_out(cx)? { Pin::new(&mut this.io).poll_shutdown(cx) } else { Poll::Pending }
    }
}
