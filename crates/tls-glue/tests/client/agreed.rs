//! What the report of a handshake says.

use wirelace_tls_glue::TlsVersion::{Tls12, Tls13};

use crate::world::{Authority, HOST, handshake};

#[test]
fn round_trips() {
    let authority = Authority::root("root");
    let leaf = authority.leaf();
    for (version, full, resumed) in [(Tls12, 2, Some(1)), (Tls13, 1, None)] {
        let client = authority.trusting().versions(version, version).build().unwrap();
        let server = leaf.server(&[]).build().unwrap();
        let report = handshake(&client, &server, HOST).client.unwrap();
        assert_eq!((report.version, report.resumed, report.round_trips), (version, false, full));
        // The ticket of TLS 1.3 comes with the first data.
        if let Some(resumed) = resumed {
            let report = handshake(&client, &server, HOST).client.unwrap();
            assert_eq!((report.resumed, report.round_trips), (true, resumed));
        }
    }
}
