//! The pure Rust half of fastqa: no Python here, `cargo test -p fastqa-core` needs no interpreter.
//!
//! One file per stage of the pipeline, in the order in which data passes through them.
#![forbid(unsafe_code)]

pub mod error;
pub mod parallel;

pub use error::Error;
