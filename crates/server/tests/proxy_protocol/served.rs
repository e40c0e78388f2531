use std::time::Duration;

use tokio::io::AsyncReadExt as _;
use wirelace_server::{Builder, Limits, Native, ProxyProtocol, Request, Response, Server, Timeouts};

use crate::support::{Client, Running, start};
use crate::{addresses, v2};

const GET: &[u8] = b"GET / HTTP/1.1\r\nhost: t\r\n\r\n";

/// Answers with the addresses that the handler sees.
fn builder() -> Builder<Native<impl wirelace_server::Handler>> {
    let addresses = async |request: Request| {
        let info = request.connection();
        Response::from(format!("{} {}", info.peer, info.local))
    };
    Server::builder(addresses)
}

fn behind_proxy() -> Running {
    start(builder().proxy_protocol(ProxyProtocol::Required))
}

async fn closed(client: &mut Client) {
    let mut rest = Vec::new();
    // A reset is an end, too.
    let _ = client.io.read_to_end(&mut rest).await;
    assert_eq!(rest, b"");
}

#[tokio::test]
async fn the_headers_addresses_are_the_connections() {
    let server = behind_proxy();
    let own =
        |client: &Client| format!("{} {}", client.io.local_addr().unwrap(), client.io.peer_addr().unwrap());
    for (header, expected) in [
        (b"PROXY TCP4 192.0.2.1 198.51.100.1 4000 443\r\n".to_vec(), Some("192.0.2.1:4000 198.51.100.1:443")),
        (b"PROXY TCP6 2001:db8::1 ::1 4000 443\r\n".to_vec(), Some("[2001:db8::1]:4000 [::1]:443")),
        (b"PROXY UNKNOWN\r\n".to_vec(), None),
        (v2(0x21, 0x11, &addresses("192.0.2.1:4", "192.0.2.2:5")), Some("192.0.2.1:4 192.0.2.2:5")),
        (v2(0x21, 0x21, &addresses("[::7]:4", "[::8]:5")), Some("[::7]:4 [::8]:5")),
        (v2(0x21, 0x31, &[b'/'; 216]), None),
        (v2(0x20, 0x11, &addresses("192.0.2.1:4", "192.0.2.2:5")), None),
    ] {
        // In one piece with the request, and on its own.
        for pieces in [vec![[&header[..], GET].concat()], vec![header.clone(), GET.to_vec()]] {
            let mut client = server.connect().await;
            for piece in pieces {
                client.send(piece).await;
            }
            let expected = expected.map_or_else(|| own(&client), str::to_owned);
            assert_eq!(client.answer().await.text(), expected);
            // The connection goes on as usual.
            client.send(GET).await;
            assert_eq!(client.answer().await.text(), expected);
        }
    }
    server.stop().await;
}

/// Each octet in a segment of its own, as far as the network lets it.
#[tokio::test]
async fn octet_by_octet() {
    let server = behind_proxy();
    let padding = [&addresses("192.0.2.1:4", "192.0.2.2:5")[..], &crate::tlv(4, &[0; 600])].concat();
    for header in [b"PROXY TCP4 192.0.2.1 192.0.2.2 4 5\r\n".to_vec(), v2(0x21, 0x11, &padding)] {
        let mut client = server.connect().await;
        client.io.set_nodelay(true).unwrap();
        for octet in [&header[..], GET].concat() {
            client.send([octet]).await;
            tokio::task::yield_now().await;
        }
        assert_eq!(client.answer().await.text(), "192.0.2.1:4 192.0.2.2:5");
    }
    server.stop().await;
}

#[tokio::test]
async fn without_a_header_there_is_no_answer() {
    let server = behind_proxy();
    let too_long = [&b"PROXY UNKNOWN "[..], &[b'x'; 200]].concat();
    for wrong in [GET, b"PROXY TCP4 1.2.3.4 1.2.3.4 1\r\n", b"\x16\x03\x01\0\x05", &too_long, &[b'\r'; 20]] {
        let mut client = server.connect().await;
        client.send(wrong).await;
        closed(&mut client).await;
    }
    // A client that goes before it is complete leaves nothing behind.
    let mut client = server.connect().await;
    client.send(b"PROXY TCP4 1.2.").await;
    drop(client);
    server.tracker.drained().await;
    server.stop().await;
}

#[tokio::test]
async fn a_header_is_not_taken_where_none_is_expected() {
    let server = start(builder());
    let mut client = server.connect().await;
    client.send([b"PROXY TCP4 192.0.2.1 198.51.100.1 4000 443\r\n", GET].concat()).await;
    assert_eq!(client.answer().await.status, 400);
    server.stop().await;
}

#[tokio::test]
async fn a_header_has_its_time() {
    let timeouts = Timeouts { head: Some(Duration::from_millis(50)), ..Timeouts::default() };
    let limits = Limits { timeouts, ..Limits::default() };
    let server = start(builder().limits(limits).proxy_protocol(ProxyProtocol::Required));
    for beginning in
        [&b""[..], b"PROXY TCP4 192.0.2.1", &[b"\r\n\r\n\0\r\nQUIT\n\x21\x11\x01\0", &[0; 100][..]].concat()]
    {
        let mut client = server.connect().await;
        client.send(beginning).await;
        closed(&mut client).await;
    }
    server.tracker.drained().await;
    server.stop().await;
}

#[tokio::test]
async fn a_server_that_stops_does_not_wait_for_headers() {
    let mut server = behind_proxy();
    let mut waiting = server.connect().await;
    waiting.send(b"PROXY ").await;
    // Served: so the one before is accepted, too.
    let mut served = server.connect().await;
    served.send([b"PROXY UNKNOWN\r\n", GET].concat()).await;
    served.answer().await;
    server.begin_stop();
    closed(&mut waiting).await;
    server.stopped().await;
}
