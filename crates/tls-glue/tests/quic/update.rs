//! Key updates (RFC 9001 §6).

use crate::world::{Authority, Pair};
use wirelace_tls_glue::quic::{PacketKey, ProtectionError, Version};

fn seal(key: &mut PacketKey, number: u64) -> Vec<u8> {
    let mut payload = *b"ping";
    let tag = key.seal(number, b"header", &mut payload).unwrap();
    [&payload[..], &tag].concat()
}

#[test]
fn both_sides_update_many_times() {
    let authority = Authority::new();
    for version in [Version::V1, Version::V2] {
        let mut pair = Pair::complete(&authority.client(), &authority.server(), version);
        let (client, client_updates) = pair.client.one_rtt.as_mut().unwrap();
        let (server, server_updates) = pair.server.one_rtt.as_mut().unwrap();
        let mut number = 0;
        let mut earlier: Vec<Vec<u8>> = vec![seal(&mut client.local.packet, number)];
        for _ in 0..10 {
            let (mut up, mut down) =
                (client_updates.next_keys().unwrap(), server_updates.next_keys().unwrap());
            number += 1;
            let (sealed_up, sealed_down) = (seal(&mut up.local, number), seal(&mut down.local, number));
            assert_eq!(down.remote.open(number, b"header", &mut sealed_up.clone()), Ok(4));
            assert_eq!(up.remote.open(number, b"header", &mut sealed_down.clone()), Ok(4));
            // No phase opens what another has sealed.
            for (number, old) in (0..).zip(&earlier) {
                let opened = down.remote.open(number, b"header", &mut old.clone());
                assert_eq!(opened, Err(ProtectionError::Decrypt));
            }
            let first = &server.remote.packet;
            let opened = first.open(number, b"header", &mut sealed_up.clone());
            assert_eq!(opened, Err(ProtectionError::Decrypt));
            earlier.push(sealed_up);
        }
        assert_eq!(server.remote.packet.open(0, b"header", &mut earlier[0].clone()), Ok(4));
    }
}

/// A key has its own limit: after an update everything may be sealed again.
#[test]
fn an_update_is_in_time() {
    let authority = Authority::new();
    let mut pair = Pair::complete(&authority.client(), &authority.server(), Version::V1);
    let (keys, updates) = pair.client.one_rtt.as_mut().unwrap();
    let used = keys.local.packet.suite().confidentiality_limit() - keys.local.packet.remaining();
    keys.local.packet.limit_to(used + 3);
    for left in [3, 2, 1] {
        assert_eq!(keys.local.packet.remaining(), left);
        seal(&mut keys.local.packet, 100 - left);
    }
    let refused = keys.local.packet.seal(100, b"header", &mut b"ping".to_vec());
    assert_eq!(refused, Err(ProtectionError::ConfidentialityLimit(used + 3)));
    let mut next = updates.next_keys().unwrap();
    assert_eq!(next.local.remaining(), next.local.suite().confidentiality_limit());
    seal(&mut next.local, 100);
}
