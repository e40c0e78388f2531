//! stub
use crate::{failure::Failure, voice::Voice};
use clap::Args;
#[derive(Debug, Args)]
pub(crate) struct GetArgs {}
pub(crate) fn run(_: &GetArgs, _: Voice) -> Result<(), Failure> {
    Ok(())
}
