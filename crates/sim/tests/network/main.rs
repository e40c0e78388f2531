//! A toy protocol on simulated networks: it gets through all of them, as fast as they let it, and each run is the
//! same again.

mod toy;

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use proptest::prelude::*;
use toy::{Receiver, Sender, Toy};
use wirelace_sim::{
    Backlog, Ecn, Endpoint, Fate, Faults, HostId, LinkId, LinkSettings, Marking, Nat, Network, NetworkEnd,
    NetworkOutcome, NetworkSettings, NetworkStep, Packet, Rebind,
};

fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

/// A sender (10.0.0.1:5000), a receiver (198.51.100.1:443) and the links between them.
struct World {
    network: Network<Toy>,
    sender: HostId,
    receiver: HostId,
    there: LinkId,
}

fn client() -> SocketAddr {
    "10.0.0.1:5000".parse().unwrap()
}

fn server() -> SocketAddr {
    "198.51.100.1:443".parse().unwrap()
}

fn world(seed: u64, links: (LinkSettings, LinkSettings), total: u32, window: usize) -> World {
    let settings = NetworkSettings { keep_packets: true, ..NetworkSettings::default() };
    let mut network = Network::new(seed, settings);
    let endpoint = Toy::Sender(Sender::new(client(), server(), total, window));
    let sender = network.add("sender", client().ip(), endpoint);
    let receiver = network.add("receiver", server().ip(), Toy::Receiver(Receiver::new(total)));
    let (there, _) = network.connect(client().ip(), server().ip(), links.0, links.1);
    World { network, sender, receiver, there }
}

fn both(settings: LinkSettings) -> (LinkSettings, LinkSettings) {
    (settings.clone(), settings)
}

impl World {
    fn sender(&mut self) -> &mut Sender {
        self.network.host_mut(self.sender).sender_mut()
    }

    fn receiver(&self) -> &Receiver {
        self.network.host(self.receiver).receiver()
    }

    fn run(&mut self) -> NetworkOutcome {
        let outcome = self.network.run();
        assert_eq!(outcome.end, NetworkEnd::Done, "{:?}\n{}", outcome.waiting, self.network.trace());
        outcome
    }
}

#[test]
fn throughput_is_the_rate() {
    // A window of 40 fills the 31 packets of the path, and the queue with the rest.
    let mut world = world(1, both(LinkSettings::interop()), 10_000, 40);
    let outcome = world.run();
    let ideal = 10_000.0 * 1250.0 * 8.0 / 10e6;
    let took = outcome.elapsed.as_secs_f64();
    assert!(took >= ideal && took < ideal * 1.01, "{took}");
    let counts = world.network.link(world.there).counts();
    assert_eq!((counts.queue_full, counts.delivered_octets), (0, 10_000 * toy::DATA_LEN as u64));
    assert!(counts.longest_queue <= 25);
}

#[test]
fn a_small_window_waits_for_the_delay() {
    let mut world = world(1, both(LinkSettings::interop_longrtt()), 10, 1);
    let outcome = world.run();
    // The sender's patience ends three times before the acknowledgement can come.
    assert_eq!(world.sender().sent, 40);
    let ack = 1.0 + f64::from(13 + 28) * 8.0 / 10e3;
    let expected = 10.0 * (1500.0 + ack) / 1e3;
    assert!((outcome.elapsed.as_secs_f64() - expected).abs() < 1e-6, "{:?}", outcome.elapsed);
}

