#!/usr/bin/env bash
# The tests of containers, layouts and racing writers with an extension built for AddressSanitizer.
#
#   tools/address_sanitizer.sh                     tests/test_inputs.py tests/test_racing_writers.py
#   tools/address_sanitizer.sh tests/test_x.py     other tests
#   tools/address_sanitizer.sh --valgrind [-k ...] a small subset under valgrind instead
#   tools/address_sanitizer.sh --malloc-debug [FILES]  with PYTHONMALLOC=debug instead
#
# Works with stable Rust: RUSTC_BOOTSTRAP=1 allows the one flag. --target keeps build scripts and
# procedural macros as they are. CPython leaks at exit by design, hence detect_leaks=0.
set -euo pipefail
cd "$(dirname "$0")/.."
python=${PYTHON:-python}
mode=address
case "${1:-}" in
  --valgrind) mode=valgrind; shift ;;
  --malloc-debug) mode=malloc; shift ;;
esac
export HF_HUB_OFFLINE=1 TOKENIZERS_PARALLELISM=false
# The package as it is here, with another extension, and nothing left behind in python/fastqa.
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp -r python/fastqa "$work/fastqa"
export PYTHONPATH="$work"
export FASTQA_NUM_THREADS=${FASTQA_NUM_THREADS:-2}

if [ "$mode" = address ]; then
  triple=$(rustc -vV | sed -n 's/^host: //p')
  started=$SECONDS
  RUSTC_BOOTSTRAP=1 RUSTFLAGS="-Zsanitizer=address -Cforce-frame-pointers=yes" \
    cargo build --quiet --profile dev-release -p fastqa-py --target "$triple" \
    --target-dir target/address
  cp "target/address/$triple/dev-release/lib_rust.so" "$work/fastqa/_rust.abi3.so"
  echo "built in $((SECONDS - started)) s"
  library=$(gcc -print-file-name=libasan.so)
  # Outside of the preload the import has to fail: then the extension really is instrumented.
  if $python -c "import fastqa" 2> /dev/null; then
    echo "the extension is not instrumented" >&2
    exit 1
  fi
  export ASAN_OPTIONS=detect_leaks=0:halt_on_error=1:abort_on_error=0:log_path=$work/report
  status=0
  # PYTHONMALLOC: arrays of pymalloc's arenas would hide what is read behind their end.
  # NumPy keeps small blocks back for itself, and its own tracing of allocations does not.
  LD_PRELOAD="$library $(gcc -print-file-name=libstdc++.so)" PYTHONMALLOC=malloc \
    $python -m pytest -q -p no:cacheprovider --timeout 1200 \
    "${@:-tests/test_inputs.py}" $([ $# -eq 0 ] && echo tests/test_racing_writers.py) || status=$?
  if compgen -G "$work/report*" > /dev/null; then
    cat "$work"/report*
    status=1
  fi
  [ "$status" -eq 0 ] && echo "AddressSanitizer: clean"
  exit "$status"
fi

if [ "$mode" = malloc ]; then
  files=("$@")
  [ ${#files[@]} -eq 0 ] && files=(tests/test_bad_input.py tests/test_collector.py tests/test_nbest_scores.py)
  PYTHONMALLOC=debug $python -X dev -W error::ResourceWarning -m pytest -q -p no:cacheprovider "${files[@]}"
  echo "PYTHONMALLOC=debug: clean"
  exit 0
fi

# Reads and writes out of bounds and jumps on values never written, wherever our extension is on
# the stack. CPython and NumPy themselves are not clean without a suppression file; they are not ours.
script="$work/some_calls.py"
cat > "$script" <<'PYTHON'
import sys
sys.path.insert(0, "tests")
import numpy as np, fastqa
from fastqa import SpanParams
from cases import make_case
for seed in range(6):
    case = make_case(seed, dtype=[np.float32, np.float64][seed % 2], max_context=seed == 3)
    half = tuple(side.astype(np.float16) for side in case[2])
    for params in (SpanParams.utils_qa(True), SpanParams(candidates="all"), SpanParams.notebook()):
        found = fastqa.search(*case, params)
        assert fastqa.search(*case[:2], half, params).to_dict()
        assert found.to_dict() and found.column("probability").size
    collector = fastqa.SpanCollector(*case[:2])
    collector.update(*case[2])
    assert collector.result().to_dict()
texts = {str(i): t for i, t in enumerate(["the U.S.A.", "É中", "Σ", "", "x y z " * 30])}
for style in ("squad1", "squad2", "korquad", "cmrc2018", "characters"):
    fastqa.score(texts, {key: [text, "x y"] for key, text in texts.items()}, style=style)
print("calls done")
PYTHON
PYTHONMALLOC=malloc valgrind --quiet --error-exitcode=0 --num-callers=40 --log-file="$work/valgrind.log" \
  $python "$script"
# A report is a paragraph; ours name the extension.
if awk 'BEGIN { RS = "==[0-9]+== \n" } /_rust\.abi3\.so/' "$work/valgrind.log" | grep -q .; then
  awk 'BEGIN { RS = "==[0-9]+== \n" } /_rust\.abi3\.so/' "$work/valgrind.log" | head -200
  exit 1
fi
echo "valgrind: nothing in the extension ($(grep -c 'at 0x' "$work/valgrind.log" || true) reports elsewhere)"
