//! hyper's HTTP/1 server as it comes.

fn main() -> std::io::Result<()> {
    wirelace_peers::hyper_server::run_plain(false)
}
