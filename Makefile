# What a developer types. `make help` lists it; CI runs `make check` and `make test`, nothing else.
.DEFAULT_GOAL := help
.PHONY: help demo up test test-quick check bench lock clean
.NOTPARALLEL:

BIN := .venv/bin
DEMO := .demo
PORT := 8080

help: ## Show this list
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 20

demo: ## Run the daily DAGs over simulated weeks, headless; shows verdicts, list, tickets, report
	@infra/make/environment.sh run
	@$(BIN)/python dags/run_headless.py $(DEMO)

up: ## Show the project in the Airflow UI, on the demo's data (PORT=8080)
	@infra/make/environment.sh run
	@test -f $(DEMO)/prefail.toml || $(MAKE) --no-print-directory demo
	@infra/make/up.sh "$(CURDIR)/$(DEMO)/prefail.toml" $(PORT)

test: ## Install what the tests need and run all of them
	@infra/make/environment.sh dev
	@infra/make/environment.sh contract-lint
	@infra/make/environment.sh infra-lint
	@infra/install_test_servers.sh
	@$(BIN)/pytest $(PYTEST_ARGS)

test-quick: ## Run the tests that take seconds: no servers, no scheduler
	@infra/make/environment.sh dev
	@$(BIN)/pytest -q -m "not slow and not service" $(PYTEST_ARGS)

check: ## Check style, types, import directions, locks
	@infra/make/environment.sh dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	MYPYPATH=dags:. $(BIN)/mypy --strict dags
	$(BIN)/lint-imports
	@! grep -n '://' requirements*.lock || { echo "a lock holds an address; make lock writes them without" >&2; exit 1; }

bench: ## Measure speed and memory; writes docs/benchmarks.md (minutes)
	@infra/make/environment.sh dev
	@$(BIN)/python -m tests.benchmarks

lock: ## Resolve the dependencies anew (needs uv)
	@infra/lock.sh

clean: ## Remove the demo, the local Airflow, caches and builds; environments stay
	rm -rf $(DEMO) .airflow .bench build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -not -path './.venv*' -prune -exec rm -rf {} +