#[test]
fn every_link_of_the_interop_runner_lets_it_through() {
    let cases: [(&str, LinkSettings, LinkSettings); 7] = [
        ("base", LinkSettings::interop(), LinkSettings::interop()),
        ("handshakeloss", LinkSettings::interop_handshakeloss(), LinkSettings::interop_handshakeloss()),
        ("transferloss", LinkSettings::interop_transferloss(), LinkSettings::interop_transferloss()),
        (
            "handshakecorruption",
            LinkSettings::interop_handshakecorruption(),
            LinkSettings::interop_handshakecorruption(),
        ),
        (
            "transfercorruption",
            LinkSettings::interop_transfercorruption(),
            LinkSettings::interop_transfercorruption(),
        ),
        ("blackhole", LinkSettings::interop_blackhole(), LinkSettings::interop_blackhole()),
        ("amplificationlimit", LinkSettings::interop_amplificationlimit(), LinkSettings::interop()),
    ];
    for (name, there, back) in cases {
        for seed in 0..5 {
            let mut world = world(seed, (there.clone(), back.clone()), 300, 20);
            let outcome = world.run();
            let counts = world.network.link(world.there).counts();
            let sent_again = world.sender().sent - 300;
            match name {
                "base" => assert_eq!(sent_again, 0),
                "blackhole" => assert_eq!(counts.blackout, 0, "it is over before"),
                "amplificationlimit" => assert_eq!((counts.listed, sent_again), (6, 6)),
                "handshakecorruption" => {
                    assert!(world.receiver().broken == counts.corrupted && sent_again > 50)
                }
                "handshakeloss" => assert!(counts.lost > 50 && sent_again > counts.lost),
                _ => assert!(sent_again > 0, "{name}"),
            }
            assert!(outcome.waiting.is_empty());
        }
    }
}

#[test]
fn a_blackout_costs_its_time() {
    let mut world = world(1, both(LinkSettings::interop_blackhole()), 8000, 40);
    let outcome = world.run();
    // 8 s of data, and the blackout of 5 to 7 s.
    assert!(outcome.elapsed > ms(10_000) && outcome.elapsed < ms(10_600), "{:?}", outcome.elapsed);
    assert!(world.network.link(world.there).counts().blackout > 40);
    let silent = world.network.sent().iter().filter(|sent| sent.fate == Some(Fate::Blackout));
    assert!(silent.into_iter().all(|sent| sent.at > ms(4950) && sent.at < ms(7000)));
}

#[test]
fn marks_tell_of_a_queue() {
    for (ecn, marked) in [(Ecn::NotEct, false), (Ecn::Ect0, true), (Ecn::Ect1, true)] {
        let marking = Some(Marking { above: Backlog::Packets(5), drops_others: false });
        let links = (LinkSettings { marking, ..LinkSettings::interop() }, LinkSettings::interop());
        let mut world = world(1, links, 1000, 45);
        world.sender().ecn = ecn;
        world.run();
        let counts = world.network.link(world.there).counts();
        assert_eq!(world.receiver().marked, counts.marked);
        assert_eq!(counts.marked > 900, marked, "{counts:?}");
    }
}

#[test]
fn a_rebound_nat_shows_another_source() {
    for what in [Rebind::Port, Rebind::Address, Rebind::Both] {
        let mut world = world(1, both(LinkSettings::interop()), 8000, 40);
        let nat = Nat::interop(ip("192.0.2.1"), world.network.start(), what);
        world.network.put_behind(client().ip(), nat);
        world.run();
        // After 1 s and 6 s.
        let nat = world.network.nat(client().ip()).unwrap();
        assert_eq!((nat.counts().rebound, world.receiver().sources.len()), (2, 3));
        // Acknowledgements of 15 ms, and those sent to the old address until a packet with the new one comes.
        assert!((30..100).contains(&nat.counts().refused), "{:?}", nat.counts());
        assert_eq!(world.network.seen_as(client()), world.receiver().sources.last().copied());
        assert!(world.receiver().sources.iter().all(|source| nat.owns(source.ip())));
    }
}

