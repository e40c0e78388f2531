//! What a NAT promises: one mapping for each inside port, and none of the old ones after it was rebound.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::Bytes;
use wirelace_sim::{Ecn, Nat, Packet, Rebind};

const SERVER: &str = "198.51.100.1:443";

fn packet(source: SocketAddr, destination: SocketAddr) -> Packet {
    Packet { source, destination, ecn: Ecn::Ect0, data: Bytes::from_static(b"data") }
}

fn out(nat: &mut Nat, now: Instant, source: &str) -> SocketAddr {
    let packet = packet(source.parse().unwrap(), SERVER.parse().unwrap());
    let rewritten = nat.outbound(now, packet.clone());
    assert_eq!(Packet { source: packet.source, ..rewritten.clone() }, packet);
    rewritten.source
}

fn back(nat: &mut Nat, now: Instant, outside: SocketAddr) -> Option<SocketAddr> {
    let packet = packet(SERVER.parse().unwrap(), outside);
    let rewritten = nat.inbound(now, packet.clone())?;
    assert_eq!(Packet { destination: outside, ..rewritten.clone() }, packet);
    Some(rewritten.destination)
}

fn nat() -> (Nat, Instant) {
    let now = Instant::now();
    (Nat::new("192.0.2.1".parse().unwrap(), now), now)
}

#[test]
fn mappings_go_both_ways() {
    let (mut nat, now) = nat();
    assert_eq!(back(&mut nat, now, "192.0.2.1:40000".parse().unwrap()), None);
    let one = out(&mut nat, now, "10.0.0.1:5000");
    let other = out(&mut nat, now, "10.0.0.1:5001");
    assert_ne!(one, other);
    assert_eq!(out(&mut nat, now, "10.0.0.1:5000"), one);
    assert_eq!(back(&mut nat, now, one), Some("10.0.0.1:5000".parse().unwrap()));
    assert_eq!(back(&mut nat, now, other), Some("10.0.0.1:5001".parse().unwrap()));
    assert_eq!(nat.outside_of("10.0.0.1:5001".parse().unwrap()), Some(other));
    let counts = nat.counts();
    assert_eq!((counts.outbound, counts.inbound, counts.refused, counts.rebound), (3, 2, 1, 0));
}

#[test]
fn the_old_mapping_stops_working() {
    for what in [Rebind::Port, Rebind::Address, Rebind::Both] {
        let (mut nat, start) = nat();
        nat.rebind_at(Duration::from_secs(1), what);
        let old = out(&mut nat, start, "10.0.0.1:5000");
        let before = start + Duration::from_secs(1) - Duration::from_nanos(1);
        assert!(back(&mut nat, before, old).is_some());
        let now = start + Duration::from_secs(1);
        assert_eq!(back(&mut nat, now, old), None);
        // Nor is there a new one before the host sends.
        assert_eq!(nat.outside_of("10.0.0.1:5000".parse().unwrap()), None);
        let guess = SocketAddr::new("192.0.2.2".parse().unwrap(), old.port());
        assert_eq!(back(&mut nat, now, guess), None);

        let new = out(&mut nat, now, "10.0.0.1:5000");
        assert_eq!(old.port() != new.port(), what != Rebind::Address);
        assert_eq!(old.ip() != new.ip(), what != Rebind::Port);
        assert_eq!(back(&mut nat, now, old), None);
        assert_eq!(back(&mut nat, now, new), Some("10.0.0.1:5000".parse().unwrap()));
        assert!(nat.owns(old.ip()) && nat.owns(new.ip()));
        assert_eq!(nat.counts().rebound, 1);
    }
}

#[test]
fn rebindings_in_their_order_and_again_and_again() {
    let (mut nat, start) = nat();
    nat.rebind_at(Duration::from_secs(2), Rebind::Address);
    nat.rebind_at(Duration::from_secs(1), Rebind::Port);
    let mut seen = vec![out(&mut nat, start, "10.0.0.1:1")];
    for second in 1..=3 {
        seen.push(out(&mut nat, start + Duration::from_secs(second), "10.0.0.1:1"));
    }
    let expected = ["192.0.2.1:40000", "192.0.2.1:40001", "192.0.2.2:40001", "192.0.2.2:40001"];
    assert_eq!(seen, expected.map(|address| address.parse().unwrap()));

    let mut nat = Nat::interop("2001:db8::1".parse().unwrap(), start, Rebind::Address);
    let mut seen = Vec::new();
    for second in 0..=16 {
        seen.push(out(&mut nat, start + Duration::from_secs(second), "[fd00::1]:1"));
    }
    // After 1, 6, 11 and 16 s.
    assert_eq!(nat.counts().rebound, 4);
    seen.dedup();
    assert_eq!(seen.len(), 5);
    assert_eq!(seen[4], "[2001:db8::5]:40000".parse().unwrap());
}
