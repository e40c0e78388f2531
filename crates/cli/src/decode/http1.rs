//! `decode http1`: requests and responses of HTTP/1.0 and 1.1, one after the other.

use std::collections::VecDeque;
use std::io::{self, Write};
use std::ops::Range;

use wirelace::http1::head::{
    HeadError, HeadLimits, HeadScan, RequestIndex, RequestLeniency, ResponseIndex, ResponseLeniency, Status,
    scan_request, scan_response,
};
use wirelace::semantics::FieldId;
use wirelace::semantics::framing::{BodyLength, Framing};
use wirelace::semantics::target::{TargetForm, is_authority};

use super::chunked;
use super::sections;
use super::tree::{Plain, Quoted, Tree};
use super::wrong::{Stop, wrong};

type FieldRanges = Vec<(Range<usize>, Range<usize>)>;

/// What is known while messages follow each other.
struct Decoder<'a, W> {
    input: &'a [u8],
    at: usize,
    tree: &'a mut Tree<W>,
    /// Methods of requests that have had no final response: HEAD and CONNECT change how one is read.
    unanswered: VecDeque<Vec<u8>>,
    messages: usize,
}

/// A message whose head is read.
struct Message {
    length: BodyLength,
    /// What follows it is no HTTP any more.
    switches: bool,
}

/// Writes the tree of all messages in `input`.
pub(super) fn decode(input: &[u8], tree: &mut Tree<impl Write>) -> Result<(), Stop> {
    let mut decoder = Decoder { input, at: 0, tree, unanswered: VecDeque::new(), messages: 0 };
    while decoder.at < input.len() {
        decoder.message()?;
    }
    Ok(())
}

