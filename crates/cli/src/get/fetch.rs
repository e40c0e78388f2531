//! One URL: the request, perhaps more than once, and where the response goes.

use std::io;
use std::time::{Duration, Instant};

use http::{HeaderMap, Response, StatusCode, Version};
use http_body_util::BodyExt;
use wirelace::client::{Body, Error};
use wirelace::semantics::{FieldId, Fields, ResponseHead};

use super::hsts::Hsts;
use super::line::Place;
use super::output::Output;
use super::pool::{Checkout, Pool, Wish};
use super::template::Template;
use super::trouble::{Trouble, is_cut, may_pass};
use super::unpack::Unpacker;
use super::url::Url;
use super::{json, show};
use crate::failure::Failure;
use crate::voice::Voice;

/// How often a request that an HTTP/2 server has refused is sent again at once.
const REFUSALS: u32 = 3;
/// How many connections a request may see closing while it waits to be sent.
const DEPARTURES: u32 = 100;

/// What is the same for all requests.
pub(super) struct Fetcher {
    pub(super) template: Template,
    pub(super) options: Options,
    pub(super) output: Output,
    pub(super) pool: Pool,
    pub(super) hsts: Option<Hsts>,
    pub(super) voice: Voice,
}

#[derive(Debug)]
pub(super) struct Options {
    pub(super) include: bool,
    pub(super) json: bool,
    pub(super) retry: u32,
    pub(super) timeout: Option<Duration>,
    pub(super) compressed: bool,
}

/// What went before the response's end.
struct Attempt {
    checkout: Checkout,
    begun: Instant,
    response: Response<Body>,
    to_head: Duration,
    /// It went out before the TLS handshake was complete.
    early: bool,
}

impl Fetcher {
    /// Fetches it, over TLS where the host is known to want that; its response is written when all before `number`
    /// have been.
    pub(super) async fn fetch(&self, url: &Url, number: u64, place: Place) -> Result<(), Failure> {
        match self.hsts.as_ref().map_or(Ok(None), |hsts| hsts.upgrade(url)) {
            Ok(upgraded) => self.fetch_from(upgraded.as_ref().unwrap_or(url), number, place).await,
            Err(why) => {
                self.output.pass_on(number).await;
                Err(Failure::Usage(why))
            }
        }
    }

    async fn fetch_from(&self, url: &Url, number: u64, mut place: Place) -> Result<(), Failure> {
        let mut retries = 0;
        loop {
            let mut written = false;
            let result = self.attempt(url, number, retries, &mut place, &mut written).await;
            let Err(trouble) = result else {
                self.output.pass_on(number).await;
                return Ok(());
            };
            if retries < self.options.retry
                && !written
                && self.template.is_repeatable()
                && let Some(pause) = trouble.pause(retries)
            {
                retries += 1;
                let reason = trouble.reason();
                self.voice.detail(format_args!("* {reason}; trying again in {} ms", pause.as_millis()));
                tokio::time::sleep(pause).await;
                continue;
            }
            self.output.pass_on(number).await;
            return match trouble {
                // Whoever reads has seen enough.
                Trouble::Output(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                    self.output.abandon();
                    Ok(())
                }
                trouble => Err(trouble.failure(&url.text)),
            };
        }
    }

    async fn attempt(
        &self,
        url: &Url,
        number: u64,
        retries: u32,
        place: &mut Place,
        written: &mut bool,
    ) -> Result<(), Trouble> {
        let work = async {
            let attempt = self.exchange(url, place).await?;
            let status = attempt.response.status();
            if retries < self.options.retry && may_pass(status) && self.template.is_repeatable() {
                let wish = attempt.response.headers().get(http::header::RETRY_AFTER);
                let wish = wish.and_then(|wish| wish.to_str().ok()?.parse().ok()).map(Duration::from_secs);
                return Err(Trouble::Status(status, wish));
            }
            self.output.turn(number).await;
            self.take(url, attempt, retries, written).await
        };
        match self.options.timeout {
            None => work.await,
            Some(limit) => tokio::time::timeout(limit, work).await.unwrap_or(Err(Trouble::Timeout(limit))),
        }
    }

