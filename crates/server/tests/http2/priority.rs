//! Priorities (RFC 9218).

use bytes::Bytes;
use http::StatusCode;
use wirelace_http_semantics::FieldId;
use wirelace_http2::Limits as ClientLimits;
use wirelace_server::{Priority, Request, RequestBody, RequestContext, Response, ResponseBody, Server};

use crate::peer::{beside, get};

const SIZE: usize = 200_000;

/// Answers with a large body, whose priority is that of the path where it names one.
async fn large(request: Request) -> Response {
    let mut response = Response::new(StatusCode::OK);
    if let Some(priority) = request.head.query() {
        response = response.with_field(FieldId::PRIORITY, priority.replace('+', ", ")).unwrap();
    }
    match request.head.path() {
        "/full" => response.with_body(Bytes::from(vec![0; SIZE])),
        _ => {
            let (sender, body) = ResponseBody::channel(1);
            tokio::spawn(async move {
                for _ in 0..SIZE / 1000 {
                    sender.send(vec![0; 1000]).await.unwrap();
                }
            });
            response.with_body(body)
        }
    }
}

fn roomy() -> ClientLimits {
    ClientLimits { window: 1 << 20, ..ClientLimits::default() }
}

#[tokio::test]
async fn a_handler_knows_what_the_client_said() {
    let builder = Server::builder(async |request: Request| {
        let priority = request.priority();
        Response::from(format!("{} {}", priority.urgency(), priority.is_incremental()))
    });
    let mut peer = beside(builder, roomy());
    assert_eq!(peer.fetch("/").await, "3 false");
    let mut head = get("/");
    head.fields.push(FieldId::PRIORITY, "u=1, i").unwrap();
    let stream = peer.send(head.clone(), true);
    assert_eq!(peer.answer(stream).await.text(), "1 true");
    // HTTP/1, and requests made for tests: what the field says.
    let request = Request::new(head, RequestBody::empty());
    assert_eq!(request.priority(), Priority::new(1, true));
}

#[tokio::test]
async fn services_know_it_too() {
    let service = tower::service_fn(async |request: http::Request<RequestBody>| {
        let priority = request.extensions().get::<RequestContext>().unwrap().priority();
        Ok::<_, std::io::Error>(http::Response::new(format!("{priority:?}")))
    });
    let mut peer = beside(Server::builder_tower(service), roomy());
    let mut head = get("/");
    head.fields.push(FieldId::PRIORITY, "u=6").unwrap();
    let stream = peer.send(head, true);
    assert_eq!(peer.answer(stream).await.text(), format!("{:?}", Some(Priority::new(6, false))));
}

#[tokio::test]
async fn urgent_answers_overtake_others() {
    for kind in ["/full", "/stream"] {
        // By the request, by an update of it, and by the response.
        for way in 0..3 {
            let mut peer = beside(Server::builder(large), roomy());
            let later = (0..3).map(|_| peer.get(kind)).collect::<Vec<_>>();
            let urgent = match way {
                0 => {
                    let mut head = get(kind);
                    head.fields.push(FieldId::PRIORITY, "u=0").unwrap();
                    peer.send(head, true)
                }
                1 => {
                    use wirelace_http_semantics::HttpMachine as _;
                    let stream = peer.machine.send_request(get(kind), true).unwrap();
                    peer.machine.set_priority(stream, Priority::new(0, false));
                    stream
                }
                _ => peer.get(&format!("{kind}?u=0")),
            };
            peer.answer(urgent).await;
            assert_eq!(peer.completed, [urgent], "{kind} {way}");
            for stream in &later {
                assert_eq!(peer.answer(*stream).await.body.len(), SIZE);
            }
            if kind == "/full" {
                // Those that are alike come one after the other.
                assert_eq!(peer.completed[1..], later, "{kind} {way}");
            }
        }
    }
}

#[tokio::test]
async fn what_can_wait_does() {
    let mut peer = beside(Server::builder(large), roomy());
    let background = peer.get("/full?u=7+i");
    let usual = peer.get("/full");
    peer.answer(background).await;
    assert_eq!(peer.completed, [usual, background]);
}
