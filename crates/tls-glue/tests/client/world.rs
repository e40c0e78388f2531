//! Authorities, certificates, and a handshake.

use std::time::Instant;

use bytes::{Bytes, BytesMut};
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, IsCa, Issuer, KeyPair, date_time_ymd,
};
use wirelace_tls_glue::{
    Alert, CertificateError, CertificateStore, ClientTls, ClientTlsBuilder, HandshakeReport, Identity, Roots,
    ServerTls, ServerTlsBuilder, TlsError, TlsSession,
};

pub(crate) const HOST: &str = "example.com";

pub(crate) struct Authority {
    pub(crate) issuer: Issuer<'static, KeyPair>,
    pub(crate) der: Bytes,
}

/// A certificate and its key.
pub(crate) struct Made {
    pub(crate) der: Bytes,
    pub(crate) key: Vec<u8>,
}

pub(crate) fn params(name: &str, hosts: &[&str]) -> CertificateParams {
    let hosts: Vec<String> = hosts.iter().map(|host| (*host).to_owned()).collect();
    let mut params = CertificateParams::new(hosts).unwrap();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = date_time_ymd(2100, 1, 1);
    params
}

impl Authority {
    pub(crate) fn root(name: &str) -> Authority {
        let mut params = params(name, &[]);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let der = Bytes::copy_from_slice(params.self_signed(&key).unwrap().der());
        Authority { issuer: Issuer::new(params, key), der }
    }

    pub(crate) fn below(&self, name: &str, change: impl FnOnce(&mut CertificateParams)) -> Authority {
        let mut params = params(name, &[]);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        change(&mut params);
        let key = KeyPair::generate().unwrap();
        let der = Bytes::copy_from_slice(params.signed_by(&key, &self.issuer).unwrap().der());
        Authority { issuer: Issuer::new(params, key), der }
    }

    /// For `example.com`, called `leaf`.
    pub(crate) fn leaf(&self) -> Made {
        self.leaf_with(|_| {})
    }

    pub(crate) fn leaf_with(&self, change: impl FnOnce(&mut CertificateParams)) -> Made {
        let mut params = params("leaf", &[HOST]);
        change(&mut params);
        let key = KeyPair::generate().unwrap();
        let der = Bytes::copy_from_slice(params.signed_by(&key, &self.issuer).unwrap().der());
        Made { der, key: key.serialize_der() }
    }

    pub(crate) fn trusting(&self) -> ClientTlsBuilder {
        ClientTls::builder(Roots::Only(vec![self.der.clone()]))
    }
}

impl Made {
    pub(crate) fn alone(name: &str, change: impl FnOnce(&mut CertificateParams)) -> Made {
        let mut params = params(name, &[HOST]);
        change(&mut params);
        let key = KeyPair::generate().unwrap();
        let der = Bytes::copy_from_slice(params.self_signed(&key).unwrap().der());
        Made { der, key: key.serialize_der() }
    }

    /// With these after its own.
    pub(crate) fn identity(&self, others: &[&Bytes]) -> Identity {
        let chain = std::iter::once(&self.der).chain(others.iter().copied()).cloned().collect();
        Identity::from_der(chain, &self.key).unwrap()
    }

    pub(crate) fn server(&self, others: &[&Bytes]) -> ServerTlsBuilder {
        ServerTls::builder(CertificateStore::new(vec![self.identity(others)]))
    }
}

/// How a handshake ended on both sides.
pub(crate) struct Ended {
    pub(crate) client: Result<HandshakeReport, TlsError>,
    pub(crate) server: Result<HandshakeReport, TlsError>,
}

pub(crate) fn handshake(client: &ClientTls, server: &ServerTls, host: &str) -> Ended {
    let now = Instant::now();
    let mut sides =
        [TlsSession::client(client, host, now).unwrap(), TlsSession::server(server, now).unwrap()];
    let mut inputs = [BytesMut::new(), BytesMut::new()];
    let mut errors = [None, None];
    loop {
        let mut moved = false;
        for from in [0, 1] {
            let output = sides[from].output();
            let octets: Vec<u8> = output.chunks().flatten().copied().collect();
            output.advance(octets.len());
            let to = 1 - from;
            if octets.is_empty() || errors[to].is_some() {
                continue;
            }
            moved = true;
            inputs[to].extend_from_slice(&octets);
            errors[to] = sides[to].receive(now, &mut inputs[to], &mut BytesMut::new()).err();
        }
        if !moved {
            break;
        }
    }
    let [client, server] = sides;
    let [client_error, server_error] = errors;
    let end = |session: TlsSession, error: Option<TlsError>| match error {
        Some(error) => Err(error),
        None => Ok(session.report().expect("the handshake hangs").clone()),
    };
    Ended { client: end(client, client_error), server: end(server, server_error) }
}

pub(crate) fn accepted(client: ClientTlsBuilder, server: ServerTlsBuilder) -> HandshakeReport {
    let ended = handshake(&client.build().unwrap(), &server.build().unwrap(), HOST);
    ended.server.expect("the server");
    ended.client.expect("the client")
}

/// The client's error; the server has been told with the alert that the error names.
pub(crate) fn refused_for(client: &ClientTls, server: &ServerTls, host: &str) -> CertificateError {
    let ended = handshake(client, server, host);
    let Err(TlsError::Certificate(error)) = ended.client else { panic!("{:?}", ended.client) };
    assert_eq!(ended.server.unwrap_err(), TlsError::Alert(error.alert()), "{error}");
    *error
}

/// In both versions: the position, the alert, and all of the message.
pub(crate) fn refused(
    client: ClientTlsBuilder,
    server: ServerTlsBuilder,
    position: Option<usize>,
    alert: u8,
    message: &str,
) -> CertificateError {
    use wirelace_tls_glue::TlsVersion::{Tls12, Tls13};
    let client = client.build().unwrap();
    for version in [Tls12, Tls13] {
        let server = server.clone().versions(version, version).build().unwrap();
        let error = refused_for(&client, &server, HOST);
        assert_eq!(error.to_string(), message);
        assert_eq!((error.position, error.alert()), (position, Alert(alert)), "{error}");
    }
    let server = server.build().unwrap();
    refused_for(&client, &server, HOST)
}
