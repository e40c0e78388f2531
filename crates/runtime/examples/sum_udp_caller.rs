//! Calls `sum_udp_server`. What the network loses is sent again; the extended form has it processed once.

use std::time::Duration;

use wirelace_runtime::frame::{Call, UdpCaller, UdpCallerOptions};
use wirelace_wire_codec::datagram::Form;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:9000".to_owned());
    let mut options = UdpCallerOptions::default();
    options.datagram.form = Form::Extended { checksum: true };
    let caller = UdpCaller::connect(&address, options).await?;
    println!("there and back in {:?}", caller.heartbeat().await?);

    let (one, two) = tokio::join!(caller.call("1 2 39"), caller.call("-1 1"));
    println!("{:?} {:?}", one?, two?);

    // Dropping the future, or its time being over, cancels the call at the server, too.
    let call = Call::new("100 -58").timeout(Duration::from_secs(1));
    println!("{:?}", caller.call(call).await?);

    if let Err(error) = caller.call("1 and 2").await {
        println!("as expected: {error}");
    }
    Ok(())
}
