//! What a request for a path below the served directory gets. Blocks on the file system, knows no protocol.

use std::ffi::OsString;
use std::fs::{File, Metadata};
use std::io::{self, Read, Seek, SeekFrom};
use std::time::UNIX_EPOCH;

use bytes::{Bytes, BytesMut};
use http::header::{self, HeaderName};
use http::{Method, StatusCode};
use wirelace::semantics::accept::{CodingChoice, choose_coding};
use wirelace::semantics::{FieldId, RequestHead};

use super::listing::{MAX_ENTRIES, page};
use super::media::media_type;
use super::path::{Refusal, Wanted};
use super::root::{Found, Root};
use crate::partial::{Piece, Plan, Representation};

/// Read at once; bodies up to this size travel with the head.
pub(super) const CHUNK: usize = 128 * 1024;

const METHODS: &str = "GET, HEAD, OPTIONS";
const HTML: &str = "text/html; charset=utf-8";
/// Content codings with the endings of the files that hold them, the best first.
const CODINGS: [(&str, &str); 2] = [("br", ".br"), ("gzip", ".gz")];

/// A response before it meets a protocol.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    /// Content-Length among them, except where there is no content.
    pub(super) fields: Vec<(HeaderName, String)>,
    pub(super) content: Content,
}

/// The content of an answer to GET.
#[derive(Debug)]
pub(super) enum Content {
    /// Nothing; also for HEAD, whose fields tell what a GET would bring.
    None,
    /// All of it.
    Memory(Bytes),
    /// To be read from the file on the way.
    File(File, Vec<Piece>),
}

impl Answer {
    fn text(status: StatusCode, text: &str) -> Answer {
        Answer::page(status, "text/plain; charset=utf-8", text.to_owned().into())
    }

    fn page(status: StatusCode, content_type: &str, body: Bytes) -> Answer {
        let fields = vec![
            (header::CONTENT_TYPE, content_type.to_owned()),
            (header::CONTENT_LENGTH, body.len().to_string()),
        ];
        Answer { status, fields, content: Content::Memory(body) }
    }

    fn with(mut self, name: HeaderName, value: impl Into<String>) -> Answer {
        self.fields.push((name, value.into()));
        self
    }
}

