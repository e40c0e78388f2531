//! From a byte stream to a TLS stream.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::sleep_until;
use wirelace_tls_glue::{ClientTls, ServerTls, TlsError, TlsSession};

use super::stream::TlsStream;
use crate::timer::clock;

/// The server's handshake with whoever has connected.
///
/// Where [early data](wirelace_tls_glue::ServerTlsBuilder::early_data) comes, the stream is there as soon as it can be
/// read, and can be answered; [`TlsStream::early`] tells when the handshake is complete. It goes on while the stream is
/// read or written, with the same deadline; if it fails, so does reading and writing.
///
/// # Errors
///
/// It failed, or took longer than [`ServerTls::handshake_timeout`]; the peer was told why, if it reads at all.
pub async fn accept<IO>(io: IO, tls: &ServerTls) -> Result<TlsStream<IO>, TlsError>
where
    IO: AsyncRead + AsyncWrite + Unpin,
{
    run(TlsStream::new(io, TlsSession::server(tls, clock())?)).await
}

/// The client's handshake with the server of this host name or address.
///
/// Where [early data](wirelace_tls_glue::ClientTlsBuilder::early_data) may be sent, the stream is there at once; what is
/// written goes out with the first flight, and the handshake goes on while the stream is read or written. What is
/// written before it is complete ([`TlsStream::early`]) must do no harm when it is heard twice, and be of the session's
/// [protocol](TlsStream::early_protocol). If the server refuses it, it is sent again by itself.
///
/// # Errors
///
/// It failed: the server's certificate is not accepted, for instance.
pub async fn connect<IO>(io: IO, tls: &ClientTls, name: &str) -> Result<TlsStream<IO>, TlsError>
where
    IO: AsyncRead + AsyncWrite + Unpin,
{
    run(TlsStream::new(io, TlsSession::client(tls, name, clock())?)).await
}

async fn run<IO>(mut stream: TlsStream<IO>) -> Result<TlsStream<IO>, TlsError>
where
    IO: AsyncRead + AsyncWrite + Unpin,
{
    let done = match stream.session().deadline() {
        None => poll_fn(|cx| stream.poll_handshake(cx)).await,
        Some(deadline) => {
            let mut timer = pin!(sleep_until(deadline.into()));
            poll_fn(|cx| {
                if let Poll::Ready(done) = stream.poll_handshake(cx) {
                    return Poll::Ready(done);
                }
                timer.as_mut().poll(cx).map(|()| stream.on_deadline(cx, clock()))
            })
            .await
        }
    };
    done.map(|()| {
        stream.begin_early();
        stream
    })
}
