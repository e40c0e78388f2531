//! `wirelace decode`: what bytes on the wire mean, line by line.

mod chunked;
mod frame;
mod hpack;
mod http1;
mod http2;
mod input;
mod quic;
mod sections;
mod tree;
mod wrong;

use std::io::{self, BufWriter};
use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use wirelace::tls_glue::quic::Side;
use wirelace_quic_lite::ConnectionId;

use crate::failure::Failure;
use tree::{Plain, Tree};
use wrong::Stop;

/// What to decode.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct DecodeArgs {
    #[command(subcommand)]
    format: Format,
}

#[derive(Debug, Subcommand)]
enum Format {
    /// Requests and responses of HTTP/1.0 and 1.1, mixed or not
    #[command(after_help = HTTP1_EXAMPLES)]
    Http1(Source),
    /// HTTP/2 frames, with or without the preface, in one direction
    #[command(after_help = HTTP2_EXAMPLES)]
    Http2(Source),
    /// One HPACK field block
    #[command(after_help = HPACK_EXAMPLES)]
    Hpack(Source),
    /// One QUIC datagram: all its packets; the frames of Initial packets, which anybody can open
    #[command(after_help = QUIC_EXAMPLES)]
    Quic {
        #[command(flatten)]
        source: Source,
        /// Who sent the datagram
        #[arg(long, value_enum, default_value = "client")]
        role: Role,
        /// The connection id that the client's first packet went to, in hex digits: the keys of Initial packets follow
        /// from it, and the tag of Retry packets. Without it, it is that of the packet
        #[arg(long, value_name = "HEX", value_parser = input::connection_id, required_if_eq("role", "server"))]
        dcid: Option<ConnectionId>,
    },
    /// Frames of the binary framing protocol: base form, hello and extended form
    #[command(after_help = FRAME_EXAMPLES)]
    Frame(Source),
}

#[derive(Debug, Args)]
struct Source {
    /// The bytes; standard input when it is missing or `-`
    file: Option<PathBuf>,
    /// The input is hex digits; blanks, `:`, `,`, `-`, `0x` between bytes and `#` comments are skipped
    #[arg(long)]
    hex: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Role {
    Client,
    Server,
}

const HTTP1_EXAMPLES: &str = "\
Each line has an offset, the section of the RFC, and what stands there. The first wrong byte ends it with an \
error that names the rule, and exit code 3.

Examples:
  printf 'GET / HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n' | wirelace decode http1
  wirelace decode http1 captured.bin
  wirelace decode http1 --hex bytes.txt";

const FRAME_EXAMPLES: &str = "\
Each line has an offset, the form, and what stands there. The first wrong byte ends it with an error that names the \
rule, and exit code 3. The frames of one direction, or of both as they came.

Examples:
  echo '0a02 00000005 68656c6c6f' | wirelace decode frame --hex
  wirelace decode frame captured.bin";

const HTTP2_EXAMPLES: &str = "\
Each line has an offset, the section of the RFC, and what stands there; field blocks are decompressed. The first wrong \
byte ends it with an error that names the rule, and exit code 3. One direction of a connection: the blocks of the other \
have another table.

Examples:
  echo '000004 08 00 00000001 000003e8' | wirelace decode http2 --hex
  wirelace decode http2 captured.bin";

const HPACK_EXAMPLES: &str = "\
Each line has an offset, the section of RFC 7541, and what stands there. The first wrong byte ends it with an error \
that names the rule, and exit code 3. The block is taken for the first of its connection: the dynamic table is empty.

Examples:
  echo '82 86 84 41 8cf1e3c2e5f23a6ba0ab90f4ff' | wirelace decode hpack --hex";

const QUIC_EXAMPLES: &str = "\
Each line has an offset, the section of the RFC, and what stands there. The first wrong byte ends it with an error \
that names the rule, and exit code 3. Of packets other than Initial, only what is not encrypted is shown.

Examples:
  wirelace decode quic captured.bin
  wirelace decode quic --role server --dcid 8394c8f03e515708 --hex answer.txt";

const EXAMPLES: &str = "\
Examples:
  printf 'GET / HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n' | wirelace decode http1
  echo '82 86 84 41 8cf1e3c2e5f23a6ba0ab90f4ff' | wirelace decode hpack --hex
  echo '0a02 00000005 68656c6c6f' | wirelace decode frame --hex";

/// Runs the command.
pub(crate) fn run(args: &DecodeArgs) -> Result<(), Failure> {
    let (Format::Http1(source)
    | Format::Http2(source)
    | Format::Hpack(source)
    | Format::Quic { source, .. }
    | Format::Frame(source)) = &args.format;
    let mut input = input::read(source.file.as_deref(), source.hex)?;
    let mut tree = Tree::new(BufWriter::new(io::stdout().lock()));
    let result = match args.format {
        Format::Http1(_) => http1::decode(&input, &mut tree),
        Format::Http2(_) => http2::decode(&input, &mut tree),
        Format::Hpack(_) => hpack::decode(&input, &mut tree),
        Format::Quic { role, dcid, .. } => {
            let from = if matches!(role, Role::Client) { Side::Client } else { Side::Server };
            quic::decode(&mut input, quic::Known { from, original: dcid }, &mut tree)
        }
        Format::Frame(_) => frame::decode(&input, &mut tree),
    };
    let flushed = tree.flush();
    match result.and(flushed.map_err(Stop::Output)) {
        Ok(()) => Ok(()),
        // Whoever reads has seen enough.
        Err(Stop::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        Err(Stop::Output(error)) => Err(Failure::Peer(format!("standard output: {error}"))),
        Err(Stop::Wrong { offset, rule }) => {
            let found = match input.get(offset..offset + 1) {
                Some(byte) => format!("`{}`", Plain(byte)),
                None => "the end".to_owned(),
            };
            let reason = format!("byte {offset} (0x{offset:x}), {found}: {rule}");
            Err(Failure::Check(reason))
        }
    }
}
