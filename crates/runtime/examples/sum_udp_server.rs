//! Adds numbers up, over UDP: `cargo run --example sum_udp_server --features frame`, then `sum_udp_caller`.

use std::num::ParseIntError;

use bytes::Bytes;
use wirelace_runtime::frame::{Request, UdpServer, UdpServerOptions, from_fn};

/// `1 2 39` becomes `42`. Errors go to the caller as text.
async fn sum(request: Request) -> Result<Bytes, ParseIntError> {
    let text = String::from_utf8_lossy(&request.payload);
    let numbers: Result<Vec<i64>, _> = text.split_whitespace().map(str::parse).collect();
    Ok(numbers?.into_iter().fold(0, i64::saturating_add).to_string().into())
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:9000".to_owned());
    let server = UdpServer::bind(address.parse()?, from_fn(sum), UdpServerOptions::default())?;
    println!("listening {}", server.local_addr());
    server.run(std::future::pending()).await?;
    Ok(())
}
