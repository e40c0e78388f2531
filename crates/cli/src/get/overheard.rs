//! What an HTTP/2 server says without having been asked.

use http_body_util::BodyExt;
use tokio::task::JoinSet;
use wirelace::client::{Error, Handle, Notice, Push};

use crate::voice::Voice;

/// Reads what the server pushes, and says what it says about itself, until the connection ends.
pub(super) fn listen(handle: &Handle, voice: Voice, tasks: &mut JoinSet<()>) {
    if let Some(mut pushes) = handle.take_pushes() {
        tasks.spawn(async move {
            while let Some(push) = pushes.next().await {
                pushed(push, voice).await;
            }
        });
    }
    if voice.is_verbose()
        && let Some(mut notices) = handle.take_notices()
    {
        tasks.spawn(async move {
            while let Some(notice) = notices.next().await {
                say(&notice, voice);
            }
        });
    }
}

async fn pushed(push: Push, voice: Voice) {
    let Some(request) = push.to_request() else { return };
    let what = format!("{} {}", request.method(), request.uri());
    voice.detail(format_args!("* promised: {what}"));
    match read(push).await {
        Ok((status, bytes)) => voice.detail(format_args!("* pushed: {what}: {status}, {bytes} bytes")),
        Err(error) => voice.detail(format_args!("* pushed: {what}: {error}")),
    }
}

async fn read(push: Push) -> Result<(u16, u64), Error> {
    let (head, mut body) = push.into_response().native().await?;
    let mut bytes = 0;
    while let Some(frame) = body.frame().await {
        bytes += frame?.data_ref().map_or(0, |data| data.len() as u64);
    }
    Ok((head.status.as_u16(), bytes))
}

fn say(notice: &Notice, voice: Voice) {
    match notice {
        Notice::AltSvc { origin, value } => {
            let (origin, value) = (origin.escape_ascii(), value.escape_ascii());
            voice.detail(format_args!("* ALTSVC for {origin}: {value}"));
        }
        Notice::Origin(origins) => {
            for origin in origins {
                voice.detail(format_args!("* ORIGIN {}", origin.escape_ascii()));
            }
        }
        Notice::GoAway(reason) => voice.detail(format_args!("* GOAWAY: {reason:?}")),
        _ => {}
    }
}
