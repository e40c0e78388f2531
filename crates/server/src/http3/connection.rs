//! What stands above one QUIC connection: HTTP/3, and the exchanges of a server on top of it.

use std::sync::Arc;
use std::task::Context;
use std::time::Instant;

use wirelace_http3::{Connection, Error, Limits, quic};
use wirelace_runtime::quic::Application;
use wirelace_runtime::{Application as _, Outcome, Step};
use wirelace_wire::Output;

use super::handshakes::Handshake;
use super::machine::Http3;
use crate::app::App;
use crate::call::Call;
use crate::early::EarlyRequests;
use crate::info::ConnectionInfo;
use crate::link::Link;
use crate::respond::Additions;
use crate::secured::Secured;
use crate::trace;

/// A connection that was accepted; there are no requests before its handshake is complete.
pub(crate) struct Http3Connection<C: Call> {
    http: Connection,
    state: State<C>,
    output: Output,
    info: ConnectionInfo,
    additions: Arc<Additions>,
    early: EarlyRequests,
}

enum State<C: Call> {
    Handshaking(C, #[allow(dead_code, reason = "it counts until it is dropped")] Handshake),
    Serving(Box<App<C>>),
    Over,
}

// Nothing in it is pinned in place.
impl<C: Call> Unpin for Http3Connection<C> {}

impl<C: Call> Http3Connection<C> {
    pub(crate) fn new(
        call: C,
        handshake: Handshake,
        limits: Arc<Limits>,
        info: ConnectionInfo,
        additions: Arc<Additions>,
        early: EarlyRequests,
    ) -> Http3Connection<C> {
        trace::opened(&info);
        let http = Connection::server(limits, wirelace_runtime::quic::now());
        Http3Connection {
            http,
            state: State::Handshaking(call, handshake),
            output: Output::new(1),
            info,
            additions,
            early,
        }
    }

    fn end(&mut self, outcome: Outcome<Error>) {
        match std::mem::replace(&mut self.state, State::Over) {
            State::Serving(mut app) => {
                <App<C> as wirelace_runtime::Application<Http3<'_>>>::on_close(&mut app, outcome)
            }
            State::Handshaking(..) => trace::closed(&self.info, &outcome),
            State::Over => {}
        }
    }
}

impl<C: Call> Application for Http3Connection<C> {
    fn on_event(&mut self, _: &mut Context<'_>, quic: &mut quic::Connection, event: quic::Event, _: Instant) {
        if let quic::Event::Complete(report) = event {
            if let State::Handshaking(call, _) = std::mem::replace(&mut self.state, State::Over) {
                self.info.peer = quic.remote();
                let link = Arc::new(Link::new(self.info, Secured::new(*report, None)));
                self.state =
                    State::Serving(Box::new(App::new(call, link, Arc::clone(&self.additions), self.early)));
            }
            return;
        }
        // What is not for HTTP/3 is for nobody here.
        drop(self.http.on_quic_event(quic, event));
    }

    fn poll(&mut self, cx: &mut Context<'_>, quic: &mut quic::Connection, now: Instant) -> Step {
        let State::Serving(app) = &mut self.state else { return Step::Wait };
        loop {
            match self.http.poll_event(now, quic) {
                Ok(Some(event)) => {
                    let machine = &mut Http3 { http: &mut self.http, quic, output: &mut self.output };
                    app.on_event(cx, machine, event, now);
                }
                Ok(None) => break,
                Err(error) => {
                    self.end(Outcome::Protocol(error));
                    return Step::Wait;
                }
            }
        }
        let machine = &mut Http3 { http: &mut self.http, quic, output: &mut self.output };
        let step = app.poll(cx, machine, now);
        if self.http.is_finished() {
            self.end(Outcome::Finished);
        }
        step
    }

    fn woken(&mut self) {
        if let State::Serving(app) = &mut self.state {
            <App<C> as wirelace_runtime::Application<Http3<'_>>>::woken(app);
        }
    }

    fn deadline(&self) -> Option<Instant> {
        if matches!(self.state, State::Serving(_)) { self.http.deadline() } else { None }
    }

    fn on_deadline(&mut self, quic: &mut quic::Connection, now: Instant) {
        self.http.on_deadline(now, quic);
    }

    fn shut_down(&mut self, quic: &mut quic::Connection, now: Instant) {
        match &self.state {
            State::Serving(_) => self.http.shut_down(),
            _ => quic.close(now, wirelace_http3::ErrorCode::H3_NO_ERROR.0, b""),
        }
    }

    fn on_close(&mut self, reason: Option<&quic::CloseReason>) {
        self.end(match reason {
            None => Outcome::Aborted,
            Some(quic::CloseReason::Local) => Outcome::Finished,
            Some(quic::CloseReason::Transport(_) | quic::CloseReason::Crypto(_)) => {
                Outcome::Io(std::io::Error::other(reason.map_or_else(String::new, ToString::to_string)))
            }
            Some(_) => Outcome::PeerClosed,
        });
    }
}
