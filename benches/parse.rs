//! Head parsing against httparse, on httparse's own three benchmark inputs.

use std::hint::black_box;
use std::mem::MaybeUninit;
use std::ops::Range;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use wirelace_http1::head::{
    FieldLine, FieldSink, HeadLimits, HeadScan, RequestLeniency, ResponseLeniency, Status, parse_request,
    parse_response, scan_request, scan_response,
};

const REQ_SHORT: &[u8] = b"GET / HTTP/1.0\r\n\
Host: example.com\r\n\
Cookie: session=60; user_id=1\r\n\r\n";

const REQ: &[u8] = b"\
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

const RESP: &[u8] = b"\
HTTP/1.1 200 OK\r\n\
Date: Wed, 21 Oct 2015 07:28:00 GMT\r\n\
Host: www.kittyhell.com\r\n\
User-Agent: Mozilla/5.0 (Macintosh; U; Intel Mac OS X 10.6; ja-JP-mac; rv:1.9.2.3) Gecko/20100401 Firefox/3.6.3 Pathtraq/0.9\r\n\
Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\n\
Accept-Language: ja,en-us;q=0.7,en;q=0.3\r\n\
Accept-Encoding: gzip,deflate\r\n\
Accept-Charset: Shift_JIS,utf-8;q=0.7,*;q=0.7\r\n\
Keep-Alive: 115\r\n\
Connection: keep-alive\r\n\
Cookie: wp_ozh_wsa_visits=2; wp_ozh_wsa_visit_lasttime=xxxxxxxxxx; __utma=xxxxxxxxx.xxxxxxxxxx.xxxxxxxxxx.xxxxxxxxxx.xxxxxxxxxx.x; __utmz=xxxxxxxxx.xxxxxxxxxx.x.x.utmccn=(referral)|utmcsr=reader.livedoor.com|utmcct=/reader/|utmcmd=referral|padding=under256\r\n\r\n";

/// What a connection keeps of a field line: 12 bytes.
#[derive(Clone, Copy, Default)]
struct Entry {
    name: (u32, u16),
    value: (u32, u16),
}

#[derive(Default)]
struct Index(Vec<Entry>);

impl Index {
    /// Whether the last line is this one.
    fn ends_with(&self, input: &[u8], name: &[u8], value: &[u8]) -> bool {
        let part = |(start, len): (u32, u16)| input.get(start as usize..start as usize + usize::from(len));
        self.0.last().is_some_and(|last| part(last.name) == Some(name) && part(last.value) == Some(value))
    }
}

impl FieldSink for Index {
    #[inline]
    fn field(&mut self, name: Range<usize>, value: Range<usize>) -> bool {
        let entry = Entry {
            name: (name.start as u32, name.len() as u16),
            value: (value.start as u32, value.len() as u16),
        };
        self.0.push(entry);
        self.0.len() <= 100
    }
}

fn requests(c: &mut Criterion, name: &str, input: &[u8]) {
    let mut group = c.benchmark_group(name);
    group.throughput(Throughput::Bytes(input.len() as u64));
    group.bench_function("httparse", |b| {
        b.iter(|| {
            let mut fields = [httparse::EMPTY_HEADER; 16];
            let mut head = httparse::Request::new(&mut fields);
            let status = head.parse(black_box(input));
            assert_eq!(status, Ok(httparse::Status::Complete(input.len())));
            black_box(&head);
        });
    });
    group.bench_function("httparse uninit", |b| {
        b.iter(|| {
            let mut fields = [const { MaybeUninit::uninit() }; 16];
            let mut head = httparse::Request::new(&mut []);
            let status = head.parse_with_uninit_headers(black_box(input), &mut fields);
            assert_eq!(status, Ok(httparse::Status::Complete(input.len())));
            black_box(&head);
        });
    });
    group.bench_function("wirelace slice", |b| {
        b.iter(|| {
            let mut fields = [FieldLine::default(); 16];
            let status = parse_request(black_box(input), &mut fields, RequestLeniency::STRICT);
            let Ok(Status::Complete(head)) = status else { unreachable!("a valid request") };
            assert_eq!(head.len, input.len());
            black_box(&head);
        });
    });
    group.bench_function("wirelace index", |b| {
        let mut index = Index(Vec::with_capacity(16));
        let mut scan = HeadScan::new();
        let limits = HeadLimits::default();
        b.iter(|| {
            index.0.clear();
            let status =
                scan_request(black_box(input), &mut scan, &limits, RequestLeniency::STRICT, &mut index);
            let Ok(Status::Complete(head)) = status else { unreachable!("a valid request") };
            assert_eq!(head.len, input.len());
            black_box((&head, &index.0));
        });
        let line = input.rsplit(|&byte| byte == b'\n').nth(2).unwrap_or_default();
        let value = line.strip_prefix(b"Cookie: ").and_then(|value| value.strip_suffix(b"\r"));
        assert!(index.ends_with(input, b"Cookie", value.unwrap_or_default()));
    });
    group.finish();
}

fn responses(c: &mut Criterion, name: &str, input: &[u8]) {
    let mut group = c.benchmark_group(name);
    group.throughput(Throughput::Bytes(input.len() as u64));
    group.bench_function("httparse", |b| {
        b.iter(|| {
            let mut fields = [httparse::EMPTY_HEADER; 16];
            let mut head = httparse::Response::new(&mut fields);
            let status = head.parse(black_box(input));
            assert_eq!(status, Ok(httparse::Status::Complete(input.len())));
            black_box(&head);
        });
    });
    group.bench_function("httparse uninit", |b| {
        b.iter(|| {
            let mut fields = [const { MaybeUninit::uninit() }; 16];
            let mut head = httparse::Response::new(&mut []);
            let status = httparse::ParserConfig::default().parse_response_with_uninit_headers(
                &mut head,
                black_box(input),
                &mut fields,
            );
            assert_eq!(status, Ok(httparse::Status::Complete(input.len())));
            black_box(&head);
        });
    });
    group.bench_function("wirelace slice", |b| {
        b.iter(|| {
            let mut fields = [FieldLine::default(); 16];
            let status = parse_response(black_box(input), &mut fields, ResponseLeniency::STRICT);
            let Ok(Status::Complete(head)) = status else { unreachable!("a valid response") };
            assert_eq!(head.len, input.len());
            black_box(&head);
        });
    });
    group.bench_function("wirelace index", |b| {
        let mut index = Index(Vec::with_capacity(16));
        let mut scan = HeadScan::new();
        let limits = HeadLimits::default();
        b.iter(|| {
            index.0.clear();
            let status =
                scan_response(black_box(input), &mut scan, &limits, ResponseLeniency::STRICT, &mut index);
            let Ok(Status::Complete(head)) = status else { unreachable!("a valid response") };
            assert_eq!(head.len, input.len());
            black_box((&head, &index.0));
        });
        let line = input.rsplit(|&byte| byte == b'\n').nth(2).unwrap_or_default();
        let value = line.strip_prefix(b"Cookie: ").and_then(|value| value.strip_suffix(b"\r"));
        assert!(index.ends_with(input, b"Cookie", value.unwrap_or_default()));
    });
    group.finish();
}

fn heads(c: &mut Criterion) {
    requests(c, "request, 68 bytes", REQ_SHORT);
    requests(c, "request, 720 bytes", REQ);
    responses(c, "response, 699 bytes", RESP);
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .warm_up_time(std::time::Duration::from_millis(500))
        .measurement_time(std::time::Duration::from_secs(2));
    targets = heads
}
criterion_main!(benches);
