#!/usr/bin/env bash
# Lock every dependency with its hashes; no registry's address is written into a file.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

lock() {  # lock OUTPUT ARGUMENT…
  local output=$1
  shift
  .venv/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
    --no-emit-index-url --no-emit-find-links --no-header --no-annotate --output-file "$output" "$@"
}

lock requirements-uv.txt requirements-uv.in
lock requirements.txt pyproject.toml
lock requirements-dev.txt pyproject.toml --group dev --constraint requirements.txt
