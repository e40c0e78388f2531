//! What the system tells a server: to end, or to read its certificates again.

use std::io;
#[cfg(unix)]
use std::io::IsTerminal as _;

/// What asks the process to end (SIGTERM, SIGINT), and what asks it to read its files again (SIGHUP).
pub(crate) struct Signals {
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
    #[cfg(unix)]
    hangup: Option<Hangup>,
}

#[cfg(unix)]
struct Hangup {
    signal: tokio::signal::unix::Signal,
    /// Terminals among stdin, stdout and stderr.
    terminals: usize,
}

#[cfg(unix)]
fn terminals() -> usize {
    let all = [io::stdin().is_terminal(), io::stdout().is_terminal(), io::stderr().is_terminal()];
    all.into_iter().filter(|is_terminal| *is_terminal).count()
}

impl Signals {
    /// To end alone; SIGHUP does what it always does.
    pub(crate) fn listen() -> io::Result<Signals> {
        #[cfg(unix)]
        {
            use tokio::signal::unix::{SignalKind, signal};
            Ok(Signals {
                terminate: signal(SignalKind::terminate())?,
                interrupt: signal(SignalKind::interrupt())?,
                hangup: None,
            })
        }
        #[cfg(not(unix))]
        Ok(Signals {})
    }

    /// SIGHUP, too.
    pub(crate) fn and_hangup(self) -> io::Result<Signals> {
        #[cfg(unix)]
        {
            use tokio::signal::unix::{SignalKind, signal};
            let hangup = Hangup { signal: signal(SignalKind::hangup())?, terminals: terminals() };
            Ok(Signals { hangup: Some(hangup), ..self })
        }
        #[cfg(not(unix))]
        Ok(self)
    }

    /// Until the process is to end.
    pub(crate) async fn wait(self) {
        self.wait_with(|| {}).await;
    }

    /// The same; `read_again` is called whenever files are to be read again.
    #[cfg(unix)]
    pub(crate) async fn wait_with(mut self, mut read_again: impl FnMut()) {
        loop {
            let hangup = async {
                match &mut self.hangup {
                    Some(hangup) => {
                        hangup.signal.recv().await;
                        hangup.terminals
                    }
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                _ = self.terminate.recv() => return,
                _ = self.interrupt.recv() => return,
                before = hangup => {
                    // The same signal says that the terminal was closed: nobody could end the process from there.
                    if terminals() < before {
                        return;
                    }
                    read_again();
                }
            }
        }
    }

    #[cfg(not(unix))]
    pub(crate) async fn wait_with(self, _: impl FnMut()) {
        // Without a way to be told, it runs until it is killed.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
