//! A client, a server, and a link in each direction.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use wirelace_quic_lite::header::Header;
use wirelace_quic_lite::{ClientConfig, Endpoint, Limits, Remembered, ServerConfig};
use wirelace_sim::{
    HostId, LinkId, LinkSettings, Network, NetworkEnd, NetworkOutcome, NetworkSettings, SentPacket,
};

use crate::app::Exchange;
use crate::host::{Host, Session};
use crate::trust::Trust;

pub(crate) const CLIENT: &str = "192.0.2.1:50000";
pub(crate) const SERVER: &str = "198.51.100.1:443";

pub(crate) struct World {
    pub(crate) network: Network<Host>,
    pub(crate) client: HostId,
    pub(crate) server: HostId,
    pub(crate) up: LinkId,
    pub(crate) down: LinkId,
    pub(crate) client_config: ClientConfig,
    pub(crate) server_config: ServerConfig,
}

/// How a world is made.
pub(crate) struct Plan {
    pub(crate) seed: u64,
    pub(crate) up: LinkSettings,
    pub(crate) down: LinkSettings,
    pub(crate) client_limits: Limits,
    pub(crate) server_limits: Limits,
    pub(crate) addresses: [SocketAddr; 2],
}

impl Plan {
    pub(crate) fn new(link: LinkSettings) -> Plan {
        Plan {
            seed: 1,
            up: link.clone(),
            down: link,
            client_limits: Limits::default(),
            server_limits: Limits::default(),
            addresses: [CLIENT, SERVER].map(|address| address.parse().unwrap()),
        }
    }

    pub(crate) fn seed(self, seed: u64) -> Plan {
        Plan { seed, ..self }
    }

    /// Both sides have the same limits.
    pub(crate) fn limits(mut self, change: impl Fn(&mut Limits)) -> Plan {
        change(&mut self.client_limits);
        change(&mut self.server_limits);
        self
    }
}

impl World {
    /// On the runner's base link.
    pub(crate) fn base() -> World {
        World::new(&Trust::new(), Plan::new(LinkSettings::interop()))
    }

    pub(crate) fn on(link: LinkSettings) -> World {
        World::new(&Trust::new(), Plan::new(link))
    }

    pub(crate) fn new(trust: &Trust, plan: Plan) -> World {
        let octets = |extra: u8| {
            let mut octets = [extra; 32];
            octets[..8].copy_from_slice(&plan.seed.to_be_bytes());
            octets
        };
        // TLS has random numbers of its own.
        let settings = NetworkSettings { contents: false, keep_packets: true, ..NetworkSettings::default() };
        let mut network = Network::new(plan.seed, settings);
        let [client, server] = plan.addresses;
        let (mut client_config, mut server_config) = (trust.client.clone(), trust.server.clone());
        client_config.limits = Arc::new(plan.client_limits);
        server_config.limits = Arc::new(plan.server_limits);
        let host = Host::new(Endpoint::new(None, &octets(1)), client, network.now());
        let client_id = network.add("client", client.ip(), host);
        let endpoint = Endpoint::new(Some(server_config.clone()), &octets(2));
        let host = Host::new(endpoint, server, network.now());
        let server_id = network.add("server", server.ip(), host);
        let (up, down) = network.connect(client.ip(), server.ip(), plan.up, plan.down);
        World { network, client: client_id, server: server_id, up, down, client_config, server_config }
    }

    /// A new connection of the client.
    pub(crate) fn connect(&mut self, wanted: &[Exchange]) -> &mut Session {
        self.connect_with(&Remembered::default(), wanted)
    }

    pub(crate) fn connect_with(&mut self, remembered: &Remembered, wanted: &[Exchange]) -> &mut Session {
        let (now, remote) = (self.network.now(), self.server().address);
        let config = self.client_config.clone();
        let host = self.network.host_mut(self.client);
        let handle = host.connect(now, &config, remote, remembered, wanted);
        host.live.get_mut(&handle).expect("it was made")
    }

    pub(crate) fn client(&self) -> &Host {
        self.network.host(self.client)
    }

    pub(crate) fn server(&self) -> &Host {
        self.network.host(self.server)
    }

    pub(crate) fn client_mut(&mut self) -> &mut Host {
        self.network.host_mut(self.client)
    }

    pub(crate) fn server_mut(&mut self) -> &mut Host {
        self.network.host_mut(self.server)
    }

    /// Runs until both hosts have all they want, and have forgotten all connections.
    pub(crate) fn finish(&mut self) -> NetworkOutcome {
        let outcome = self.network.run();
        if outcome.end != NetworkEnd::Done {
            panic!("{outcome:?}\n{}\n{}", self.describe(), self.network.trace());
        }
        for host in [self.client(), self.server()] {
            assert!(host.endpoint.is_empty());
        }
        outcome
    }

    /// Runs until that is so.
    pub(crate) fn until(&mut self, condition: impl Fn(&Host, &Host) -> bool) {
        let (client, server) = (self.client, self.server);
        let outcome = self.network.run_until(|network| condition(network.host(client), network.host(server)));
        if outcome.end != NetworkEnd::Met {
            panic!("{outcome:?}\n{}\n{}", self.describe(), self.network.trace());
        }
    }

    /// Runs until both sides know that the handshake is complete.
    pub(crate) fn until_confirmed(&mut self) {
        self.until(|client, server| {
            [client, server].iter().all(|host| {
                host.live.values().chain(&host.past).next_back().is_some_and(Session::is_confirmed)
            })
        });
    }

    pub(crate) fn run_for(&mut self, time: Duration) {
        self.network.run_to(self.network.elapsed() + time);
    }

    pub(crate) fn describe(&self) -> String {
        let mut text = String::new();
        for (name, host) in [("client", self.client()), ("server", self.server())] {
            for session in host.live.values().chain(&host.past) {
                let app = &session.app;
                text += &format!(
                    "{name}: {app:?}, closed {:?}, {:?}, {:?}\n",
                    session.closed(),
                    session.stats,
                    session.connection
                );
            }
        }
        text
    }

    /// Kinds of the first packets in the datagrams of a host.
    pub(crate) fn headers_by(&self, host: HostId) -> Vec<Header> {
        self.sent_by(host).filter_map(|sent| Header::parse(&sent.packet.data, 8).ok()).collect()
    }

    /// What a host sent.
    pub(crate) fn sent_by(&self, host: HostId) -> impl Iterator<Item = &SentPacket> {
        self.network.sent().iter().filter(move |sent| sent.by == host)
    }
}
