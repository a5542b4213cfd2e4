# Everything a newcomer, a developer and CI need. `make` alone lists it.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INDEX_DIR ?= var/index
SYSTEM ?= yes
SOURCES := proto libs/chassis/src libs/language/src libs/corpus/src libs/client/src \
	services/gateway/src services/orchestrator/src services/retrieval/src services/guardrails/src services/ingest/src \
	tests tools benchmarks
export INDEX_DIR

.DEFAULT_GOAL := help
.PHONY: help demo run ask data index test check fmt proto system install clean

help: ## List the targets
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: index ## Install, index the sample, start everything, ask one question, stop
	@PATH="$(CURDIR)/$(BIN):$$PATH" python tools/demo.py

run: index ## Start everything and keep it running; the page is at http://127.0.0.1:8080
	@$(BIN)/marianne-ingest --status
	@echo "Chat page: http://127.0.0.1:$${GATEWAY_PORT:-8080} (Ctrl-C stops everything)"
	@PATH="$(CURDIR)/$(BIN):$$PATH" exec honcho start

ask: install ## Ask the running stack: make ask Q="Comment renouveler mon titre de séjour ?"
	@$(BIN)/marianne ask "$(Q)"

data: install ## Fetch and index the official data sets (says first how much and how long)
	@$(BIN)/marianne-ingest --plan
	@$(BIN)/marianne-ingest

index: install ## Index the sample corpus, unless that is done or official texts are there
	@echo "→ Indexing the sample corpus (demonstration texts, not official)"
	@$(BIN)/marianne-ingest --sample data/sample --keep-official --index-dir $(INDEX_DIR)

test: install ## Run all tests
	@SYSTEM=$(SYSTEM) tools/system-packages
	@$(BIN)/pytest -n 3 --dist worksteal

check: install ## Check format, lint, types, imports and stubs; edits nothing
	@$(BIN)/ruff format --check --quiet . || { echo "format: run 'make fmt'"; exit 1; }
	@$(BIN)/ruff check .
	@$(BIN)/mypy $(SOURCES)
	@$(BIN)/lint-imports
	@$(BIN)/python tools/protos.py --check

fmt: install ## Format the code and mend what lint can mend
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

proto: install ## Regenerate the gRPC stubs
	@$(BIN)/python tools/protos.py

system: ## Install the Debian programs that some tests need (root on Debian; no daemon is started)
	@SYSTEM=yes tools/system-packages

install: $(VENV)/.installed ## Create .venv and install everything at pinned versions

$(VENV)/.installed: constraints.txt requirements-dev.txt $(wildcard proto/pyproject.toml libs/*/pyproject.toml services/*/pyproject.toml)
	@$(PYTHON) tools/preflight.py
	@echo "→ Installing into $(VENV) (about a minute the first time)"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt hatchling editables \
		|| { echo "pip could not install: is PyPI reachable? Try again, or set PIP_INDEX_URL to your mirror."; exit 1; }
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-build-isolation -r requirements-dev.txt \
		|| { echo "pip could not install: is PyPI reachable? Try again, or set PIP_INDEX_URL to your mirror."; exit 1; }
	@touch $@

clean: ## Remove what make made, the index and the audit trail included
	@rm -rf $(VENV) var .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