#[test]
fn a_test_acts_at_times_and_on_conditions() {
    let mut world = world(1, both(LinkSettings::interop()), 2000, 40);
    let (sender, cellular) = (world.sender, ip("10.9.0.1"));
    let slow = LinkSettings { rate: Some(1_000_000), ..LinkSettings::interop_longrtt() };
    world.network.add_address(sender, cellular);
    world.network.connect(cellular, server().ip(), slow, LinkSettings::interop());
    world.network.at(ms(500), move |network, _| {
        network.host_mut(sender).sender_mut().local.set_port(6000);
    });
    let outcome = world.network.run_until(|network| network.host(sender).sender().acknowledged() >= 1000);
    assert_eq!((outcome.end, world.sender().acknowledged()), (NetworkEnd::Met, 1000));
    assert_eq!(outcome.waiting, ["sender", "receiver"]);
    assert!(outcome.elapsed > ms(1000) && outcome.elapsed < ms(1070), "{:?}", outcome.elapsed);
    assert_eq!(
        world.receiver().sources,
        ["10.0.0.1:5000", "10.0.0.1:6000"].map(|text| text.parse().unwrap())
    );

    let outcome = world.network.run_to(ms(1500));
    assert_eq!((outcome.end, outcome.elapsed), (NetworkEnd::Met, ms(1500)));
    let by_then = world.sender().acknowledged();
    assert!((1430..1500).contains(&by_then), "{by_then}");

    // The other address has another path.
    world.sender().local.set_ip(cellular);
    world.sender().patience = Some(Duration::from_secs(3));
    let outcome = world.run();
    assert!(outcome.elapsed > Duration::from_secs(6), "{:?}", outcome.elapsed);
    assert_eq!(world.receiver().sources.len(), 3);

    // Time goes on when all are done.
    let later = outcome.elapsed + ms(1);
    assert_eq!(world.network.run_to(later).elapsed, later);
}

#[test]
fn flows_share_a_link() {
    let mut world = world(1, both(LinkSettings::interop()), 1000, 20);
    let other = Sender::new("10.0.0.2:5000".parse().unwrap(), "198.51.100.2:443".parse().unwrap(), 1000, 20);
    let (from, to) = (other.local.ip(), other.remote.ip());
    world.network.add("other sender", from, Toy::Sender(other));
    world.network.add("other receiver", to, Toy::Receiver(Receiver::new(1000)));
    world.network.route(from, to, world.there);
    let back = world.network.add_link(LinkSettings::interop());
    world.network.route(to, from, back);
    let took = world.run().elapsed.as_secs_f64();
    assert!((2.0..2.05).contains(&took), "{took}");
}

#[test]
fn a_hang_says_who_waits() {
    let links = (LinkSettings { drops: vec![3], ..LinkSettings::interop() }, LinkSettings::interop());
    let mut world = world(1, links, 5, 1);
    world.sender().patience = None;
    let outcome = world.network.run();
    assert_eq!((outcome.end, outcome.waiting), (NetworkEnd::Hang, vec!["sender".into(), "receiver".into()]));
    assert_eq!((world.network.in_flight(), world.receiver().numbers.len()), (0, 2));
    let last = world.network.trace().entries().last().unwrap();
    assert!(matches!(&last.step, NetworkStep::Sent(_, Fate::Listed)), "{last}");
    assert!(last.to_string().ends_with("sender  sent 10.0.0.1:5000 -> 198.51.100.1:443 1222 octets: Listed"));
}

#[test]
fn limits_end_what_has_no_end() {
    let nothing = LinkSettings { loss: Faults::percent(100), ..LinkSettings::interop() };
    let mut lost = world(1, (nothing, LinkSettings::interop()), 5, 5);
    let outcome = lost.network.run();
    assert_eq!((outcome.end, outcome.elapsed), (NetworkEnd::TimeLimit, Duration::from_secs(3600)));

    // A deadline that is always in the past.
    let settings = NetworkSettings { max_steps: 10_000, ..NetworkSettings::default() };
    let mut spinning = Network::new(1, settings);
    let mut endpoint = Sender::new(client(), server(), 5, 5);
    endpoint.patience = Some(Duration::ZERO);
    spinning.add("sender", client().ip(), Toy::Sender(endpoint));
    let outcome = spinning.run();
    assert_eq!((outcome.end, outcome.elapsed), (NetworkEnd::StepLimit, Duration::ZERO));
}