impl<W: Write> Decoder<'_, W> {
    fn message(&mut self) -> Result<(), Stop> {
        self.messages += 1;
        // A method is a token and has no slash: the first bytes tell.
        let message = if self.rest().starts_with(b"HTTP/") { self.response()? } else { self.request()? };
        self.body(message.length)?;
        self.tree.close();
        // After CONNECT only an answer shows that it stays HTTP.
        if message.switches && self.at < self.input.len() && !self.rest().starts_with(b"HTTP/") {
            let rest = self.input.get(self.at..).unwrap_or_default();
            let text = format_args!("tunnel, {} bytes: {}", rest.len(), Quoted(rest));
            self.tree.line(self.at, "RFC 9110 §9.3.6", text)?;
            self.at = self.input.len();
        }
        Ok(())
    }

    fn rest(&self) -> &[u8] {
        self.input.get(self.at..).unwrap_or_default()
    }

    fn request(&mut self) -> Result<Message, Stop> {
        let rest = self.input.get(self.at..).unwrap_or_default();
        let scan = |bytes: &[u8], fields: &mut Collected| {
            scan_request(bytes, &mut HeadScan::new(), &HeadLimits::NONE, RequestLeniency::STRICT, fields)
        };
        let mut fields = Collected::default();
        let found = scan(rest, &mut fields);
        let complete = matches!(found, Ok(Status::Complete(_)));
        // Of a broken head, show what stands before the break.
        let shown = if complete { found.clone() } else { scan(&first_line(rest), &mut Collected::default()) };
        self.tree.open(self.at, "RFC 9112 §2.1", format_args!("message {}: request", self.messages))?;
        let mut form = Ok(TargetForm::Origin);
        if let Ok(Status::Complete(index)) = &shown {
            form = self.request_line(rest, index)?;
        }
        let index = match (self.finish_head(found, rest.len(), &fields)?, form) {
            (index, Ok(_)) => index,
            (index, Err(error)) => return Err(wrong(self.at + index.target.start, error)),
        };
        let http10 = index.version == wirelace::http1::head::Version::Http10;
        let framing = self.fields(rest, &fields.0)?;
        self.check_host(rest, &fields.0, http10)?;
        let length =
            framing.of_request(http10).map_err(|error| self.framing_error(rest, &fields.0, error))?;
        let method = rest.get(index.method).unwrap_or_default();
        let switches = method == b"CONNECT";
        self.unanswered.push_back(method.to_vec());
        self.end_of_head(index.len)?;
        Ok(Message { length, switches })
    }

    fn request_line(
        &mut self,
        rest: &[u8],
        index: &RequestIndex,
    ) -> Result<Result<TargetForm, wirelace::semantics::target::TargetError>, Stop> {
        let start = index.method.start;
        if start > 0 {
            self.tree.line(self.at, "RFC 9112 §2.2", format_args!("empty lines, {} skipped", start / 2))?;
        }
        let method = rest.get(index.method.clone()).unwrap_or_default();
        let target = rest.get(index.target.clone()).unwrap_or_default();
        self.tree.line(
            self.at + start,
            sections::of_method(method),
            format_args!("method: {}", Plain(method)),
        )?;
        let form = TargetForm::of(String::from_utf8_lossy(method).as_ref(), target);
        let (section, name) = match form {
            Ok(TargetForm::Origin) => ("RFC 9112 §3.2.1", "origin form"),
            Ok(TargetForm::Absolute) => ("RFC 9112 §3.2.2", "absolute form"),
            Ok(TargetForm::Authority) => ("RFC 9112 §3.2.3", "authority form"),
            Ok(TargetForm::Asterisk) => ("RFC 9112 §3.2.4", "asterisk form"),
            Err(_) => ("RFC 9112 §3.2", "no form"),
        };
        self.tree.line(
            self.at + index.target.start,
            section,
            format_args!("target: {} ({name})", Plain(target)),
        )?;
        let version = String::from_utf8_lossy(index.version.as_bytes());
        self.tree.line(
            self.at + index.target.end + 1,
            "RFC 9112 §2.3",
            format_args!("version: {version}"),
        )?;
        Ok(form)
    }

    fn response(&mut self) -> Result<Message, Stop> {
        let rest = self.input.get(self.at..).unwrap_or_default();
        let scan = |bytes: &[u8], fields: &mut Collected| {
            scan_response(bytes, &mut HeadScan::new(), &HeadLimits::NONE, ResponseLeniency::STRICT, fields)
        };
        let mut fields = Collected::default();
        let found = scan(rest, &mut fields);
        let complete = matches!(found, Ok(Status::Complete(_)));
        let shown = if complete { found.clone() } else { scan(&first_line(rest), &mut Collected::default()) };
        self.tree.open(self.at, "RFC 9112 §2.1", format_args!("message {}: response", self.messages))?;
        if let Ok(Status::Complete(index)) = &shown {
            self.status_line(rest, index)?;
        }
        let index = self.finish_head(found, rest.len(), &fields)?;
        let framing = self.fields(rest, &fields.0)?;
        let http10 = index.version == wirelace::http1::head::Version::Http10;
        // Interim responses leave the request unanswered; 101 is final (RFC 9110 §15.2).
        let interim = (100..200).contains(&index.status) && index.status != 101;
        let method = if interim { None } else { self.unanswered.pop_front() }.unwrap_or_default();
        let (head, connect) = (method == b"HEAD", method == b"CONNECT");
        let length = framing
            .of_response(http10, index.status, head, connect)
            .map_err(|error| self.framing_error(rest, &fields.0, error))?;
        let switches = index.status == 101 || (connect && (200..300).contains(&index.status));
        self.end_of_head(index.len)?;
        if head {
            self.tree.line(self.at, "RFC 9110 §9.3.2", "answers HEAD: no body whatever the fields say")?;
        }
        Ok(Message { length, switches })
    }

    fn status_line(&mut self, rest: &[u8], index: &ResponseIndex) -> io::Result<()> {
        let version = String::from_utf8_lossy(index.version.as_bytes());
        self.tree.line(self.at, "RFC 9112 §2.3", format_args!("version: {version}"))?;
        // `HTTP/x.y` and one space before it.
        let status = index.status;
        self.tree.line(self.at + 9, sections::of_status(status), format_args!("status: {status}"))?;
        let reason = rest.get(index.reason.clone()).unwrap_or_default();
        self.tree.line(
            self.at + index.reason.start,
            "RFC 9112 §4",
            format_args!("reason: {}", Quoted(reason)),
        )
    }

    /// The index of a complete head; otherwise what is wrong, after the fields that stand before it.
    fn finish_head<I>(
        &mut self,
        found: Result<Status<I>, HeadError>,
        seen: usize,
        fields: &Collected,
    ) -> Result<I, Stop> {
        let stop = match found {
            Ok(Status::Complete(index)) => return Ok(index),
            Ok(Status::Partial) => wrong(self.at + seen, "the input ends within the head (RFC 9112 §2.1)"),
            Err(error) => {
                let rule = format_args!("{} ({})", error.kind, sections::of_rule(error.kind));
                wrong(self.at + error.offset, rule)
            }
        };
        let rest = self.input.get(self.at..).unwrap_or_default();
        // The fields' own errors stand before the break.
        self.fields(rest, &fields.0)?;
        Err(stop)
    }

    fn fields(&mut self, rest: &[u8], fields: &FieldRanges) -> Result<Framing, Stop> {
        let mut framing = Framing::default();
        for (name, value) in fields {
            let offset = self.at + name.start;
            let value_offset = self.at + value.start;
            let name = rest.get(name.clone()).unwrap_or_default();
            let value = rest.get(value.clone()).unwrap_or_default();
            self.tree.line(
                offset,
                sections::of_field(name),
                format_args!("{}: {}", Plain(name), Plain(value)),
            )?;
            framing.observe(FieldId::of(name), value).map_err(|error| wrong(value_offset, error))?;
        }
        Ok(framing)
    }

    fn framing_error(
        &self,
        rest: &[u8],
        fields: &FieldRanges,
        error: wirelace::semantics::framing::FramingError,
    ) -> Stop {
        let encoding = |(name, _): &&(Range<usize>, Range<usize>)| {
            FieldId::of(rest.get(name.clone()).unwrap_or_default()) == FieldId::TRANSFER_ENCODING
        };
        let offset = fields.iter().find(encoding).map_or(0, |(_, value)| value.start);
        wrong(self.at + offset, error)
    }

    /// RFC 9112 §3.2: exactly one Host in HTTP/1.1, at most one in HTTP/1.0.
    fn check_host(&self, rest: &[u8], fields: &FieldRanges, http10: bool) -> Result<(), Stop> {
        let mut hosts = fields
            .iter()
            .filter(|(name, _)| FieldId::of(rest.get(name.clone()).unwrap_or_default()) == FieldId::HOST);
        match (hosts.next(), hosts.next()) {
            (None, _) if http10 => Ok(()),
            (None, _) => Err(wrong(self.at, "HTTP/1.1 request without Host (RFC 9112 §3.2)")),
            (Some(_), Some((name, _))) => Err(wrong(self.at + name.start, "a second Host (RFC 9112 §3.2)")),
            (Some((_, value)), None) if is_authority(rest.get(value.clone()).unwrap_or_default()) => Ok(()),
            (Some((_, value)), None) => {
                Err(wrong(self.at + value.start, "Host is not `host[:port]` (RFC 9110 §7.2)"))
            }
        }
    }

    fn end_of_head(&mut self, length: usize) -> io::Result<()> {
        self.at += length;
        self.tree.line(self.at - 2, "RFC 9112 §2.1", "end of the head")
    }

    fn body(&mut self, length: BodyLength) -> Result<(), Stop> {
        match length {
            BodyLength::Known(0) => Ok(()),
            BodyLength::Known(length) => {
                let rest = self.rest();
                let Some(body) = usize::try_from(length).ok().and_then(|length| rest.get(..length)) else {
                    let missing = length - rest.len() as u64;
                    let rule = format!(
                        "the input ends within the body, {missing} bytes before its end (RFC 9112 §6.3)"
                    );
                    return Err(wrong(self.input.len(), rule));
                };
                self.plain_body("RFC 9112 §6.2", body.len())
            }
            BodyLength::UntilClose => self.plain_body("RFC 9112 §6.3", self.rest().len()),
            BodyLength::Chunked => {
                self.tree.open(self.at, "RFC 9112 §7.1", "chunked body")?;
                self.at = chunked::decode(self.input, self.at, self.tree)?;
                self.tree.close();
                Ok(())
            }
        }
    }

    fn plain_body(&mut self, section: &str, length: usize) -> Result<(), Stop> {
        let body = self.input.get(self.at..self.at + length).unwrap_or_default();
        let close = if section.ends_with("6.3") { " up to the connection's end" } else { "" };
        self.tree.line(self.at, section, format_args!("body, {length} bytes{close}: {}", Quoted(body)))?;
        self.at += length;
        Ok(())
    }
}

#[derive(Default)]
struct Collected(FieldRanges);

impl wirelace::http1::head::FieldSink for Collected {
    fn field(&mut self, name: Range<usize>, value: Range<usize>) -> bool {
        self.0.push((name, value));
        true
    }
}

/// A head of the first line alone.
fn first_line(input: &[u8]) -> Vec<u8> {
    let blank = input.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
    let rest = input.get(blank..).unwrap_or_default();
    let end = rest.windows(2).position(|pair| pair == b"\r\n").map_or(input.len(), |end| blank + end + 2);
    let mut line = input.get(..end).unwrap_or_default().to_vec();
    line.extend_from_slice(b"\r\n");
    line
}
