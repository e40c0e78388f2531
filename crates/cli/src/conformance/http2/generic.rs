//! Legal traffic: all of it has to work.

use wirelace_http2_frames::{ErrorCode, Flags, FrameType, SettingId};

use super::block::{Block, Form};
use super::conn::{Conn, WHOLE, dependency_of};
use crate::conformance::case::{Case, case};
use crate::conformance::verdict::{Verdict, failed};

const INITIAL_WINDOW: u16 = SettingId::INITIAL_WINDOW_SIZE.0;

/// Frames of every type, on streams of every state.
pub(super) const FRAMES: &[Case] = &[
    case("generic/1/1", "RFC 9113 §3.4", "the client's preface", |c| c.alive()),
    case("generic/2/1", "RFC 9113 §5.1", "PRIORITY on an idle stream", |c| {
        c.priority(1, 0, false, 15);
        c.get(1);
        c.response(1)?;
        c.accepted()
    }),
    case("generic/2/2", "RFC 9113 §5.1", "WINDOW_UPDATE on a half-closed (remote) stream", |c| {
        c.get(1);
        c.head(1)?;
        c.window_update(1, 65_535);
        c.response(1)?;
        c.accepted()
    })
    .with(&[(INITIAL_WINDOW, 0)]),
    case("generic/2/3", "RFC 9113 §5.1", "PRIORITY on a half-closed (remote) stream", |c| {
        c.get(1);
        c.priority(1, 0, false, 15);
        c.response(1)?;
        c.accepted()
    }),
    case("generic/2/4", "RFC 9113 §5.1", "RST_STREAM on a half-closed (remote) stream", |c| {
        c.get(1);
        c.head(1)?;
        c.reset(1, ErrorCode::CANCEL);
        c.accepted()
    })
    .with(&[(INITIAL_WINDOW, 0)]),
    case("generic/2/5", "RFC 9113 §5.1", "PRIORITY on a closed stream", |c| {
        c.get(1);
        c.response(1)?;
        c.priority(1, 0, false, 15);
        c.accepted()
    }),
    case("generic/3.1/1", "RFC 9113 §6.1", "a body in one DATA frame", |c| {
        c.post(1);
        c.data(1, Flags::END_STREAM, b"test");
        answered(c, 1)
    }),
    case("generic/3.1/2", "RFC 9113 §6.1", "a body in several DATA frames", |c| {
        c.post(1);
        c.data(1, Flags::NONE, b"one ");
        c.data(1, Flags::NONE, b"two ");
        c.data(1, Flags::END_STREAM, b"three");
        answered(c, 1)
    }),
    case("generic/3.1/3", "RFC 9113 §6.1", "a padded DATA frame", |c| {
        c.post(1);
        c.data(1, Flags::END_STREAM | Flags::PADDED, b"\x06test\0\0\0\0\0\0");
        answered(c, 1)
    }),
    case("generic/3.2/1", "RFC 9113 §6.2", "HEADERS", |c| {
        c.get(1);
        answered(c, 1)
    }),
    case("generic/3.2/2", "RFC 9113 §6.2", "padded HEADERS", |c| {
        let block = c.request("GET").block();
        let padded = [&[6], &*block.0, &[0; 6]].concat();
        c.frame(FrameType::HEADERS, WHOLE | Flags::PADDED, 1, &padded);
        answered(c, 1)
    }),
    case("generic/3.2/3", "RFC 9113 §6.2", "HEADERS with RFC 7540's priority", |c| {
        let block = c.request("GET").block();
        let payload = [&dependency_of(0, false, 255), &*block.0].concat();
        c.frame(FrameType::HEADERS, WHOLE | Flags::PRIORITY, 1, &payload);
        answered(c, 1)
    }),
    case("generic/3.3/1", "RFC 9113 §6.3", "PRIORITY with weight 1", |c| prioritised(c, 0, false, 0)),
    case("generic/3.3/2", "RFC 9113 §6.3", "PRIORITY with weight 256", |c| prioritised(c, 0, false, 255)),
    case("generic/3.3/3", "RFC 9113 §6.3", "PRIORITY with a dependency", |c| prioritised(c, 7, false, 15)),
    case("generic/3.3/4", "RFC 9113 §6.3", "PRIORITY with an exclusive dependency", |c| {
        prioritised(c, 7, true, 15)
    }),
    case(
        "generic/3.3/5",
        "RFC 9113 §5.1.1",
        "PRIORITY for an idle stream, then a request on a lower one",
        |c| {
            c.priority(5, 0, false, 15);
            c.get(3);
            answered(c, 3)
        },
    ),
    case("generic/3.4/1", "RFC 9113 §6.4", "RST_STREAM", |c| {
        c.post(1);
        c.reset(1, ErrorCode::CANCEL);
        c.alive()
    }),
    case("generic/3.5/1", "RFC 9113 §6.5", "SETTINGS", |c| {
        c.settings(&[(SettingId::MAX_CONCURRENT_STREAMS.0, 100)]);
        c.settings_acknowledged()
    }),
    case("generic/3.7/1", "RFC 9113 §6.7", "PING", |c| c.alive()),
    case("generic/3.8/1", "RFC 9113 §6.8", "GOAWAY", |c| {
        c.frame(FrameType::GOAWAY, Flags::NONE, 0, &[0; 8]);
        c.error_or_ignored(&[])
    }),
    case("generic/3.9/1", "RFC 9113 §6.9", "WINDOW_UPDATE on stream 0", |c| {
        c.window_update(0, 1);
        c.get(1);
        answered(c, 1)
    }),
    case("generic/3.9/2", "RFC 9113 §6.9", "WINDOW_UPDATE on a stream", |c| {
        c.get(1);
        c.window_update(1, 1);
        answered(c, 1)
    }),
    case("generic/3.10/1", "RFC 9113 §6.10", "HEADERS and one CONTINUATION", |c| {
        in_parts(c, 2);
        answered(c, 1)
    }),
    case("generic/3.10/2", "RFC 9113 §6.10", "HEADERS and several CONTINUATION frames", |c| {
        in_parts(c, 5);
        answered(c, 1)
    }),
    case("generic/4/1", "RFC 9113 §8.1", "GET", |c| {
        c.get(1);
        answered(c, 1)
    }),
    case("generic/4/2", "RFC 9110 §9.3.2", "HEAD", |c| {
        let request = c.request("HEAD");
        c.send(1, &request);
        match c.response(1)?.body {
            0 => Ok(()),
            octets => failed("a response without content", format!("{octets} octets of DATA")),
        }
    }),
    case("generic/4/3", "RFC 9113 §8.1", "POST", |c| {
        let request = c.request("POST").with("content-length", "4");
        c.headers(1, Flags::END_HEADERS, &request.block());
        c.data(1, Flags::END_STREAM, b"test");
        answered(c, 1)
    }),
    case("generic/4/4", "RFC 9113 §8.1", "POST with trailers", |c| {
        let request = c.request("POST").with("trailer", "x-test");
        c.headers(1, Flags::END_HEADERS, &request.block());
        c.data(1, Flags::NONE, b"test");
        c.headers(1, WHOLE, &Block::default().field("x-test", "ok"));
        answered(c, 1)
    }),
];

