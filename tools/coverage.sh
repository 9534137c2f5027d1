#!/usr/bin/env bash
# Which lines of Python and Rust do the tests run? tools/coverage.sh [pytest arguments; default: tests]
# Needs coverage.py and the LLVM tools of rustc's version (Debian: apt-get install llvm-22).
# Leaves an instrumented extension in python/fastqa: `make develop` puts the usual one back.
set -euo pipefail
cd "$(dirname "$0")/.."

llvm=$(rustc -vV | sed -n 's/^LLVM version: \([0-9]*\).*/\1/p')
export RUSTFLAGS="-C instrument-coverage" CARGO_TARGET_DIR=target/coverage
out=target/coverage/report
rm -rf "$out" && mkdir -p "$out"
export LLVM_PROFILE_FILE="$PWD/$out/%p-%m.profraw" COVERAGE_FILE="$PWD/$out/python"

cargo build --profile dev-release -p fastqa-py
cp target/coverage/dev-release/lib_rust.so python/fastqa/_rust.abi3.so
cargo test --profile dev-release -p fastqa-core
# The lines that ran are told also where a test failed (limits of time are missed by this build).
tests=0
python -m coverage run -m pytest "${@:-tests}" || tests=$?
unset RUSTFLAGS

python -m coverage combine -q
python -m coverage report --skip-covered | tee "$out/python.txt"

"llvm-profdata-$llvm" merge -sparse "$out"/*.profraw -o "$out/rust.profdata"
objects=()
for file in target/coverage/dev-release/deps/{fastqa_core,search}-*; do
  if [ -x "$file" ] && [ ! -d "$file" ]; then objects+=(-object "$file"); fi
done
"llvm-cov-$llvm" report --instr-profile="$out/rust.profdata" \
  target/coverage/dev-release/lib_rust.so "${objects[@]}" \
  --ignore-filename-regex='(/registry/|/rustc/|/tests/)' | tee "$out/rust.txt"
exit "$tests"
