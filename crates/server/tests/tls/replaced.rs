//! Certificates that are replaced while everyone is served.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use tokio::sync::Notify;
use wirelace_server::{Request, Response, Server};

use crate::support::loopback;
use crate::world::{Authority, NAME, der, dial};

const REPLACED: usize = 50;

async fn path(request: Request) -> Response {
    Response::from(request.head.path().to_owned())
}

/// Requests that were answered, and where to wait for more.
#[derive(Default)]
struct Answered {
    old: AtomicUsize,
    new: AtomicUsize,
    more: Notify,
}

impl Answered {
    fn count(&self, counter: &AtomicUsize) {
        counter.fetch_add(1, Ordering::SeqCst);
        self.more.notify_waiters();
    }

    /// Waits until both kinds of connections have had so many answers more.
    async fn more(&self, answers: usize) {
        let (old, new) = (self.old.load(Ordering::SeqCst), self.new.load(Ordering::SeqCst));
        loop {
            let more = self.more.notified();
            let reached = |counter: &AtomicUsize, before| counter.load(Ordering::SeqCst) >= before + answers;
            if reached(&self.old, old) && reached(&self.new, new) {
                return;
            }
            more.await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_request_fails() {
    let authority = Authority::new("root");
    let tls = authority.server().build().unwrap();
    let store = tls.store().clone();
    let server = Server::builder(path).workers(2).tls(tls).bind(loopback()).unwrap();
    let address = server.local_addr();
    let server = tokio::spawn(server.run_forever());
    let (answered, over) = (Arc::<Answered>::default(), Arc::<AtomicBool>::default());

    let mut clients = Vec::new();
    for number in 0..4 {
        let (answered, over) = (Arc::clone(&answered), Arc::clone(&over));
        // Some of the new connections are resumed, some not.
        let tls = authority.client().sessions(number % 2).build().unwrap();
        clients.push(tokio::spawn(async move {
            let mut kept = dial(address, &tls).await;
            let mut turn = 0;
            while !over.load(Ordering::SeqCst) {
                turn += 1;
                let path = format!("/{number}/{turn}");
                assert_eq!(kept.get(&path).await.text(), path);
                answered.count(&answered.old);
                assert_eq!(dial(address, &tls).await.get(&path).await.text(), path);
                answered.count(&answered.new);
            }
        }));
    }

    let fresh = authority.client().sessions(0).build().unwrap();
    for _ in 0..REPLACED {
        answered.more(4).await;
        let identity = authority.identity(NAME);
        store.replace(vec![identity.clone()]);
        let mut next = dial(address, &fresh).await;
        assert_eq!(next.io.report().unwrap().peer_certificates[0], der(&identity));
        assert_eq!(next.get("/new").await.text(), "/new");
    }
    answered.more(4).await;
    over.store(true, Ordering::SeqCst);
    for client in clients {
        client.await.unwrap();
    }
    server.abort();
}
