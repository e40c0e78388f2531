//! `wirelace serve`: the files of a directory.

mod answer;
mod body;
mod listing;
mod media;
mod path;
mod root;

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use http::StatusCode;
use wirelace::semantics::ResponseHead;
use wirelace::server::{Handler, Request, Response, ResponseBody, Server};

use crate::failure::Failure;
use crate::listen::ListenArgs;
use crate::voice::Voice;
use answer::{Answer, Content, answer};
use body::FileBody;
use root::Root;

/// Options of the file server.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ServeArgs {
    /// The directory; nothing outside it is served
    directory: PathBuf,
    #[command(flatten)]
    listen: ListenArgs,
}

const EXAMPLES: &str = "\
Files are served with ranges, ETag, Last-Modified and conditional requests; FILE.br or FILE.gz beside FILE goes \
to clients that accept it; a directory shows its index.html, or else a listing. Links that lead out of the \
directory are not found.

Examples:
  wirelace serve public
  wirelace serve . --plain 0.0.0.0:8000";

/// Runs the command.
pub(crate) fn run(args: &ServeArgs, voice: Voice) -> Result<(), Failure> {
    let root = Root::open(&args.directory)
        .map_err(|error| Failure::Usage(format!("{}: {error}", args.directory.display())))?;
    let files = Files { root: Arc::new(root), voice };
    args.listen.serve(Server::builder(files), voice, |_| {})
}

struct Files {
    root: Arc<Root>,
    voice: Voice,
}

impl Handler for Files {
    async fn handle(&self, request: Request) -> Response {
        let peer = self.voice.is_verbose().then(|| request.connection().peer);
        let root = Arc::clone(&self.root);
        let head = request.head;
        let done = tokio::task::spawn_blocking(move || {
            let answer = answer(&root, &head);
            (answer, head)
        });
        // The task panics or is cancelled only with the runtime.
        let Ok((answer, head)) = done.await else { return Response::new(StatusCode::INTERNAL_SERVER_ERROR) };
        if let Some(peer) = peer {
            let target = String::from_utf8_lossy(&head.target);
            self.voice.detail(format_args!("{peer} {} {target} {}", head.method, answer.status.as_u16()));
        }
        respond(answer)
    }
}

fn respond(answer: Answer) -> Response {
    let mut head = ResponseHead::new(answer.status);
    for (name, value) in answer.fields {
        if head.fields.push(name.as_str(), value).is_err() {
            return Response::new(StatusCode::INTERNAL_SERVER_ERROR);
        }
    }
    let body = match answer.content {
        Content::None => ResponseBody::Empty,
        Content::Memory(data) => ResponseBody::from(data),
        Content::File(file, pieces) => ResponseBody::stream(FileBody::new(file, pieces)),
    };
    Response { head, body }
}
