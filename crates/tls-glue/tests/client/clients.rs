//! Certificates of clients.

use bytes::Bytes;
use rcgen::{BasicConstraints, CertificateParams, ExtendedKeyUsagePurpose, IsCa, date_time_ymd};
use wirelace_tls_glue::{
    Alert, CertificateError, CertificateRule, CertificateStore, ClientCertificates, ClientTls, Identity,
    ServerTls, TlsError, TlsVersion, Verification,
};

use crate::world::{Authority, Ended, HOST, Made, handshake};

const BOTH: [TlsVersion; 2] = [TlsVersion::Tls12, TlsVersion::Tls13];

/// A server's own authority, and one for its clients.
struct World {
    servers: Authority,
    clients: Authority,
    identity: Identity,
}

impl World {
    fn new() -> World {
        let servers = Authority::root("Servers");
        let identity = servers.leaf().identity(&[]);
        World { servers, clients: Authority::root("Clients"), identity }
    }

    fn server(&self, asks: ClientCertificates, version: TlsVersion) -> ServerTls {
        let server = ServerTls::builder(CertificateStore::new(vec![self.identity.clone()]));
        server.client_certificates(asks).versions(version, version).build().unwrap()
    }

    fn required(&self) -> ClientCertificates {
        ClientCertificates::Required(vec![self.clients.der.clone()])
    }

    fn optional(&self) -> ClientCertificates {
        ClientCertificates::Optional(vec![self.clients.der.clone()])
    }

    fn client(&self, identity: Option<Identity>) -> ClientTls {
        let client = self.servers.trusting();
        match identity {
            Some(identity) => client.identity(identity).build().unwrap(),
            None => client.build().unwrap(),
        }
    }

    /// Both versions: the whole of the message; the client is told with this alert.
    #[track_caller]
    fn refused(
        &self,
        made: &Made,
        others: &[&Bytes],
        position: Option<usize>,
        alert: u8,
        message: &str,
    ) -> CertificateError {
        let mut all = Vec::new();
        for version in BOTH {
            for asks in [self.required(), self.optional()] {
                let client = self.client(Some(made.identity(others)));
                let error = refusal(&handshake(&client, &self.server(asks, version), HOST));
                assert_eq!(error.to_string(), message, "{version}");
                assert_eq!((error.position, error.alert()), (position, Alert(alert)));
                all.push(error);
            }
        }
        assert!(all.windows(2).all(|two| two[0] == two[1]));
        assert_eq!(all[0].certificates.len(), 1 + others.len());
        all.remove(0)
    }
}

/// The server's error, of which its client has heard.
fn refusal(ended: &Ended) -> CertificateError {
    let Err(TlsError::Certificate(error)) = &ended.server else { panic!("{:?}", ended.server) };
    assert_eq!(ended.client.as_ref().unwrap_err(), &TlsError::Alert(error.alert()), "{error}");
    (**error).clone()
}

/// For clients, as authorities issue them; those without a purpose are for all.
fn for_clients(params: &mut CertificateParams) {
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
}

#[test]
fn who_is_not_asked_shows_nothing() {
    let world = World::new();
    for version in BOTH {
        let client = world.client(Some(world.clients.leaf().identity(&[])));
        let ended = handshake(&client, &world.server(ClientCertificates::None, version), HOST);
        let report = ended.server.unwrap();
        assert_eq!(report.verification, Verification::NoCertificate);
        assert!(report.peer_certificates.is_empty() && !report.verification.is_verified());
        ended.client.unwrap();
    }
}

#[test]
fn the_identity_is_reported() {
    let world = World::new();
    let between = world.clients.below("Between", for_clients);
    for version in BOTH {
        for asks in [world.required(), world.optional()] {
            for (made, others) in [
                (world.clients.leaf(), vec![]),
                (world.clients.leaf_with(for_clients), vec![]),
                (between.leaf_with(for_clients), vec![&between.der]),
            ] {
                let client = world.client(Some(made.identity(&others)));
                let server = world.server(asks.clone(), version);
                let mut shown = vec![made.der.clone()];
                shown.extend(others.into_iter().cloned());
                for resumed in [false, true] {
                    let report = handshake(&client, &server, HOST).server.unwrap();
                    assert_eq!(report.resumed, resumed, "{version}");
                    assert_eq!(report.verification, Verification::Chain);
                    // Also of a session that goes on.
                    assert_eq!(report.peer_certificates, shown);
                }
            }
        }
    }
}

