//! The connections, and what they brought to light.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{HeaderMap, Method, Request, StatusCode, Version};
use http_body_util::Empty;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use wirelace::client::{Connection, Error, Options};
use wirelace::runtime::tls;
use wirelace::tls_glue::ct::CtVerdict;
use wirelace::tls_glue::{
    CertificateError, CertificateReport, CertificateRule, ClientTls, HandshakeReport, TlsError, Verification,
};

use super::target::Target;
use crate::client_tls::{self, ClientTlsSettings, explained};
use crate::failure::Failure;
use crate::origin::Resolve;
use crate::voice::Voice;

/// What a server may choose from.
const OFFERED: &[&str] = &["h2", "http/1.1"];
/// What HEAD / is sent over.
const SPOKEN: &[&str] = &["http/1.1"];

/// What to look at.
pub(super) struct Probe<'a> {
    pub(super) target: &'a Target,
    /// Whose certificate is asked for.
    pub(super) name: String,
    pub(super) connect: Option<SocketAddr>,
    pub(super) resolve: &'a [Resolve],
    /// For each step.
    pub(super) timeout: Duration,
    pub(super) settings: &'a ClientTlsSettings,
    pub(super) voice: Voice,
}

/// What was found.
pub(super) struct Findings {
    pub(super) target: Target,
    pub(super) name: String,
    pub(super) address: SocketAddr,
    /// Until TCP was connected, without the name's lookup.
    pub(super) connecting: Duration,
    /// `None`: there is none, not even where nobody asks who the server is.
    pub(super) handshake: Option<HandshakeReport>,
    /// What a server has to pass.
    pub(super) asked: Verification,
    /// Why the server is refused.
    pub(super) refusal: Option<CertificateError>,
    /// The server's certificates; in words what cannot be read.
    pub(super) chain: Vec<Result<CertificateReport, String>>,
    pub(super) transparency: Option<CtVerdict>,
    /// Whether a second connection went on with the session of the first; `None`: not known.
    pub(super) resumption: Option<bool>,
    /// The answer to HEAD /, or why there is none.
    pub(super) http: Result<Answer, String>,
}

/// The head of a response.
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) version: Version,
    pub(super) headers: HeaderMap,
}