    /// Up to the head of the final response. A connection that was used before may turn out to be closed: then the
    /// request goes out once more on a new one. Early data may be too early for the server, or for its TLS: the same.
    async fn exchange(&self, url: &Url, place: &mut Place) -> Result<Attempt, Trouble> {
        let begun = Instant::now();
        let mut wish = Wish { fresh: false, once: self.template.closes(), apart: false, early: true };
        let (mut same, mut refusals, mut departures) = (None, 0, 0);
        loop {
            place.come_back();
            let mut head = self.template.head(url).map_err(|what| Trouble::Input(io::Error::other(what)))?;
            let body = self.template.body().map_err(Trouble::Input)?;
            let mut checkout = match same.take() {
                Some(checkout) => checkout,
                None => self.pool.get(&url.origin, wish).await.map_err(Trouble::Peer)?,
            };
            let Some(admission) = checkout.channel.admit(place).await else {
                wish.apart = true;
                continue;
            };
            let began_early = checkout.channel.is_early();
            let early = began_early && self.template.is_safe();
            if checkout.channel.is_shared() {
                head.version = Version::HTTP_2;
                head.fields.remove(FieldId::CONNECTION); // It has none (RFC 9113 §8.2.2).
            }
            show::request(self.voice, &head);
            let voice = self.voice;
            let on_interim = move |head: &ResponseHead| show::response(voice, head);
            match checkout.channel.send_native(head, body, admission, place, on_interim).await {
                Ok(response) => {
                    if began_early && let Some(handshake) = checkout.channel.handshake() {
                        show::handshake(self.voice, handshake);
                    }
                    if let Some(head) = response.extensions().get::<ResponseHead>() {
                        show::response(self.voice, head);
                        if let Some(hsts) = &self.hsts {
                            hsts.learn(url, &head.fields, checkout.channel.handshake());
                        }
                    }
                    // RFC 8470 §5.2.
                    if early && response.status() == StatusCode::TOO_EARLY && self.template.can_repeat() {
                        self.voice.detail("* too early; again, after the handshake");
                        response.into_body().collect().await.map_err(Trouble::Peer)?;
                        wish.early = false;
                        same = Some(checkout).filter(|checkout| checkout.channel.is_open());
                        continue;
                    }
                    return Ok(Attempt { checkout, begun, response, to_head: begun.elapsed(), early });
                }
                Err(error)
                    if began_early
                        && checkout.channel.handshake().is_none()
                        && self.template.can_repeat() =>
                {
                    // RFC 8446 Appendix D.3. What is wrong with the server itself is seen again.
                    self.voice.detail(format_args!("* {error}; without early data, on a new connection"));
                    (wish.fresh, wish.early) = (true, false);
                }
                // More at once than the server takes, which it could not say before.
                Err(error)
                    if error.is_retry_safe()
                        && checkout.channel.is_shared()
                        && (refusals < REFUSALS && departures < DEPARTURES)
                        && self.template.can_repeat() =>
                {
                    self.voice.detail(format_args!("* {error}; again"));
                    let counter =
                        if matches!(error, Error::GoingAway(_)) { &mut departures } else { &mut refusals };
                    *counter += 1;
                }
                Err(error) if checkout.connecting.is_none() && !wish.fresh && self.is_safe_again(&error) => {
                    self.voice.detail(format_args!("* {error}; on a new connection"));
                    wish.fresh = true;
                }
                Err(Error::RequestBody(error)) => return Err(Trouble::Input(io::Error::other(error))),
                Err(error) => return Err(Trouble::Peer(error)),
            }
        }
    }

    fn is_safe_again(&self, error: &Error) -> bool {
        match error {
            Error::Refused | Error::GoingAway(_) => self.template.can_repeat(),
            Error::Closed | Error::Io(_) => self.template.is_repeatable(),
            Error::Tls(error) => is_cut(error) && self.template.is_repeatable(),
            _ => false,
        }
    }

    /// Writes the response.
    async fn take(
        &self,
        url: &Url,
        attempt: Attempt,
        retries: u32,
        written: &mut bool,
    ) -> Result<(), Trouble> {
        let Attempt { checkout, begun, response, to_head, early } = attempt;
        let (parts, mut body) = response.into_parts();
        if self.options.include
            && !self.options.json
            && let Some(head) = parts.extensions.get::<ResponseHead>()
        {
            *written = true;
            self.output.write(&show::head_text(head)).map_err(Trouble::Output)?;
        }
        let mut unpacker = if self.options.compressed { unpacker(&parts.headers) } else { None };
        let mut bytes = 0u64;
        while let Some(frame) = body.frame().await {
            let frame = match frame.map_err(Trouble::Peer)?.into_data() {
                Ok(data) => data,
                Err(frame) => {
                    if let Some(Ok(trailers)) = frame.trailers_ref().map(Fields::from_header_map) {
                        show::fields(self.voice, "<", &trailers);
                    }
                    continue;
                }
            };
            *written = true;
            bytes += frame.len() as u64;
            match &mut unpacker {
                None => self.output.write(&frame).map_err(Trouble::Output)?,
                Some(unpacker) => self.unpacked(|sink| unpacker.push(&frame, sink))?,
            }
        }
        if bytes > 0
            && let Some(unpacker) = unpacker
        {
            self.unpacked(|sink| unpacker.finish(sink))?;
        }
        if self.options.json {
            let exchange = json::Exchange {
                url,
                parts: &parts,
                bytes,
                retries,
                handshake: checkout.channel.handshake(),
                early,
                connecting: checkout.connecting,
                head: to_head,
                total: begun.elapsed(),
            };
            self.output.print_line(&exchange.line()).map_err(Trouble::Output)?;
        }
        self.pool.put(&url.origin, checkout.channel);
        Ok(())
    }

    /// Tells apart whether the data or the place that it goes to is at fault.
    fn unpacked(
        &self,
        work: impl FnOnce(&mut dyn FnMut(&[u8]) -> io::Result<()>) -> io::Result<()>,
    ) -> Result<(), Trouble> {
        let mut broken = None;
        let result = work(&mut |data| {
            self.output.write(data).map_err(|error| {
                let kind = error.kind();
                broken = Some(error);
                kind.into()
            })
        });
        match (result, broken) {
            (_, Some(error)) => Err(Trouble::Output(error)),
            (Err(error), None) => Err(Trouble::Packed(error)),
            (Ok(()), None) => Ok(()),
        }
    }
}

fn unpacker(headers: &HeaderMap) -> Option<Unpacker> {
    let mut fields = Fields::new();
    for line in headers.get_all(http::header::CONTENT_ENCODING) {
        fields.push(FieldId::CONTENT_ENCODING, line.as_bytes()).ok()?;
    }
    Unpacker::new(fields.list(FieldId::CONTENT_ENCODING))
}
