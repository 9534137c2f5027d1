//! The pure Rust half of fastqa: no Python here, `cargo test -p fastqa-core` needs no interpreter.
//!
//! A file is a stage. Data passes through them in this order (`mod` lines are sorted by name):
//!
//! - borrowed columns: [`columns`], [`offsets`], [`logit`], [`positions`], [`text`]
//! - examples to features: [`windows`], [`labels`]
//! - features to examples: [`mapping`]
//! - one window's best spans: [`topk`], [`span`], [`beam`], [`top_logits`], [`pairs`], [`decode`]
//! - one example's list: [`nbest`]; all lists: [`lists`], [`search`], [`collector`]
//! - lists to files: [`json`], [`files`]
//! - answers to scores: [`pystring`], [`normalize`], [`languages`], [`styles`], [`score`]
//! - scores to intervals: [`resample`]
//! - shared by all: [`params`], [`parallel`], [`memory`], [`error`]
//!
//! Three rules hold everywhere. Inputs are borrowed slices and are not trusted: what does not fit
//! is an [`Error`] that names the place, never a read outside of a slice. Results do not depend on
//! the number of threads: work is split by example, question or resample, each part is computed as
//! it would be alone, and parts are put together in order. Nothing here is unsafe.
#![forbid(unsafe_code)]

pub mod alignment;
pub mod beam;
pub mod best_pairs;
pub mod collector;
pub mod columns;
pub mod decode;
pub mod error;
pub mod files;
pub mod json;
pub mod labels;
pub mod lanes;
#[cfg(target_arch = "x86_64")]
mod lanes_x86;
pub mod languages;
pub mod lists;
pub mod logit;
pub mod mapping;
pub mod maximum;
pub mod memory;
pub mod nbest;
pub mod normalize;
pub mod offsets;
pub mod output;
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
pub mod template;
pub mod text;
mod tokens;
pub mod top_logits;
pub mod topk;
pub mod windows;

pub use error::Error;
