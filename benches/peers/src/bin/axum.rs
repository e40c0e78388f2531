//! An axum router over hyper as it comes.

fn main() -> std::io::Result<()> {
    wirelace_peers::hyper_server::run_axum(false)
}