/// Every representation of RFC 7541 §6.
pub(super) const HPACK: &[Case] = &[
    case("generic/5/1", "RFC 7541 §6.1", "indexed fields", |c| {
        let block = base(c);
        c.headers(1, WHOLE, &block);
        answered(c, 1)
    }),
    case("generic/5/2", "RFC 7541 §6.2.1", "incremental indexing, indexed name", |c| {
        literal(c, Form::Indexing, true, false)
    }),
    case("generic/5/3", "RFC 7541 §6.2.1", "incremental indexing, indexed name, Huffman code", |c| {
        literal(c, Form::Indexing, true, true)
    }),
    case("generic/5/4", "RFC 7541 §6.2.1", "incremental indexing, new name", |c| {
        literal(c, Form::Indexing, false, false)
    }),
    case("generic/5/5", "RFC 7541 §6.2.1", "incremental indexing, new name, Huffman code", |c| {
        literal(c, Form::Indexing, false, true)
    }),
    case("generic/5/6", "RFC 7541 §6.2.2", "without indexing, indexed name", |c| {
        literal(c, Form::Without, true, false)
    }),
    case("generic/5/7", "RFC 7541 §6.2.2", "without indexing, indexed name, Huffman code", |c| {
        literal(c, Form::Without, true, true)
    }),
    case("generic/5/8", "RFC 7541 §6.2.2", "without indexing, new name", |c| {
        literal(c, Form::Without, false, false)
    }),
    case("generic/5/9", "RFC 7541 §6.2.2", "without indexing, new name, Huffman code", |c| {
        literal(c, Form::Without, false, true)
    }),
    case("generic/5/10", "RFC 7541 §6.2.3", "never indexed, indexed name", |c| {
        literal(c, Form::Never, true, false)
    }),
    case("generic/5/11", "RFC 7541 §6.2.3", "never indexed, indexed name, Huffman code", |c| {
        literal(c, Form::Never, true, true)
    }),
    case("generic/5/12", "RFC 7541 §6.2.3", "never indexed, new name", |c| {
        literal(c, Form::Never, false, false)
    }),
    case("generic/5/13", "RFC 7541 §6.2.3", "never indexed, new name, Huffman code", |c| {
        literal(c, Form::Never, false, true)
    }),
    case("generic/5/14", "RFC 7541 §6.3", "a dynamic table size update", |c| {
        let block = Block::default().size_update(128).bytes(&base(c).0);
        c.headers(1, WHOLE, &block);
        answered(c, 1)
    }),
    case("generic/5/15", "RFC 7541 §6.3", "two dynamic table size updates", |c| {
        let block = Block::default().size_update(128).size_update(4096).bytes(&base(c).0);
        c.headers(1, WHOLE, &block);
        answered(c, 1)
    }),
];

