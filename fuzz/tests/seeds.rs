//! The committed seeds through every check, as an ordinary test: `cargo test` in `fuzz/`.
use std::fs;
use std::path::Path;

fn replay(target: &str, check: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("seeds")
        .join(target);
    let mut count = 0;
    for entry in fs::read_dir(&folder).expect("there are seeds") {
        check(&fs::read(entry.expect("a file").path()).expect("readable"));
        count += 1;
    }
    assert!(count > 0, "no seeds in {}", folder.display());
}

#[test]
fn all_seeds_pass() {
    replay("span_search", fastqa_fuzz::span_search::check);
    replay("span_decode", fastqa_fuzz::span_decode::check);
    replay("squad_normalize", fastqa_fuzz::squad_normalize::check);
    replay("offset_validate", fastqa_fuzz::offset_validate::check);
    replay("json_write", fastqa_fuzz::json_write::check);
}
