//! Two sides against each other, and each rule by itself.

mod assembling;
mod early;
mod frames;
mod model;
mod pair;
mod rules;
mod sending;
