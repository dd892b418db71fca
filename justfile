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

# Every benchmark
bench:
    {{python}} benchmarks/layers.py
    {{python}} benchmarks/repair.py

# The property tests, with many more examples
fuzz:
    {{python}} -m pytest -q -m "" --hypothesis-profile=long tests/masking tests/repair

# Wheels of both packages in dist/
build:
    {{python}} -m pip wheel -q --no-deps -w dist . ./rust
