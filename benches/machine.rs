//! The whole HTTP/1 server machine against hyper, in memory: pipelined requests in, `http::Request` out to a
//! handler, bytes out to nowhere. Both answer with Date and `content-length: 0`, as little as hyper can.

use std::convert::Infallible;
use std::future::Future;
use std::hint::black_box;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use bytes::{Bytes, BytesMut};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use http::{Request, Response, StatusCode, Uri};
use http_body_util::Empty;
use hyper::body::Incoming;
use hyper::rt::ReadBufCursor;
use hyper::service::service_fn;
use wirelace_http_semantics::{Event, FieldId, Head, HttpMachine, RequestHead, ResponseHead};
use wirelace_http1::{Limits, ServerConnection};
use wirelace_wire::Machine;

const REQUESTS: usize = 1000;

const SHORT: &[u8] = b"GET / HTTP/1.1\r\nHost: example.com\r\n\r\n";

const BROWSER: &[u8] = b"\
GET /wp-content/uploads/2010/03/hello-kitty-darth-vader-pink.jpg HTTP/1.1\r\n\
Host: www.kittyhell.com\r\n\
User-Agent: Mozilla/5.0 (Macintosh; U; Intel Mac OS X 10.6; ja-JP-mac; rv:1.9.2.3) Gecko/20100401 Firefox/3.6.3 Pathtraq/0.9\r\n\
Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\n\
Accept-Language: ja,en-us;q=0.7,en;q=0.3\r\n\
Accept-Encoding: gzip,deflate\r\n\
Accept-Charset: Shift_JIS,utf-8;q=0.7,*;q=0.7\r\n\
Keep-Alive: 115\r\n\
Connection: keep-alive\r\n\
Cookie: wp_ozh_wsa_visits=2; wp_ozh_wsa_visit_lasttime=xxxxxxxxxx; __utma=xxxxxxxxx.xxxxxxxxxx.xxxxxxxxxx.xxxxxxxxxx.xxxxxxxxxx.x; __utmz=xxxxxxxxx.xxxxxxxxxx.x.x.utmccn=(referral)|utmcsr=reader.livedoor.com|utmcct=/reader/|utmcmd=referral|padding=under256\r\n\r\n";

fn to_request(head: RequestHead) -> Request<()> {
    let mut request = Request::new(());
    *request.method_mut() = head.method;
    *request.uri_mut() = Uri::from_maybe_shared(head.target).expect("a valid target");
    *request.version_mut() = head.version;
    *request.headers_mut() = head.fields.to_header_map();
    request
}

/// Reads of 16 KiB, as a socket would give them; the machine sees the same sizes as hyper.
fn ours(input: &[u8], handle: impl Fn(RequestHead)) -> usize {
    let now = Instant::now();
    let mut machine = ServerConnection::new(Limits::default(), now);
    let mut buffer = BytesMut::with_capacity(16 * 1024);
    let (mut written, mut rest) = (0, input);
    while !rest.is_empty() {
        if buffer.capacity() - buffer.len() < 2048 {
            buffer.reserve(16 * 1024);
        }
        let take = rest.len().min(buffer.capacity() - buffer.len()).min(16 * 1024);
        buffer.extend_from_slice(&rest[..take]);
        rest = &rest[take..];
        while let Some(event) = machine.poll_event(now, &mut buffer).expect("valid requests") {
            let Event::Head { stream, head: Head::Request(head), .. } = event else { continue };
            handle(*head);
            let mut head = ResponseHead::new(StatusCode::OK);
            head.fields.push(FieldId::DATE, "Sun, 22 Nov 2026 20:00:00 GMT").expect("a valid value");
            machine.send_message(stream, head, Bytes::new()).expect("in turn");
        }
        let output = machine.output();
        written += output.len();
        output.advance(output.len());
    }
    written
}

/// In-memory I/O for hyper.
struct Memory<'a> {
    input: &'a [u8],
    written: usize,
}

impl hyper::rt::Read for Memory<'_> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        mut cursor: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        let take = self.input.len().min(cursor.remaining()).min(16 * 1024);
        cursor.put_slice(&self.input[..take]);
        self.input = &self.input[take..];
        Poll::Ready(Ok(()))
    }
}

impl hyper::rt::Write for Memory<'_> {
    fn poll_write(mut self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.written += bytes.len();
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

fn hyper(input: &[u8]) -> usize {
    let memory = Memory { input, written: 0 };
    let service = service_fn(|request: Request<Incoming>| async move {
        black_box(&request);
        Ok::<_, Infallible>(Response::new(Empty::<Bytes>::new()))
    });
    let connection = hyper::server::conn::http1::Builder::new()
        .pipeline_flush(true)
        .half_close(true)
        .serve_connection(memory, service);
    let mut context = Context::from_waker(Waker::noop());
    let mut connection = std::pin::pin!(connection);
    // Nothing here waits for anything but hyper's own yielding.
    while connection.as_mut().poll(&mut context).map(|done| done.expect("valid requests")).is_pending() {}
    0
}

fn machine(criterion: &mut Criterion) {
    for (name, request) in [("short", SHORT), ("browser", BROWSER)] {
        let input = request.repeat(REQUESTS);
        let mut group = criterion.benchmark_group(format!("machine/{name}"));
        group.throughput(Throughput::Elements(REQUESTS as u64));
        group.bench_function("wirelace, http::Request", |bencher| {
            bencher.iter(|| ours(black_box(&input), |head| drop(black_box(to_request(head)))));
        });
        group.bench_function("wirelace, RequestHead", |bencher| {
            bencher.iter(|| ours(black_box(&input), |head| drop(black_box(head))));
        });
        group.bench_function("hyper, pipeline_flush", |bencher| bencher.iter(|| hyper(black_box(&input))));
        group.finish();
    }
}

criterion_group!(benches, machine);
criterion_main!(benches);
