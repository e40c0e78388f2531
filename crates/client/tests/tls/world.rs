//! An authority, its certificates, and servers that do what a test tells them to.

use std::net::SocketAddr;

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt, Empty};
use rcgen::{BasicConstraints, CertificateParams, DistinguishedName, DnType, IsCa, Issuer, KeyPair};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use wirelace_client::{Body, Connection, Error, Options};
use wirelace_runtime::tls::{TlsStream, accept};
use wirelace_tls_glue::{
    CertificateStore, ClientTls, ClientTlsBuilder, Identity, Roots, ServerTls, ServerTlsBuilder, TlsError,
};

pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pub(crate) der: Bytes,
}

fn params(name: &str, hosts: &[&str]) -> CertificateParams {
    let hosts: Vec<_> = hosts.iter().map(|host| (*host).to_owned()).collect();
    let mut params = CertificateParams::new(hosts).unwrap();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params
}

impl Authority {
    pub(crate) fn new() -> Authority {
        let mut params = params("root", &[]);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let der = Bytes::copy_from_slice(params.self_signed(&key).unwrap().der());
        Authority { issuer: Issuer::new(params, key), der }
    }

    /// A certificate for these names and addresses, called `name`.
    pub(crate) fn identity(&self, name: &str, hosts: &[&str]) -> Identity {
        let key = KeyPair::generate().unwrap();
        let leaf = params(name, hosts).signed_by(&key, &self.issuer).unwrap();
        Identity::from_der(vec![Bytes::copy_from_slice(leaf.der())], &key.serialize_der()).unwrap()
    }

    pub(crate) fn server(&self, hosts: &[&str]) -> ServerTlsBuilder {
        let store = CertificateStore::new(vec![self.identity("leaf", hosts)]);
        ServerTls::builder(store).alpn(["http/1.1"])
    }

    pub(crate) fn client(&self) -> ClientTlsBuilder {
        ClientTls::builder(Roots::Only(vec![self.der.clone()])).alpn(["http/1.1"])
    }
}

pub(crate) type Tls = TlsStream<TcpStream>;

/// Listens at this address of the loopback; each connection that comes is given to `script`.
pub(crate) async fn listen<Script, Running>(ip: &str, script: Script) -> SocketAddr
where
    Script: Fn(TcpStream) -> Running + Send + 'static,
    Running: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind((ip, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            tokio::spawn(script(stream));
        }
    });
    address
}

/// Takes one connection; gives what its handshake led to, and what `script` does with it then.
pub(crate) async fn once<Script, Running>(
    tls: &ServerTls,
    script: Script,
) -> (SocketAddr, JoinHandle<Result<(), TlsError>>)
where
    Script: FnOnce(Tls) -> Running + Send + 'static,
    Running: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let tls = tls.clone();
    let running = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        script(accept(stream, &tls).await?).await;
        Ok(())
    });
    (address, running)
}

/// Answers each request of each connection with `answer`.
pub(crate) async fn answering(ip: &str, tls: ServerTls, answer: &'static str) -> SocketAddr {
    listen(ip, move |stream| {
        let tls = tls.clone();
        async move {
            let Ok(mut stream) = accept(stream, &tls).await else { return };
            while read_head(&mut stream).await.is_some() {
                stream.write_all(answer.as_bytes()).await.unwrap();
                stream.flush().await.unwrap();
            }
            // The client may be gone already.
            let _ = stream.shutdown().await;
        }
    })
    .await
}

pub(crate) const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nyes";

/// `None`: the client closed.
pub(crate) async fn read_head(stream: &mut Tls) -> Option<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        match stream.read(&mut byte).await {
            Ok(1) => head.push(byte[0]),
            _ => return None,
        }
    }
    Some(String::from_utf8(head).unwrap())
}

pub(crate) async fn connect(address: SocketAddr, name: &str, tls: &ClientTls) -> Result<Connection, Error> {
    Connection::connect_tls(address, name, tls, Options::default()).await
}

pub(crate) async fn get(connection: &mut Connection) -> Result<http::Response<Body>, Error> {
    let request = Request::get("https://example.com/").body(Empty::<Bytes>::new()).unwrap();
    connection.send(request).await
}

/// All of a response's body.
pub(crate) async fn body(connection: &mut Connection) -> Result<Bytes, Error> {
    Ok(get(connection).await?.into_body().collect().await?.to_bytes())
}
