//! What is written by hand on top of tokio-util's `LengthDelimitedCodec`: ids in front of the payload, a task that
//! writes what waits with one flush, a task that reads, and a map of those who wait. No heartbeats, no credit, no
//! deadline of a frame. The first argument says what it can do: `plain`, with a `timeout` for each call, or also with
//! handlers that run `concurrent`ly, so that a slow one holds up nobody (what ids are for).

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::{Buf, BufMut, Bytes, BytesMut};
use futures::{SinkExt, StreamExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, oneshot};
use tokio_util::codec::{FramedRead, FramedWrite, LengthDelimitedCodec};
use wirelace_benches::frame::{Echo, run};

/// Octets of a buffer: all 64 calls of a kibibyte fit.
const BUFFER: usize = 128 * 1024;
const IN_FLIGHT: usize = 128;
const TIMEOUT: Duration = Duration::from_secs(30);

/// A payload and where its answer goes.
type Queued = (Bytes, oneshot::Sender<Bytes>);
type Waiting = Arc<Mutex<HashMap<u32, oneshot::Sender<Bytes>>>>;

#[derive(Clone)]
struct Client {
    calls: mpsc::Sender<Queued>,
    timeout: bool,
}

impl Echo for Client {
    async fn call(&self, payload: Bytes) -> io::Result<Bytes> {
        let (sender, answer) = oneshot::channel();
        self.calls.send((payload, sender)).await.map_err(io::Error::other)?;
        if self.timeout {
            return tokio::time::timeout(TIMEOUT, answer).await?.map_err(io::Error::other);
        }
        answer.await.map_err(io::Error::other)
    }
}

fn framed(
    stream: TcpStream,
) -> (FramedRead<OwnedReadHalf, LengthDelimitedCodec>, FramedWrite<OwnedWriteHalf, LengthDelimitedCodec>) {
    let (reader, writer) = stream.into_split();
    let mut writer = FramedWrite::new(writer, LengthDelimitedCodec::new());
    writer.set_backpressure_boundary(BUFFER);
    (FramedRead::with_capacity(reader, LengthDelimitedCodec::new(), BUFFER), writer)
}

fn frame(id: u32, payload: &[u8]) -> Bytes {
    let mut frame = BytesMut::with_capacity(4 + payload.len());
    frame.put_u32(id);
    frame.put_slice(payload);
    frame.freeze()
}

async fn connect(address: SocketAddr, timeout: bool) -> io::Result<Client> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let (mut reader, mut writer) = framed(stream);
    let waiting = Waiting::default();
    let (calls, mut queue) = mpsc::channel::<Queued>(IN_FLIGHT);
    let known = Arc::clone(&waiting);
    tokio::spawn(async move {
        while let Some(Ok(mut frame)) = reader.next().await {
            let id = frame.get_u32();
            let sender = known.lock().unwrap_or_else(PoisonError::into_inner).remove(&id);
            if let Some(sender) = sender {
                // Whoever asked may have left.
                let _ = sender.send(frame.freeze());
            }
        }
        known.lock().unwrap_or_else(PoisonError::into_inner).clear();
    });
    tokio::spawn(async move {
        let (mut id, mut batch) = (0_u32, Vec::with_capacity(IN_FLIGHT));
        while queue.recv_many(&mut batch, IN_FLIGHT).await > 0 {
            for (payload, sender) in batch.drain(..) {
                id = id.wrapping_add(1);
                waiting.lock().unwrap_or_else(PoisonError::into_inner).insert(id, sender);
                writer.feed(frame(id, &payload)).await?;
            }
            SinkExt::<Bytes>::flush(&mut writer).await?;
        }
        io::Result::Ok(())
    });
    Ok(Client { calls, timeout })
}

async fn serve(address: SocketAddr, concurrent: bool) -> io::Result<()> {
    let listener = TcpListener::bind(address).await?;
    eprintln!("listening frame {}", listener.local_addr()?);
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        // A connection that ends badly is the client's affair.
        tokio::spawn(async move {
            drop(if concurrent { answer_each(stream).await } else { answer(stream).await });
        });
    }
}

/// What the service does.
async fn echo(payload: Bytes) -> Bytes {
    payload
}

/// All requests that have come are answered in place, with one flush.
async fn answer(stream: TcpStream) -> io::Result<()> {
    let (reader, mut writer) = framed(stream);
    let mut batches = reader.ready_chunks(IN_FLIGHT);
    while let Some(batch) = batches.next().await {
        for request in batch {
            let mut request = request?;
            let id = request.get_u32();
            let payload = echo(request.freeze()).await;
            writer.feed(frame(id, &payload)).await?;
        }
        SinkExt::<Bytes>::flush(&mut writer).await?;
    }
    Ok(())
}

/// Each request is answered by a task of its own; another writes the answers that are there with one flush.
async fn answer_each(stream: TcpStream) -> io::Result<()> {
    let (mut reader, mut writer) = framed(stream);
    let (answers, mut queue) = mpsc::channel::<(u32, Bytes)>(IN_FLIGHT);
    tokio::spawn(async move {
        let mut batch = Vec::with_capacity(IN_FLIGHT);
        while queue.recv_many(&mut batch, IN_FLIGHT).await > 0 {
            for (id, payload) in batch.drain(..) {
                writer.feed(frame(id, &payload)).await?;
            }
            SinkExt::<Bytes>::flush(&mut writer).await?;
        }
        io::Result::Ok(())
    });
    while let Some(request) = reader.next().await {
        let mut request = request?;
        let answers = answers.clone();
        tokio::spawn(async move {
            let id = request.get_u32();
            let payload = echo(request.freeze()).await;
            // The connection may be gone.
            let _ = answers.send((id, payload)).await;
        });
    }
    Ok(())
}

fn main() -> io::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let (timeout, concurrent) = match arguments.next().as_deref() {
        Some("plain") => (false, false),
        Some("timeout") => (true, false),
        Some("concurrent") => (true, true),
        _ => return Err(io::Error::other("plain, timeout or concurrent?")),
    };
    let serve = async |address| serve(address, concurrent).await;
    run(arguments, serve, async |address| connect(address, timeout).await)
}
