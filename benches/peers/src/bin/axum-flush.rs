//! An axum router over hyper with `pipeline_flush`.

fn main() -> std::io::Result<()> {
    wirelace_peers::hyper_server::run_axum(true)
}
