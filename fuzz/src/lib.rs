//! What the fuzz targets check. Each target has one function `check` that makes an input of any
//! bytes, gives it to `fastqa-core` and to a slow restatement of the same rules, and panics where the
//! two differ. The targets themselves are one line each (`fuzz_targets/`), so that the same checks
//! also run over the committed seeds as an ordinary test, without libFuzzer.

pub mod columns;
pub mod json_write;
pub mod logits;
pub mod offset_validate;
pub mod oracle;
pub mod search_case;
pub mod span_decode;
pub mod span_search;
pub mod squad_normalize;
pub mod unicode;