impl Probe<'_> {
    /// # Errors
    /// There is no TLS to look at.
    pub(super) async fn look(&self) -> Result<Findings, Failure> {
        let verifying = self.settings.verifying(OFFERED)?;
        let (stream, address, connecting) = self.dial().await?;
        let (handshake, refusal) = match self.shake_hands(stream, &verifying).await {
            Ok(handshake) => (Some(handshake), None),
            Err(TlsError::Certificate(why)) => {
                self.voice.detail(format_args!("* refused: {why}"));
                (self.unverified(address).await?, Some(*why))
            }
            Err(error) => {
                return Err(client_tls::failure(&Error::Handshake(error), &self.target.to_string()));
            }
        };
        let tls = if refusal.is_none() {
            self.settings.verifying(SPOKEN)?
        } else {
            self.settings.unverified(SPOKEN)?
        };
        let http = self.http(address, &tls).await;
        let resumption = match http {
            Ok(_) => {
                self.connection(address, &tls).await.ok().and_then(|again| Some(again.handshake()?.resumed))
            }
            Err(_) => None,
        };
        let shown = match (&refusal, &handshake) {
            (Some(why), _) if !why.certificates.is_empty() => why.certificates.as_slice(),
            (_, Some(handshake)) => handshake.peer_certificates.as_slice(),
            _ => &[],
        };
        Ok(Findings {
            target: self.target.clone(),
            name: self.name.clone(),
            address,
            connecting,
            chain: shown.iter().enumerate().map(|(at, der)| read(der, at)).collect(),
            transparency: transparency(refusal.as_ref(), handshake.as_ref()),
            handshake,
            asked: verifying.verification(),
            refusal,
            resumption,
            http,
        })
    }

    /// Connects to the first address that answers.
    async fn dial(&self) -> Result<(TcpStream, SocketAddr, Duration), Failure> {
        let failed = |why: String| Failure::Peer(format!("{}: {why}", self.target));
        let addresses = match self.connect {
            Some(address) => vec![address],
            None => {
                let addresses =
                    self.limited(self.target.origin.addresses(self.resolve)).await.map_err(failed)?;
                addresses.map_err(|error| failed(error.to_string()))?
            }
        };
        let mut why = "the name has no address".to_owned();
        for address in addresses {
            self.voice.detail(format_args!("* connecting to {address}"));
            let begun = Instant::now();
            why = match self.limited(TcpStream::connect(address)).await {
                Ok(Ok(stream)) => {
                    let connecting = begun.elapsed();
                    let _ = stream.set_nodelay(true);
                    return Ok((stream, address, connecting));
                }
                Ok(Err(error)) => format!("cannot connect to {address}: {error}"),
                Err(why) => format!("cannot connect to {address}: {why}"),
            };
            self.voice.detail(format_args!("* {why}"));
        }
        Err(failed(why))
    }

    async fn limited<T>(&self, step: impl Future<Output = T>) -> Result<T, String> {
        let late = |_| format!("no answer within {} s", self.timeout.as_secs_f64());
        tokio::time::timeout(self.timeout, step).await.map_err(late)
    }

    async fn shake_hands(&self, stream: TcpStream, tls: &ClientTls) -> Result<HandshakeReport, TlsError> {
        let shaken = self.limited(tls::connect(stream, tls, &self.name)).await;
        let mut stream = shaken.map_err(|_| TlsError::HandshakeTimeout(self.timeout))??;
        let report = stream.report().cloned();
        // A farewell; the server may be gone.
        let _ = self.limited(stream.shutdown()).await;
        report.ok_or_else(|| TlsError::Local("the handshake has no report".to_owned()))
    }

    /// The handshake with a server that was refused; `None`: it fails here, too.
    async fn unverified(&self, address: SocketAddr) -> Result<Option<HandshakeReport>, Failure> {
        let tls = self.settings.unverified(OFFERED)?;
        let Ok(Ok(stream)) = self.limited(TcpStream::connect(address)).await else { return Ok(None) };
        let shaken = self.shake_hands(stream, &tls).await;
        if let Err(error) = &shaken {
            self.voice.detail(format_args!("* unverified: {error}"));
        }
        Ok(shaken.ok())
    }

    async fn connection(&self, address: SocketAddr, tls: &ClientTls) -> Result<Connection, String> {
        let connecting = Connection::connect_tls(address, &self.name, tls, Options::default());
        self.limited(connecting).await?.map_err(|error| explained(&error))
    }

    /// HEAD /, or GET / where the server has no HEAD.
    async fn http(&self, address: SocketAddr, tls: &ClientTls) -> Result<Answer, String> {
        let mut connection = self.connection(address, tls).await?;
        for method in [Method::HEAD, Method::GET] {
            let request = Request::builder()
                .method(&method)
                .uri(format!("https://{}/", self.authority()))
                .header("user-agent", concat!("wirelace/", env!("CARGO_PKG_VERSION")))
                .header("accept", "*/*")
                .body(Empty::<Bytes>::new())
                .map_err(|error| error.to_string())?;
            self.voice.detail(format_args!("> {method} / HTTP/1.1"));
            let response =
                self.limited(connection.send(request)).await?.map_err(|error| explained(&error))?;
            let (parts, _body) = response.into_parts();
            self.voice.detail(format_args!("< {:?} {}", parts.version, parts.status.as_u16()));
            let unknown = matches!(parts.status.as_u16(), 405 | 501);
            if !unknown || method == Method::GET || !connection.is_open() {
                return Ok(Answer { status: parts.status, version: parts.version, headers: parts.headers });
            }
        }
        Err("no answer".to_owned())
    }

    /// What goes into Host.
    fn authority(&self) -> String {
        let host = Target {
            origin: crate::origin::Origin { host: self.name.clone(), ..self.target.origin.clone() },
        };
        let text = host.to_string();
        text.strip_suffix(":443").map(str::to_owned).unwrap_or(text)
    }
}

fn read(der: &[u8], position: usize) -> Result<CertificateReport, String> {
    CertificateReport::new(der, position).map_err(|error| error.to_string())
}

/// What was made of the SCTs, wherever it is said.
fn transparency(
    refusal: Option<&CertificateError>,
    handshake: Option<&HandshakeReport>,
) -> Option<CtVerdict> {
    if let Some(CertificateRule::Transparency(verdict)) = refusal.map(|why| &why.rule) {
        return Some((**verdict).clone());
    }
    handshake.and_then(|handshake| handshake.transparency.as_deref().cloned())
}
