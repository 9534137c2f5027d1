#!/usr/bin/env bash
# Run every Rust fuzz target for SECONDS each (default 60), one after the other.
#
#   tools/fuzz_all.sh 60                  all targets
#   tools/fuzz_all.sh 600 span_search     only those named
#   FUZZ_RUNS=2000000 tools/fuzz_all.sh 3600 json_write      stop after so many executions
#   FUZZ_SEED=1 tools/fuzz_all.sh 60      the same random numbers each time
#   FUZZ_SANITIZER=address tools/fuzz_all.sh 60              with AddressSanitizer, slower
#
# Needs no cargo-fuzz and no nightly: these are the flags that cargo-fuzz passes, all of them stable
# but for the sanitizer. What a run finds goes to fuzz/corpus, crashes to fuzz/artifacts.
set -euo pipefail
cd "$(dirname "$0")/../fuzz"

seconds=${1:-60}
shift || true
targets=("$@")
if [ ${#targets[@]} -eq 0 ]; then
  targets=()
  for source in fuzz_targets/*.rs; do targets+=("$(basename "$source" .rs)"); done
fi

triple=$(rustc -vV | sed -n 's/^host: //p')
coverage="-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4"
coverage+=" -Cllvm-args=-sanitizer-coverage-inline-8bit-counters"
coverage+=" -Cllvm-args=-sanitizer-coverage-pc-table"
coverage+=" -Cllvm-args=-sanitizer-coverage-trace-compares --cfg fuzzing"
build=target
if [ -n "${FUZZ_SANITIZER:-}" ]; then
  export RUSTC_BOOTSTRAP=1
  coverage+=" -Zsanitizer=$FUZZ_SANITIZER"
  build=target/$FUZZ_SANITIZER
fi

started=$SECONDS
bins=()
for target in "${targets[@]}"; do bins+=(--bin "$target"); done
# --target keeps the flags from build scripts and procedural macros.
RUSTFLAGS="$coverage" cargo build --quiet --locked --release --target "$triple" \
  --target-dir "$build" "${bins[@]}"
echo "built in $((SECONDS - started)) s"

failed=0
for target in "${targets[@]}"; do
  mkdir -p "corpus/$target" "artifacts/$target"
  dictionary=()
  [ -f "dictionaries/$target.dict" ] && dictionary=("-dict=dictionaries/$target.dict")
  log=$(mktemp)
  status=0
  "$build/$triple/release/$target" "corpus/$target" "seeds/$target" "${dictionary[@]}" \
    -max_total_time="$seconds" -runs="${FUZZ_RUNS:--1}" -seed="${FUZZ_SEED:-0}" -max_len="${FUZZ_MAX_LEN:-1024}" \
    -timeout=20 -rss_limit_mb=4096 -print_final_stats=1 -artifact_prefix="artifacts/$target/" \
    > "$log" 2>&1 || status=$?
  runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
  if [ "$status" -eq 0 ]; then
    echo "$target: ${runs:-0} executions, no disagreement, panic or crash"
  else
    failed=1
    echo "$target: FAILED (exit $status)"
    grep -vE '^#[0-9]|NEW_FUNC|^stat::' "$log" | tail -n 60
  fi
  rm -f "$log"
done
exit "$failed"
