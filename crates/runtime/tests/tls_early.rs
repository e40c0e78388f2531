//! TLS streams that are there before their handshake is complete.

use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex, split};
use wirelace_runtime::tls::{TlsStream, accept, connect};
use wirelace_tls_glue::{CertificateStore, ClientTls, Identity, Roots, ServerTls, TlsError};

type Stream = TlsStream<DuplexStream>;

const TIMEOUT: Duration = Duration::from_secs(10);

fn server() -> ServerTls {
    let made = rcgen::generate_simple_self_signed(vec!["example.com".to_owned()]).unwrap();
    let chain = vec![Bytes::from(made.cert.der().to_vec())];
    let identity = Identity::from_der(chain, &made.signing_key.serialize_der()).unwrap();
    let tls = ServerTls::builder(CertificateStore::new(vec![identity])).early_data(16 * 1024);
    tls.alpn(["http/1.1"]).handshake_timeout(Some(TIMEOUT)).build().unwrap()
}

/// A client that has been at this server.
async fn known(server: &ServerTls) -> ClientTls {
    let client = ClientTls::builder(Roots::Insecure).early_data(true).alpn(["http/1.1"]).build().unwrap();
    let (near, far) = duplex(4096);
    let (mut near, mut far) =
        tokio::try_join!(connect(near, &client, "example.com"), accept(far, server)).unwrap();
    assert!(near.early().is_none() && far.early().is_none());
    assert!(near.early_protocol().is_none());
    far.write_all(b"x").await.unwrap();
    far.flush().await.unwrap();
    near.read_u8().await.unwrap();
    client
}

/// A client that has written early data, and its server, which has not read it.
async fn begin(client: &ClientTls, server: &ServerTls, data: &[u8]) -> (Stream, Stream) {
    let (near, far) = duplex(64 * 1024);
    let mut near = connect(near, client, "example.com").await.unwrap();
    assert_eq!(near.early_protocol().map(|name| &name[..]), Some(&b"http/1.1"[..]));
    near.write_all(data).await.unwrap();
    near.flush().await.unwrap();
    (near, accept(far, server).await.unwrap())
}

async fn read<const N: usize>(stream: &mut Stream) -> [u8; N] {
    let mut octets = [0; N];
    stream.read_exact(&mut octets).await.unwrap();
    octets
}

fn error(error: &std::io::Error) -> &TlsError {
    error.get_ref().and_then(|inner| inner.downcast_ref()).expect("of TLS")
}

#[tokio::test]
async fn early_data_is_answered_before_the_handshake_is_complete() {
    let server = server();
    let client = known(&server).await;
    let (mut near, mut far) = begin(&client, &server, b"hello").await;
    let early = far.early().unwrap();
    assert_eq!(far.report().unwrap().alpn.as_deref(), Some(&b"http/1.1"[..]));
    assert_eq!(&read(&mut far).await, b"hello");
    far.write_all(b"answer").await.unwrap();
    far.flush().await.unwrap();
    assert!(!early.is_confirmed() && far.early().is_some());
    let its = near.early().unwrap();
    assert!(!its.is_confirmed() && near.report().is_none());
    assert_eq!(&read(&mut near).await, b"answer");
    assert!(its.is_confirmed() && its.confirmed().await && near.early().is_none());
    assert_eq!(near.report().unwrap().early_data, 5);
    assert_eq!(its.report(), near.report());
    // Not before the server has read on.
    assert!(!early.is_confirmed());
    near.write_all(b"more").await.unwrap();
    near.flush().await.unwrap();
    let waiting = early.clone();
    let waiting = tokio::spawn(async move { waiting.confirmed().await });
    assert_eq!(&read(&mut far).await, b"more");
    assert!(early.is_confirmed() && far.early().is_none() && waiting.await.unwrap());
    assert_eq!(far.report().unwrap().early_data, 5);
}

