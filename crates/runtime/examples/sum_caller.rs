//! Calls `sum_server`: many calls at once over one connection.

use std::time::Duration;

use wirelace_runtime::frame::{Call, Caller, CallerOptions};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:9000".to_owned());
    let caller = Caller::connect(&address, CallerOptions::default()).await?;

    // One after the other, or at once: answers find their calls.
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