/// The answer to a request.
pub(super) fn answer(root: &Root, request: &RequestHead) -> Answer {
    match request.method {
        Method::GET | Method::HEAD => {}
        Method::OPTIONS => {
            let answer =
                Answer { status: StatusCode::NO_CONTENT, fields: Vec::new(), content: Content::None };
            return answer.with(header::ALLOW, METHODS);
        }
        _ => {
            return Answer::text(StatusCode::METHOD_NOT_ALLOWED, "only GET and HEAD\n")
                .with(header::ALLOW, METHODS);
        }
    }
    let wanted = match Wanted::of(request.path()) {
        Ok(wanted) => wanted,
        Err(Refusal::Malformed) => return Answer::text(StatusCode::BAD_REQUEST, "no path of a file\n"),
        Err(Refusal::Outside) => return not_found(),
    };
    match try_answer(root, request, wanted) {
        Ok(answer) => answer.with(header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        Err(error) if is_absence(&error) => not_found(),
        Err(_) => Answer::text(StatusCode::INTERNAL_SERVER_ERROR, "the file cannot be read\n"),
    }
}

fn not_found() -> Answer {
    Answer::text(StatusCode::NOT_FOUND, "not found\n")
}

/// What a client could have known not to ask for. That something exists but may not be read is nobody's business.
fn is_absence(error: &io::Error) -> bool {
    use io::ErrorKind::{
        InvalidFilename, InvalidInput, IsADirectory, NotADirectory, NotFound, PermissionDenied,
    };
    matches!(
        error.kind(),
        NotFound | NotADirectory | IsADirectory | PermissionDenied | InvalidFilename | InvalidInput
    )
}

fn try_answer(root: &Root, request: &RequestHead, mut wanted: Wanted) -> io::Result<Answer> {
    let found = root.find(&wanted.names)?;
    if found.metadata.is_file() && !wanted.directory {
        return file(root, request, &wanted.names, found);
    }
    if !found.metadata.is_dir() {
        return Ok(not_found());
    }
    if !wanted.directory {
        // Relative links within the directory need the slash. One slash leads the path: `Wanted` saw to it.
        let query = request.query().map(|query| format!("?{query}")).unwrap_or_default();
        let location = format!("{}/{query}", request.path());
        let answer = Answer::text(StatusCode::MOVED_PERMANENTLY, "a directory\n");
        return Ok(answer.with(header::LOCATION, location));
    }
    wanted.names.push("index.html".into());
    match root.find(&wanted.names) {
        Ok(index) if index.metadata.is_file() => file(root, request, &wanted.names, index),
        _ => {
            let (entries, more) = root.list(&found, MAX_ENTRIES)?;
            let body = page(request.path(), &entries, more);
            Ok(Answer::page(StatusCode::OK, HTML, body.into()).with(header::CACHE_CONTROL, "no-cache"))
        }
    }
}

fn file(root: &Root, request: &RequestHead, names: &[OsString], plain: Found) -> io::Result<Answer> {
    let name = names.last().map(|name| name.to_string_lossy()).unwrap_or_default();
    let mut siblings = siblings(root, names);
    let varies = !siblings.is_empty();
    let available: Vec<&str> = siblings.iter().map(|(coding, _)| *coding).collect();
    let lines: Vec<&[u8]> = request.fields.get_all(FieldId::ACCEPT_ENCODING).collect();
    let (coding, chosen) = match choose_coding(lines, &available) {
        CodingChoice::Coded(index) if index < siblings.len() => {
            let (coding, found) = siblings.swap_remove(index);
            (Some(coding), found)
        }
        // Not acceptable: the plain file all the same (RFC 9110 §12.5.3).
        _ => (None, plain),
    };
    let representation = Representation {
        length: chosen.metadata.len(),
        content_type: media_type(&name).to_owned(),
        etag: Some(etag(&chosen.metadata, coding)),
        last_modified: chosen.metadata.modified().ok(),
    };
    let lines: Vec<_> = request.fields.iter().map(|field| (field.name, field.value)).collect();
    let mut plan = Plan::new(&request.method, &lines, &representation);
    if request.method == Method::HEAD {
        plan.body.clear();
    }
    let mut answer =
        Answer { status: plan.status, fields: plan.fields, content: content(chosen.file, plan.body)? };
    if varies {
        answer = answer.with(header::VARY, "Accept-Encoding");
    }
    if let Some(coding) = coding
        && answer.status.is_success()
    {
        answer = answer.with(header::CONTENT_ENCODING, coding);
    }
    Ok(answer)
}

/// The files beside it that hold the same in a content coding.
fn siblings(root: &Root, names: &[OsString]) -> Vec<(&'static str, Found)> {
    let mut names = names.to_vec();
    let Some(plain) = names.pop() else { return Vec::new() };
    let of_coding = |(coding, ending): (&'static str, &str)| {
        let mut name = plain.clone();
        name.push(ending);
        names.push(name);
        let found = root.find(&names);
        names.pop();
        found.ok().filter(|found| found.metadata.is_file()).map(|found| (coding, found))
    };
    CODINGS.into_iter().filter_map(of_coding).collect()
}

/// Strong enough for ranges: time of change in nanoseconds, size, and the coding.
fn etag(metadata: &Metadata, coding: Option<&str>) -> String {
    let changed = metadata.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    let changed = changed.map_or(0, |since| since.as_nanos());
    let coding = coding.map(|coding| format!("-{coding}")).unwrap_or_default();
    format!("{changed:x}-{:x}{coding}", metadata.len())
}

/// Small content is read at once, so that it costs one trip to the thread that may block.
fn content(mut file: File, pieces: Vec<Piece>) -> io::Result<Content> {
    let sum: u64 = pieces.iter().map(Piece::len).sum();
    if sum > CHUNK as u64 {
        return Ok(Content::File(file, pieces));
    }
    let mut memory = BytesMut::new();
    for piece in pieces {
        match piece {
            Piece::Literal(bytes) => memory.extend_from_slice(&bytes),
            Piece::Span(range) => {
                let data = read(&mut file, range.first(), range.len() as usize)?;
                if data.len() as u64 == sum {
                    return Ok(Content::Memory(data));
                }
                memory.extend_from_slice(&data);
            }
        }
    }
    Ok(if memory.is_empty() { Content::None } else { Content::Memory(memory.freeze()) })
}

/// Exactly `count` bytes from `at` on. Blocks.
///
/// # Errors
/// The file became shorter, or cannot be read.
pub(super) fn read(file: &mut File, at: u64, count: usize) -> io::Result<Bytes> {
    let mut data = Vec::with_capacity(count);
    file.seek(SeekFrom::Start(at))?;
    file.take(count as u64).read_to_end(&mut data)?;
    if data.len() < count {
        return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the file became shorter"));
    }
    Ok(data.into())
}
