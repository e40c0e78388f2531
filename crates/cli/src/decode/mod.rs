//! `wirelace decode`: what bytes on the wire mean, line by line.

mod chunked;
mod frame;
mod http1;
mod input;
mod sections;
mod tree;
mod wrong;

use std::io::{self, BufWriter};
use std::path::PathBuf;

use clap::{Args, Subcommand};

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

const EXAMPLES: &str = "\
Examples:
  printf 'GET / HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n' | wirelace decode http1
  echo '0a02 00000005 68656c6c6f' | wirelace decode frame --hex";

/// Runs the command.
pub(crate) fn run(args: &DecodeArgs) -> Result<(), Failure> {
    let (Format::Http1(source) | Format::Frame(source)) = &args.format;
    let input = input::read(source.file.as_deref(), source.hex)?;
    let mut tree = Tree::new(BufWriter::new(io::stdout().lock()));
    let result = match args.format {
        Format::Http1(_) => http1::decode(&input, &mut tree),
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