#[test]
fn who_shows_none() {
    let world = World::new();
    let client = world.client(None);
    for version in BOTH {
        let report = handshake(&client, &world.server(world.optional(), version), HOST).server.unwrap();
        assert_eq!((report.verification, report.peer_certificates.len()), (Verification::NoCertificate, 0));
        let error = refusal(&handshake(&client, &world.server(world.required(), version), HOST));
        assert_eq!(error.to_string(), "the peer's certificate is missing; have it show one");
        assert_eq!((&error.rule, error.alert()), (&CertificateRule::Missing, Alert(116)));
    }
}

#[test]
fn of_an_authority_that_is_not_trusted() {
    let world = World::new();
    // Those of the servers are not those of the clients.
    world.refused(
        &world.servers.leaf(),
        &[],
        Some(0),
        48,
        "the peer's certificate (CN=leaf) comes from an authority that is not trusted (CN=Servers); trust its \
         authority, or have the peer send the certificates between",
    );
    world.refused(
        &Made::alone("alone", |_| {}),
        &[],
        Some(0),
        48,
        "the peer's certificate (CN=alone) is self-signed and not trusted; trust this very certificate, or have one \
         issued by an authority",
    );
    world.refused(
        &Authority::root("Clients").leaf(),
        &[],
        Some(0),
        51,
        "the peer's certificate (CN=leaf) has a signature that is not its issuer's; have a new one issued",
    );
    let between = world.clients.below("Between", for_clients);
    world.refused(
        &between.leaf(),
        &[],
        Some(0),
        48,
        "the peer's certificate (CN=leaf) comes from an authority that is not trusted (CN=Between); trust its \
         authority, or have the peer send the certificates between",
    );
}

#[test]
fn out_of_its_time() {
    let world = World::new();
    world.refused(
        &world.clients.leaf_with(|params| params.not_after = date_time_ymd(2021, 2, 3)),
        &[],
        Some(0),
        45,
        "the peer's certificate (CN=leaf) has expired on 2021-02-03T00:00:00Z; renew it, or look at this machine's \
         clock",
    );
    world.refused(
        &world.clients.leaf_with(|params| params.not_before = date_time_ymd(2099, 1, 1)),
        &[],
        Some(0),
        45,
        "the peer's certificate (CN=leaf) is not valid before 2099-01-01T00:00:00Z; look at this machine's clock, or \
         wait",
    );
    let past = world.clients.below("Past", |params| params.not_after = date_time_ymd(2021, 2, 3));
    world.refused(
        &past.leaf(),
        &[&past.der],
        Some(1),
        45,
        "certificate 1 of the peer's chain (CN=Past) has expired on 2021-02-03T00:00:00Z; renew it, or look at this \
         machine's clock",
    );
}

#[test]
fn for_something_else() {
    let world = World::new();
    let servers = |params: &mut CertificateParams| {
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    };
    world.refused(
        &world.clients.leaf_with(servers),
        &[],
        Some(0),
        43,
        "the peer's certificate (CN=leaf) is not meant for a TLS client, but for TLS server; have one issued for this \
         use",
    );
    let between = world.clients.below("Between", servers);
    world.refused(
        &between.leaf(),
        &[&between.der],
        Some(1),
        43,
        "certificate 1 of the peer's chain (CN=Between) is not meant for a TLS client, but for TLS server; have one \
         issued for this use",
    );
    world.refused(
        &world.clients.leaf_with(|params| params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained)),
        &[],
        Some(0),
        43,
        "the peer's certificate (CN=leaf) is an authority's, not a peer's; have this authority issue one for the peer",
    );
}

#[test]
fn the_name_is_not_asked() {
    let world = World::new();
    let nobody = world.clients.leaf_with(|params| params.subject_alt_names.clear());
    for version in BOTH {
        let client = world.client(Some(nobody.identity(&[])));
        handshake(&client, &world.server(world.required(), version), HOST).server.unwrap();
    }
}

#[test]
fn authorities_that_cannot_be_read() {
    let world = World::new();
    let server = ServerTls::builder(CertificateStore::new(vec![world.identity.clone()]));
    let broken = ClientCertificates::Required(vec![world.clients.der.clone(), Bytes::from_static(b"no")]);
    let error = server.client_certificates(broken).build().unwrap_err();
    assert_eq!(error.to_string(), "authority 2 cannot be read: it is cut short, or not DER");
}
