//! The pure Rust half of fastqa: no Python here, `cargo test -p fastqa-core` needs no interpreter.
//!
//! One file per stage of the pipeline, in the order in which data passes through them.
#![forbid(unsafe_code)]

pub mod beam;
pub mod collector;
pub mod columns;
pub mod decode;
pub mod error;
pub mod files;
pub mod json;
pub mod labels;
pub mod languages;
pub mod lists;
pub mod logit;
pub mod mapping;
pub mod memory;
pub mod nbest;
pub mod normalize;
pub mod offsets;
pub mod pairs;
pub mod parallel;
pub mod params;
pub mod positions;
pub mod pystring;
pub mod resample;
pub mod score;
pub mod search;
mod segment;
pub mod span;
pub mod styles;
pub mod text;
pub mod top_logits;
pub mod topk;
pub mod windows;

pub use error::Error;
