//! What travels: packets, frames, transport parameters.

mod allowed;
mod appendix;
mod broken_frames;
mod frames;
mod headers;
mod parameters;
mod samples;
mod vectors;
