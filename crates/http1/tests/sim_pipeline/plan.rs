//! What both sides are going to do, made up from a seed.

use std::time::Duration;

use bytes::Bytes;
use http::{Method, StatusCode, Version};
use wirelace_http_semantics::{FieldId, Fields, RequestHead, ResponseHead};
use wirelace_http1::{Limits, Timeouts};
use wirelace_sim::{Cut, Delivery, PairSettings, Rng, StreamSettings};

/// A body, and how it is framed.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Body {
    None,
    /// With Content-Length.
    Length(Bytes),
    /// Chunked, with trailers.
    Chunked(Bytes, Vec<(String, String)>),
}

/// One request and its response.
#[derive(Debug, Clone)]
pub(crate) struct Exchange {
    pub(crate) method: Method,
    pub(crate) http10: bool,
    /// Connection: close (HTTP/1.0: no keep-alive).
    pub(crate) client_closes: bool,
    pub(crate) expect: bool,
    pub(crate) request_fields: Vec<(String, String)>,
    pub(crate) request_body: Body,
    /// The client waits so long before it sends this request.
    pub(crate) pause: Duration,

    pub(crate) status: StatusCode,
    /// 103 responses before the final one.
    pub(crate) hints: usize,
    pub(crate) response_fields: Vec<(String, String)>,
    pub(crate) response_body: Body,
    pub(crate) server_closes: bool,
    /// The handler answers without waiting for the request's body, and does not want it.
    pub(crate) early: bool,
    /// The handler thinks so long.
    pub(crate) thinking: Duration,
}

/// One run.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    pub(crate) exchanges: Vec<Exchange>,
    pub(crate) client_limits: Limits,
    pub(crate) server_limits: Limits,
    pub(crate) settings: PairSettings,
    /// Sends at most so many bytes of a body at once.
    pub(crate) piece: usize,
}

impl Plan {
    pub(crate) fn new(seed: u64, keep_steps: usize) -> Plan {
        let mut rng = Rng::new(seed);
        let exchanges: Vec<_> = (0..rng.within(1..=12)).map(|index| exchange(&mut rng, index)).collect();
        let mut settings = PairSettings { keep_steps, max_steps: 10_000_000, ..PairSettings::default() };
        settings.to_server = link(&mut rng);
        settings.to_client = link(&mut rng);
        settings.server_output_first = rng.percent(50);
        // Cuts anywhere in what a run of this size may carry.
        let reach = *rng.pick(&[50, 1000, 20_000, 200_000]);
        let after = rng.below(reach) as u64;
        let cut = if rng.percent(50) { Cut::eof(after) } else { Cut::reset(after) };
        match rng.below(10) {
            0..=2 => settings.to_server.cut = Some(cut),
            3..=5 => settings.to_client.cut = Some(cut),
            _ => {}
        }
        Plan {
            client_limits: limits(&mut rng, 8),
            server_limits: Limits { half_close: rng.percent(50), ..limits(&mut rng, 4) },
            exchanges,
            settings,
            piece: 1 << rng.within(0..=14),
        }
    }

    pub(crate) fn is_cut(&self) -> bool {
        self.settings.to_server.cut.is_some() || self.settings.to_client.cut.is_some()
    }

    /// Whether a link may reset the connection.
    pub(crate) fn resets(&self) -> bool {
        let resets = |cut: Option<Cut>| cut.is_some_and(|cut| cut.end == Delivery::Reset);
        resets(self.settings.to_server.cut) || resets(self.settings.to_client.cut)
    }

    /// The first exchange after which the connection need not stay open.
    pub(crate) fn closer(&self) -> usize {
        let closes = |exchange: &Exchange| {
            exchange.client_closes
                || exchange.server_closes
                || exchange.early
                || exchange.http10 && matches!(exchange.response_body, Body::Chunked(..))
        };
        self.exchanges.iter().position(closes).unwrap_or(usize::MAX)
    }
}

impl Exchange {
    pub(crate) fn request_head(&self, index: usize) -> RequestHead {
        let mut head = RequestHead::new(self.method.clone(), format!("/{index}?q")).expect("a target");
        let mut fields = Fields::new();
        fields.push(FieldId::HOST, "sim").expect("valid");
        for (name, value) in &self.request_fields {
            fields.push(name.as_str(), value).expect("valid");
        }
        if let Body::Length(body) = &self.request_body {
            fields.push(FieldId::CONTENT_LENGTH, body.len().to_string()).expect("valid");
        }
        if self.expect {
            fields.push(FieldId::EXPECT, "100-continue").expect("valid");
        }
        if self.http10 {
            head.version = Version::HTTP_10;
        }
        match (self.http10, self.client_closes) {
            (false, true) => fields.push(FieldId::CONNECTION, "close").expect("valid"),
            (true, false) => fields.push(FieldId::CONNECTION, "keep-alive").expect("valid"),
            _ => {}
        }
        head.fields = fields;
        head
    }