#[test]
fn there_is_no_way_for_strangers() {
    let mut world = world(1, both(LinkSettings::interop()), 1, 1);
    world.sender().patience = None;
    // The source is another host's, which does have a way there.
    let neighbour = "10.0.0.7:5000".parse().unwrap();
    let idle = Toy::Sender(Sender::new(neighbour, server(), 0, 1));
    world.network.add("neighbour", neighbour.ip(), idle);
    world.network.route(neighbour.ip(), server().ip(), world.there);
    world.sender().local = neighbour;
    let outcome = world.network.run();
    assert_eq!(outcome.end, NetworkEnd::Hang);
    assert_eq!(world.network.sent().iter().map(|sent| sent.fate).collect::<Vec<_>>(), [None]);
    // What nobody sent, to somebody and to nobody.
    let spoofed = Packet { source: client(), ..world.network.sent()[0].packet.clone() };
    assert!(world.network.inject(spoofed.clone()));
    assert!(!world.network.inject(Packet { destination: "192.0.2.99:1".parse().unwrap(), ..spoofed }));
    assert_eq!(world.receiver().numbers.len(), 1);
}

#[test]
fn hosts_may_be_of_many_kinds() {
    struct Silent;
    impl Endpoint for Silent {
        fn receive(&mut self, _: std::time::Instant, _: Packet) {}
        fn transmit(&mut self, _: std::time::Instant) -> Option<Packet> {
            None
        }
        fn deadline(&self) -> Option<std::time::Instant> {
            None
        }
        fn on_deadline(&mut self, _: std::time::Instant) {}
        fn is_done(&self) -> bool {
            true
        }
    }
    let mut network: Network<Box<dyn Endpoint>> = Network::new(1, NetworkSettings::default());
    network.add("silent", ip("::1"), Box::new(Silent));
    network.add("toy", ip("::2"), Box::new(Toy::Receiver(Receiver::new(0))));
    assert_eq!(network.run().end, NetworkEnd::Done);
}

#[test]
fn a_time_includes_what_happens_then() {
    let mut world = world(1, both(LinkSettings::interop()), 2, 1);
    assert_eq!(world.network.run_to(ms(16) - Duration::from_nanos(1)).end, NetworkEnd::Met);
    assert_eq!(world.receiver().numbers.len(), 0);
    assert_eq!(world.network.run_to(ms(16)).end, NetworkEnd::Met);
    assert_eq!(world.receiver().numbers.len(), 1);
}

#[test]
fn contents_are_part_of_a_run_where_asked() {
    let run = |contents, filler| {
        let settings = NetworkSettings { contents, ..NetworkSettings::default() };
        let mut network = Network::new(1, settings);
        network.add("receiver", server().ip(), Toy::Receiver(Receiver::new(0)));
        let data = vec![filler; 20].into();
        network.inject(Packet { source: client(), destination: server(), ecn: Ecn::NotEct, data });
        network.run().fingerprint
    };
    assert_ne!(run(true, 1), run(true, 2));
    assert_eq!(run(false, 1), run(false, 2));
    assert_ne!(run(true, 1), run(false, 1));
}

#[test]
fn another_seed_is_another_run() {
    let run = |seed| world(seed, both(LinkSettings::interop_handshakeloss()), 100, 10).run();
    assert_eq!(run(1), run(1));
    assert_ne!(run(1).fingerprint, run(2).fingerprint);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn all_arrives_whatever_happens(
        seed: u64,
        (loss, duplication, corruption, truncation) in (0u8..40, 0u8..40, 0u8..30, 0u8..20),
        jitter in 0u64..100,
        reorders: bool,
        window in 1usize..60,
        rebind in prop::option::of(1u64..500),
    ) {
        let settings = LinkSettings {
            loss: Faults::percent(loss),
            duplication: Faults::percent(duplication),
            corruption: Faults::percent(corruption),
            truncation: Faults::percent(truncation),
            jitter: ms(jitter),
            reorders,
            ..LinkSettings::interop()
        };
        let run = || {
            let mut world = world(seed, both(settings.clone()), 60, window);
            if let Some(at) = rebind {
                let mut nat = Nat::new(ip("192.0.2.1"), world.network.start());
                nat.rebind_at(ms(at), Rebind::Both);
                world.network.put_behind(client().ip(), nat);
            }
            let outcome = world.run();
            (outcome, world.network.sent().to_vec())
        };
        prop_assert_eq!(run(), run());
    }
}
