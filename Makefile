# One definition of "built", "tested" and "clean"; .ci/run calls these too.
PYTHON ?= python

build:            ## compile the extension into python/fastqa and install the package in this environment
	$(PYTHON) -m pip install -e ".[dev]"

develop:          ## quick rebuild of the extension only (no link-time optimisation)
	cargo build --profile dev-release -p fastqa-py
	cp target/dev-release/lib_rust.so python/fastqa/_rust.abi3.so

release:          ## rebuild of the extension only, optimised as in the wheel
	cargo build --release -p fastqa-py
	cp target/release/lib_rust.so python/fastqa/_rust.abi3.so

test:             ## every Python test, then the Rust tests
	$(PYTHON) -m pytest tests
	cargo test -p fastqa-core

lint:             ## formatting, lints, types, stubs, the order of the stages
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings
	ruff check python tests bench tools examples fuzz
	ruff format --check python tests bench tools examples fuzz
	mypy
	$(PYTHON) -m mypy.stubtest fastqa._rust
	lint-imports

coverage:         ## lines of Python and Rust that the tests run (docs/coverage.md)
	tools/coverage.sh tests

bench:            ## speed beside the references, equal answers asserted first
	$(PYTHON) -m pytest bench

performance:      ## the benchmarks, and docs/performance.md from them (on an otherwise idle machine)
	$(PYTHON) tools/write_performance.py

instructions:     ## instructions of the core's stages beside the committed numbers (needs valgrind)
	$(PYTHON) tools/count_instructions.py

.PHONY: build develop release test lint coverage bench performance instructions
