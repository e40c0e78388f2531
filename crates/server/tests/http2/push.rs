//! Server push (RFC 9113 §8.4).

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use http::{Method, StatusCode};
use tokio::sync::Notify;
use wirelace_http_semantics::{FieldId, HttpMachine as _, Reason, RequestHead};
use wirelace_http2::Limits as ClientLimits;
use wirelace_server::{
    Builder, Native, Request, RequestBody, RequestContext, Response, ResponseBody, Server,
};

use crate::peer::{beside, get};

fn takes_pushes() -> ClientLimits {
    ClientLimits { push: true, ..ClientLimits::default() }
}

/// `/page` promises a style sheet and a script; what is pushed says so.
async fn page(request: Request) -> Response {
    if request.head.path() != "/page" {
        let more = request.pusher().is_some();
        let host = request.head.authority().unwrap().escape_ascii().to_string();
        let pushed = request.is_pushed();
        return Response::from(format!(
            "{} {} {host} {pushed} {more}",
            request.head.method,
            request.head.path()
        ));
    }
    let Some(pusher) = request.pusher() else { return Response::from("nothing is pushed") };
    pusher.push("/a.css?v=1").unwrap();
    let mut script = RequestHead::new(Method::HEAD, "/b.js").unwrap();
    script.fields.push(FieldId::ACCEPT, "text/javascript").unwrap();
    pusher.push_request(script).unwrap();
    Response::from("page")
}

fn pages() -> Builder<Native<impl wirelace_server::Handler>> {
    Server::builder(page)
}

#[tokio::test]
async fn nothing_is_offered_to_clients_that_take_no_pushes() {
    let mut peer = beside(pages(), ClientLimits { push: false, ..ClientLimits::default() });
    assert_eq!(peer.fetch("/page").await, "nothing is pushed");
    assert!(peer.promises.is_empty());
    // Requests made for tests came on no connection.
    assert!(Request::new(get("/"), RequestBody::empty()).pusher().is_none());
}

#[tokio::test]
async fn what_is_promised_is_answered_like_what_is_asked_for() {
    let mut peer = beside(pages(), takes_pushes());
    for round in 0..3 {
        assert_eq!(peer.fetch("/page").await, "page");
        let promises = std::mem::take(&mut peer.promises);
        let [style, script] = &promises[..] else { panic!("{round}: {promises:?}") };
        assert_eq!((style.parent, style.parent), (script.parent, script.parent));
        assert_eq!((&style.head.method, &style.head.target[..]), (&Method::GET, &b"/a.css?v=1"[..]));
        assert_eq!(style.head.authority(), Some(&b"test.example"[..]));
        assert_eq!(script.head.fields.get(FieldId::ACCEPT), Some(&b"text/javascript"[..]));
        // Pushed exchanges push nothing themselves.
        assert_eq!(peer.answer(style.promised).await.text(), "GET /a.css test.example true false");
        let script = peer.answer(script.promised).await;
        assert_eq!((script.status(), script.text()), (200, ""));
        assert_eq!(peer.fetch("/other").await, "GET /other test.example false true");
    }
}

#[tokio::test]
async fn promises_come_from_any_task_until_the_answer_is_complete() {
    let builder = Server::builder(async |request: Request| {
        let Some(pusher) = request.pusher() else {
            // The answer to what was promised takes its time.
            tokio::task::yield_now().await;
            return Response::from("pushed");
        };
        let (sender, body) = ResponseBody::channel(1);
        tokio::spawn(async move {
            sender.send("begun").await.unwrap();
            for number in 0..5 {
                pusher.push(format!("/{number}")).unwrap();
                sender.send(format!(" {number}")).await.unwrap();
            }
            drop(sender);
            // Whether it comes too late or not: it does no harm.
            pusher.push("/late").unwrap();
        });
        Response::new(StatusCode::OK).with_body(body)
    });
    let mut peer = beside(builder, takes_pushes());
    for _ in 0..3 {
        assert_eq!(peer.fetch("/").await, "begun 0 1 2 3 4");
        let mut promises = std::mem::take(&mut peer.promises);
        promises.retain(|promise| promise.head.target != "/late");
        assert_eq!(promises.len(), 5);
        for promise in promises {
            assert_eq!(peer.answer(promise.promised).await.text(), "pushed");
        }
    }
}

#[tokio::test]
async fn a_client_may_refuse_what_is_promised() {
    let (started, dropped) = (Arc::new(Notify::new()), Arc::new(AtomicUsize::new(0)));
    struct Count(Arc<AtomicUsize>);
    impl Drop for Count {
        fn drop(&mut self) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
    let signals = (Arc::clone(&started), Arc::clone(&dropped));
    let builder = Server::builder(move |request: Request| {
        let (started, dropped) = signals.clone();
        async move {
            match request.pusher() {
                Some(pusher) if request.head.path() == "/" => pusher.push("/slow").unwrap(),
                Some(_) => return Response::from(dropped.load(Ordering::Relaxed).to_string()),
                None => {
                    let _count = Count(dropped);
                    started.notify_one();
                    let () = std::future::pending().await;
                }
            }
            Response::from("page")
        }
    });
    let mut peer = beside(builder, takes_pushes());
    for round in 1..4 {
        assert_eq!(peer.fetch("/").await, "page");
        started.notified().await;
        let promise = peer.promises.pop().unwrap();
        peer.machine.reset(promise.promised, Reason::Cancel);
        // Its handler was dropped by then.
        assert_eq!(peer.fetch("/dropped").await, round.to_string());
    }
}

#[tokio::test]
async fn many_promises_beside_many_requests() {
    let builder = Server::builder(async |request: Request| {
        if let Some(pusher) = request.pusher() {
            for number in 0..3 {
                // No more than the client takes at once are promised; the others are left out.
                pusher.push(format!("/pushed{number}")).unwrap();
            }
        }
        tokio::task::yield_now().await;
        Response::from(request.head.path().to_owned())
    });
    let mut peer = beside(builder, ClientLimits { pushes: 50, ..takes_pushes() });
    assert_eq!(peer.fetch("/").await, "/");
    let streams: Vec<_> = (0..50).map(|number| peer.get(&format!("/{number}"))).collect();
    for (number, stream) in streams.into_iter().enumerate() {
        assert_eq!(peer.answer(stream).await.text(), format!("/{number}"));
    }
    let promises = std::mem::take(&mut peer.promises);
    assert!(promises.len() >= 50, "{}", promises.len());
    for promise in promises {
        let path = promise.head.path().to_owned();
        assert_eq!(peer.answer(promise.promised).await.text(), path);
    }
}

#[tokio::test]
async fn services_push_too() {
    let service = tower::service_fn(async |request: http::Request<RequestBody>| {
        let context = request.extensions().get::<RequestContext>().unwrap();
        if let Some(pusher) = context.pusher() {
            pusher.push("/more").unwrap();
        }
        let said = format!("{} {}", request.uri(), context.is_pushed());
        Ok::<_, std::io::Error>(http::Response::new(said))
    });
    let mut peer = beside(Server::builder_tower(service), takes_pushes());
    assert_eq!(peer.fetch("/").await, "http://test.example/ false");
    let promise = peer.promises.pop().unwrap();
    assert_eq!(peer.answer(promise.promised).await.text(), "http://test.example/more true");
}
