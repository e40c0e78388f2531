//! A look at a ClientHello.

use std::time::Instant;

use crate::samples::Samples;
use crate::world::{Authority, CLIENT_PARAMETERS, End, Pair, SERVER_PARAMETERS};
use proptest::prelude::*;
use wirelace_tls_glue::quic::{ClientHello, QuicHandshake as _, QuicSession, Version};

/// That of RFC 9001, Appendix A.2, without the CRYPTO frame around it.
fn sample() -> Vec<u8> {
    let [samples, _] = Samples::both();
    samples.get("client-crypto-frame")[4..].to_vec()
}

#[test]
fn every_beginning_waits_for_the_rest() {
    let hello = sample();
    assert_eq!(hello.len(), 0xf1);
    for length in 0..hello.len() {
        assert_eq!(ClientHello::peek(&hello[..length]), None);
    }
    let parameters = &hello[hello.len() - 50..];
    assert_eq!(ClientHello::peek(&hello).unwrap().transport_parameters, Some(parameters));
    let more = [&hello[..], &[1, 2, 3]].concat();
    assert_eq!(ClientHello::peek(&more).unwrap().transport_parameters, Some(parameters));
}

#[test]
fn what_is_no_hello_is_left_to_the_session() {
    for octets in [&[2, 0, 0, 0][..], &[1, 1, 0, 0], &[1, 0, 0, 0], &[1, 0, 0, 3, 3, 3, 1]] {
        assert_eq!(ClientHello::peek(octets).unwrap().transport_parameters, None);
    }
}

/// A server that answers in version 2 when the client began with version 1 (RFC 9368 §2.3).
#[test]
fn a_server_chooses_the_version_before_its_parameters() {
    let authority = Authority::new();
    let mut pair = Pair::new(&authority.client(), &authority.server(), Version::V1);
    let (_, first) = pair.client.output.first().unwrap();
    let hello = ClientHello::peek(first).unwrap();
    assert_eq!(hello.transport_parameters, Some(CLIENT_PARAMETERS));
    let server = authority.server();
    let server = QuicSession::server(&server, Version::V2, SERVER_PARAMETERS, Instant::now()).unwrap();
    pair.server = End::new(server);
    pair.client.session.set_version(Version::V2).unwrap();
    pair.run();
    pair.assert_complete();
}

proptest! {
    #[test]
    fn anything_may_come(at: prop::sample::Index, octet: u8, cut: prop::sample::Index) {
        let mut hello = sample();
        let at = at.index(hello.len());
        hello[at] = octet;
        let _ = ClientHello::peek(&hello[..cut.index(hello.len())]);
        if let Some(ClientHello { transport_parameters: Some(parameters), .. }) = ClientHello::peek(&hello) {
            prop_assert!(parameters.len() < hello.len());
        }
    }
}