#[tokio::test]
async fn early_data_that_is_refused_comes_with_the_rest() {
    let [first, second] = [server(), server()];
    let client = known(&first).await;
    let (near, far) = duplex(64 * 1024);
    let mut near = connect(near, &client, "example.com").await.unwrap();
    near.write_all(b"hello").await.unwrap();
    let talk = async {
        near.write_all(&[7; 100_000]).await.unwrap();
        near.shutdown().await.unwrap();
        let mut answer = Vec::new();
        near.read_to_end(&mut answer).await.unwrap();
        assert_eq!(answer, b"answer");
        assert!(near.report().unwrap().early_data_refused);
    };
    let serve = async {
        let mut far = accept(far, &second).await.unwrap();
        assert!(far.early().is_none());
        let mut all = Vec::new();
        far.read_to_end(&mut all).await.unwrap();
        assert!(all == [&b"hello"[..], &[7; 100_000]].concat());
        far.write_all(b"answer").await.unwrap();
        far.shutdown().await.unwrap();
    };
    tokio::join!(talk, serve);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_never_finishes_has_until_the_deadline() {
    let server = server();
    let client = known(&server).await;
    let began = tokio::time::Instant::now();
    let (_near, mut far) = begin(&client, &server, b"hello").await;
    let early = far.early().unwrap();
    assert_eq!(&read(&mut far).await, b"hello");
    far.write_all(b"answer").await.unwrap();
    let over = far.read_u8().await.unwrap_err();
    assert_eq!(error(&over), &TlsError::HandshakeTimeout(TIMEOUT));
    assert_eq!(began.elapsed().as_secs(), TIMEOUT.as_secs());
    assert!(!early.is_confirmed() && !early.confirmed().await);
    assert!(far.write_all(b"more").await.is_err());
    // Nor does it have longer where the stream is only written.
    let client = known(&server).await;
    let (_near, mut far) = begin(&client, &server, b"hello").await;
    let over = far.shutdown().await.unwrap_err();
    assert_eq!(error(&over), &TlsError::HandshakeTimeout(TIMEOUT));
    // Who only waits for the handshake, while nobody reads, is told when asked again.
    let client = known(&server).await;
    let (_near, far) = begin(&client, &server, b"hello").await;
    let early = far.early().unwrap();
    tokio::time::sleep(TIMEOUT).await;
    assert!(!early.confirmed().await);
}

#[tokio::test]
async fn a_long_answer_needs_the_client() {
    let server = server();
    let client = known(&server).await;
    let (mut near, far) = begin(&client, &server, b"hello").await;
    // More than is sent to somebody who may not be there; read and written by two tasks.
    const LENGTH: usize = 20 * 1024 * 1024;
    let early = far.early().unwrap();
    let (mut reader, mut writer) = split(far);
    let reads = tokio::spawn(async move {
        let mut all = Vec::new();
        reader.read_to_end(&mut all).await.unwrap();
        all
    });
    let writes = tokio::spawn(async move {
        writer.write_all(&vec![8; LENGTH]).await.unwrap();
        writer.shutdown().await.unwrap();
    });
    let mut answer = Vec::new();
    near.read_to_end(&mut answer).await.unwrap();
    assert!(answer == vec![8; LENGTH]);
    near.write_all(b" there").await.unwrap();
    near.shutdown().await.unwrap();
    writes.await.unwrap();
    assert_eq!(reads.await.unwrap(), b"hello there");
    assert!(early.is_confirmed());
}

#[tokio::test]
async fn the_end_of_an_early_answer_waits_for_the_client() {
    let server = server();
    let client = known(&server).await;
    let (mut near, mut far) = begin(&client, &server, b"hello").await;
    let serve = async {
        far.write_all(b"answer").await.unwrap();
        far.shutdown().await.unwrap();
        assert!(far.early().is_none());
        assert_eq!(&read(&mut far).await, b"hello");
    };
    let ask = async {
        let mut answer = Vec::new();
        near.read_to_end(&mut answer).await.unwrap();
        assert_eq!(answer, b"answer");
    };
    tokio::join!(serve, ask);
}

#[tokio::test]
async fn a_stream_that_is_gone_is_not_confirmed() {
    let server = server();
    let client = known(&server).await;
    let (near, far) = begin(&client, &server, b"hello").await;
    let (early, its) = (far.early().unwrap(), near.early().unwrap());
    let waiting = tokio::spawn(async move { early.confirmed().await });
    tokio::task::yield_now().await;
    drop(far);
    assert!(!waiting.await.unwrap());
    drop(near);
    assert!(!its.confirmed().await);
    // The client goes after its early data.
    let client = known(&server).await;
    let (near, mut far) = begin(&client, &server, b"hello").await;
    drop(near);
    let early = far.early().unwrap();
    assert_eq!(&read(&mut far).await, b"hello");
    let over = far.read_u8().await.unwrap_err();
    assert_eq!(error(&over), &TlsError::Truncated);
    assert!(!early.confirmed().await);
}
