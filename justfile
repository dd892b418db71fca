# Every command of the project; CI runs these and nothing else.

python := ".venv/bin/python"

# List the recipes
default:
    @just --list

# A virtual environment with the package (editable), the kernel and the test tools
setup:
    python3 -m venv .venv
    {{python}} -m pip install -q -e ".[test]" ./rust

# Format, lint and type checks
lint:
    {{python}} -m ruff check .
    {{python}} -m mypy
    {{python}} -m mypy.stubtest trellis_kernel
    cd rust && cargo fmt --check && cargo clippy --all-targets -- -D warnings

# All tests
test: lint
    {{python}} -m pytest -q
    cd rust && cargo test -q

# Real tokenizers and grammars out of packages, for the tests and benchmarks that want them
tokenizers:
    {{python}} benchmarks/fetch_tokenizers.py
    {{python}} benchmarks/fetch_grammars.py

# Every benchmark; those that compare on given cases take their files as arguments
bench:
    {{python}} benchmarks/overhead.py
    {{python}} benchmarks/layers.py
    .venv/bin/trellis bench retries
    .venv/bin/trellis bench consistency
    {{python}} benchmarks/masking.py
    {{python}} benchmarks/repair.py fixtures/repair/*.jsonl

# The property tests over again, each time with another seed
fuzz rounds="20":
    for seed in $(seq {{rounds}}); do \
        {{python}} -m pytest -q --hypothesis-seed=$seed tests/masking tests/repair tests/schema || exit 1; \
    done

# Wheels of both packages in dist/
build:
    {{python}} -m pip wheel -q --no-deps -w dist . ./rust