    pub(crate) fn response_head(&self, index: usize) -> ResponseHead {
        let mut head = ResponseHead::new(self.status);
        head.fields.push("x-index", index.to_string()).expect("valid");
        for (name, value) in &self.response_fields {
            head.fields.push(name.as_str(), value).expect("valid");
        }
        if let Body::Length(body) = &self.response_body {
            head.fields.push(FieldId::CONTENT_LENGTH, body.len().to_string()).expect("valid");
        }
        if self.server_closes {
            head.fields.push(FieldId::CONNECTION, "close").expect("valid");
        }
        head
    }

    /// Whether the response has a body on the wire.
    pub(crate) fn has_response_body(&self) -> bool {
        self.method != Method::HEAD
            && !matches!(self.status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED)
    }
}

impl Body {
    pub(crate) fn bytes(&self) -> &[u8] {
        match self {
            Body::None => &[],
            Body::Length(bytes) | Body::Chunked(bytes, _) => bytes,
        }
    }

    pub(crate) fn trailers(&self) -> &[(String, String)] {
        match self {
            Body::Chunked(_, trailers) => trailers,
            _ => &[],
        }
    }
}

pub(crate) fn fields_of(lines: &[(String, String)]) -> Fields {
    let mut fields = Fields::new();
    for (name, value) in lines {
        fields.push(name.as_str(), value).expect("valid");
    }
    fields
}

fn exchange(rng: &mut Rng, index: usize) -> Exchange {
    let methods = ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "X-OWN!"];
    let statuses = [200, 200, 201, 204, 304, 404, 500, 599];
    let method = Method::from_bytes(methods[rng.below(methods.len())].as_bytes()).expect("a method");
    let http10 = rng.percent(10);
    let request_body = match body(rng, "request") {
        // HTTP/1.0 has no chunked coding.
        Body::Chunked(bytes, _) if http10 => Body::Length(bytes),
        body => body,
    };
    let has_body = request_body != Body::None;
    Exchange {
        method,
        http10,
        client_closes: rng.percent(3),
        expect: has_body && !http10 && rng.percent(30),
        request_fields: lines(rng, "x-request", index),
        request_body,
        pause: pause(rng, 200),
        status: StatusCode::from_u16(statuses[rng.below(statuses.len())]).expect("a status"),
        hints: if rng.percent(20) { rng.within(1..=3) } else { 0 },
        response_fields: lines(rng, "x-response", index),
        response_body: body(rng, "response"),
        server_closes: rng.percent(3),
        early: has_body && rng.percent(5),
        thinking: pause(rng, 500),
    }
}

fn pause(rng: &mut Rng, most: u64) -> Duration {
    if rng.percent(50) {
        Duration::ZERO
    } else {
        rng.duration(&(Duration::ZERO..=Duration::from_millis(most)))
    }
}

fn lines(rng: &mut Rng, prefix: &str, index: usize) -> Vec<(String, String)> {
    let count = if rng.percent(10) { rng.below(60) } else { rng.below(4) };
    let line = |number| {
        let len = if rng.percent(5) { rng.below(2000) } else { rng.below(30) };
        let value: String = (0..len).map(|_| char::from(b'!' + rng.below(94) as u8)).collect();
        (format!("{prefix}-{index}-{number}"), value)
    };
    (0..count).map(line).collect()
}

fn body(rng: &mut Rng, prefix: &str) -> Body {
    let len = match rng.below(10) {
        0 => 0,
        1..=6 => rng.below(100),
        7 | 8 => rng.below(3000),
        _ => rng.below(40_000),
    };
    // Bodies that look like protocol find framing mistakes.
    let bytes: Bytes = match rng.below(3) {
        0 => {
            b"0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n".iter().cycle().take(len).copied().collect()
        }
        1 => b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n".iter().cycle().take(len).copied().collect(),
        _ => rng.bytes(len).into(),
    };
    match rng.below(5) {
        0 | 1 => Body::None,
        2 | 3 => Body::Length(bytes),
        _ if rng.percent(50) => Body::Chunked(bytes, Vec::new()),
        _ => {
            let trailers =
                (0..rng.within(1..=4)).map(|at| (format!("x-{prefix}-trailer-{at}"), at.to_string()));
            Body::Chunked(bytes, trailers.collect())
        }
    }
}

fn link(rng: &mut Rng) -> StreamSettings {
    StreamSettings {
        max_segment: 1 << rng.within(0..=14),
        single_bytes: [0, 5, 100][rng.below(3)],
        partial_writes: [0, 25, 100][rng.below(3)],
        coalesced_reads: [0, 50, 100][rng.below(3)],
        delay: Duration::ZERO..=Duration::from_millis([0, 1, 20][rng.below(3)]),
        rate: rng.percent(20).then(|| 20_000 << rng.below(8)),
        window: 256 << rng.within(0..=10),
        cut: None,
    }
}

fn limits(rng: &mut Rng, in_flight: usize) -> Limits {
    Limits {
        window: 1 << rng.within(0..=17),
        output: 1 << rng.within(0..=17),
        in_flight: rng.within(1..=in_flight),
        read_ahead: 1 << rng.within(0..=14),
        drain: 1 << rng.within(0..=17),
        timeouts: Timeouts::default(),
        ..Limits::default()
    }
}
