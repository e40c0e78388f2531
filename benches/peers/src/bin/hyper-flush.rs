//! hyper's HTTP/1 server with `pipeline_flush`: many answers in one write.

fn main() -> std::io::Result<()> {
    wirelace_peers::hyper_server::run_plain(true)
}
