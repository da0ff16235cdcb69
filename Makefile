# Every verb sets up by itself what it needs; `make run` and `make test` are all a newcomer has to know.
SHELL := /usr/bin/env bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
NAME ?=
.PHONY: help run test wide check format bench soak docs revision setup lock wheelhouse sbom clean
export PORT ?= 8000
# What is compiled is kept, whatever the environment says: else every process compiles program and tests anew.
export PYTHONDONTWRITEBYTECODE :=

help: ## Show this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):[^#]*## /\1\t/' | expand -t 10

run: ## Set up, load the sample city, compute the default policies, serve at http://127.0.0.1:8000 (PORT=… for another)
	@scripts/setup.sh run
	@exec .venv/bin/chengtu run

test: ## Run the test suite against a real PostGIS, each promise in its short form
	@scripts/setup.sh test
	@# One more than the processors of a small machine: tests also wait for disks, browsers and each other.
	@.venv/bin/python -m pytest -q -n 3 --dist loadfile $(ARGS)

wide: ## Run what `make test` leaves out: cases beside others of their kind, long ways through what others try
	@$(MAKE) --no-print-directory test ARGS="-m wide $(ARGS)"

check: ## Format, lint, types, laws
	@scripts/setup.sh check
	@.venv/bin/ruff format --check --quiet . || { echo "Run: make format" >&2; exit 1; }
	@.venv/bin/ruff check --quiet .
	@# Types on one processor, laws on the other.
	@.venv/bin/mypy & types=$$!; .venv/bin/python -m pytest -q tests/laws || { wait $$types; exit 1; }; wait $$types

format: ## Format the code and mend what the linter can mend
	@scripts/setup.sh check
	@.venv/bin/ruff format .
	@.venv/bin/ruff check --fix .

bench: ## Print our figures beside the peers' (side by side, same machine)
	@scripts/setup.sh test
	@.venv/bin/python -m bench

soak: export CHENGTU_SOAK = 1
soak: ## Two hundred clients for ten minutes, and what they leave behind; then the long form of every promise
	@scripts/setup.sh test
	@.venv/bin/python -m bench soak
	@CHENGTU_SOAK_SEEDS=3 CHENGTU_SOAK_AUDIT=1000 CHENGTU_SOAK_EDITS=50 .venv/bin/python -m pytest -q \
		tests/ogc/cql2/test_hostile.py tests/ogc/test_edit_races.py tests/access/test_audit.py
	@CHENGTU_SOAK_SEEDS=3 CHENGTU_SOAK_FILES=500 CHENGTU_SOAK_SOCKETS=500 CHENGTU_SOAK_BOMB_S=3 .venv/bin/python -m pytest -q \
		tests/access/test_limits_bombs.py tests/access/test_limits_slow_clients.py tests/ingest/test_hostile_uploads.py
	@CHENGTU_SOAK_SCOPES=10000 CHENGTU_SOAK_SCOPES_SQL=300 CHENGTU_SOAK_TURNS=10000 .venv/bin/python -m pytest -q \
		tests/access/test_row_security.py tests/access/test_scopes_http.py tests/access/test_keeping.py
	@CHENGTU_SOAK_PATHS=500 .venv/bin/python -m pytest -q tests/access/test_metrics.py tests/database/test_pulse.py
	@# What is drawn at random, drawn anew.
	@.venv/bin/python -m pytest -q -n 3 --dist loadfile $$(grep -rl --include='test_*.py' 'import.*hypothesis\|from hypothesis' tests)
	@# Maps as most people have them, with all that moves.
	@.venv/bin/python -m pytest -q -n 3 --dist loadfile tests/maps tests/field
	@$(MAKE) --no-print-directory wide
	@.venv/bin/python -m bench fuzz login silence
	@CHENGTU_SOAK_KILLS=20 .venv/bin/python -m pytest -q -s tests/safety

docs: ## Generate the pages in docs/ that are read from the code
	@scripts/setup.sh check
	@.venv/bin/python -m app.reference
	@.venv/bin/python -m app.catalogue.docs
	@.venv/bin/python -m app.access.permission_docs
	@.venv/bin/python -m app.coverage.figures.pages

revision: ## Write the revision that adds what geodata/classes declares anew (NAME=… for one more)
	@scripts/setup.sh check
	@.venv/bin/python -m app.inventory.revise $(NAME)

setup: ## Set up without starting anything
	@scripts/setup.sh test

lock: ## Lock the dependencies again, with hashes
	@scripts/setup.sh check
	@scripts/lock.sh

wheelhouse: ## Build one archive from which a machine without any registry installs everything (build/chengtu-…-offline.tar)
	@scripts/setup.sh run
	@scripts/wheelhouse.sh

sbom: ## Write what the product is made of (build/sbom.json, CycloneDX), and look for what bandit calls grave
	@scripts/setup.sh run
	@scripts/sbom.sh

clean: ## Remove what can be made again (the data in .data stays)
	@rm -rf .venv build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis app/web/static/vendor *.egg-info
	@find . -name __pycache__ -not -path './.git/*' -prune -exec rm -rf {} +