/// A response, and the connection goes on.
pub(super) fn answered(c: &mut Conn, stream: u32) -> Verdict {
    c.response(stream)?;
    c.accepted()
}

fn prioritised(c: &mut Conn, dependency: u32, exclusive: bool, weight: u8) -> Verdict {
    c.get(1);
    c.priority(1, dependency, exclusive, weight);
    c.response(1)?;
    c.accepted()
}

/// GET on stream 1, its block in so many frames.
fn in_parts(c: &mut Conn, parts: usize) {
    let block = c.request("GET").with("x-test", "ok").block();
    let size = block.0.len().div_ceil(parts);
    let last = parts - 1;
    for (at, part) in block.0.chunks(size).enumerate() {
        let end = Flags::END_HEADERS.when(at == last);
        match at {
            0 => c.headers(1, Flags::END_STREAM | end, &Block(part.to_vec())),
            _ => c.continuation(1, end, part),
        }
    }
}

/// A request of indexed fields, as far as they are in the static table.
pub(super) fn base(c: &Conn) -> Block {
    let scheme = if c.scheme() == "https" { 7 } else { 6 };
    let block = Block::default().indexed(2).indexed(scheme);
    let path = c.path();
    let block =
        if path == "/" { block.indexed(4) } else { block.literal(Form::Without, 4).text(path.as_bytes()) };
    block.literal(Form::Without, 1).text(c.authority().as_bytes())
}

/// A request with one field more, in that form, and then with one that shows what is in the table now.
fn literal(c: &mut Conn, form: Form, indexed: bool, huffman: bool) -> Verdict {
    let text = |block: Block, text: &[u8]| if huffman { block.huffman(text) } else { block.text(text) };
    let (name, value): (&[u8], &[u8]) = (b"x-conformance", b"wirelace");
    let block = base(c);
    let block = if indexed {
        text(block.literal(form, 58), value)
    } else {
        text(text(block.literal(form, 0), name), value)
    };
    c.headers(1, WHOLE, &block);
    c.response(1)?;
    if form == Form::Indexing {
        let again = base(c).indexed(62);
        c.headers(3, WHOLE, &again);
        c.response(3)?;
    }
    c.accepted()
}
