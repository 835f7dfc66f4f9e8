# Every step that a person, the pull request and .ci/run take. `make help` lists them.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-builtin-rules
export PYTHONPATH := plugins:.
# many short processes import the same packages, which uv installs without bytecode: each would compile them again
unexport PYTHONDONTWRITEBYTECODE

PYTHON ?= python3
PROJECT ?= credit_approval
DATA ?=
SNOWPARK ?=
ML ?=
ONLY ?=
KEEP ?= 1
PORT ?= 8080
PYTEST_ARGS ?=
# one worker process more than cores, because a third of the time is waiting, and two a core for the slow tests, which wait more;
# each with a server of its own; WORKERS= for none
CORES := $(shell getconf _NPROCESSORS_ONLN)
PROCESSES = $(shell echo $$(($(CORES) + 1)))
slow: PROCESSES = $(shell echo $$(($(CORES) * 2)))
WORKERS ?= --numprocesses $(PROCESSES)

BIN := .venv/bin
STAMP := .venv/.synced
UV = $(BIN)/uv
COMPILE = $(UV) pip compile --quiet --universal --no-annotate --generate-hashes --no-emit-package local-snowflake --custom-compile-command "make lock" pyproject.toml
COMPOSE := GIT_COMMIT=$(shell git rev-parse HEAD 2>/dev/null || echo unknown) docker compose

.PHONY: help env run up down test lint types types-of-product types-of-server unit slow official-suites bench screenshots lock sbom audit schema compose-up compose-run compose-down clean

help: ## list the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-15s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

env: $(STAMP) $(BIN)/snowloop ## make .venv with all that is needed, and .venv/bin/snowloop

# Made again only when the lock is newer. Needs python3 with venv; everything else comes from PyPI.
$(STAMP): requirements-dev.txt packages/local-snowflake/pyproject.toml
	@command -v $(PYTHON) >/dev/null || { echo "make env: no $(PYTHON) on this machine: install Python 3.11 to 3.14, or name one: make env PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 15))' || { echo "make env: $$($(PYTHON) --version) is not one of 3.11 to 3.14: name another: make env PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "make env: $(PYTHON) lacks its venv module: install it (Debian, Ubuntu: apt-get install python3-venv)" >&2; exit 1; }
	@echo "make env: installing $$(grep -c == $<) packages into .venv"
	@[ -x $(BIN)/python ] || $(PYTHON) -m venv .venv
	@awk '/^uv==/ {found = 1} found {print; if (!/\\$$/) exit}' $< > .venv/uv.txt
	@[ "$$($(UV) --version 2>/dev/null | cut -d' ' -f2)" = "$$(sed -n 's/^uv==\([^ ]*\).*/\1/p' .venv/uv.txt)" ] || \
	  { $(BIN)/python -m ensurepip >/dev/null && $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement .venv/uv.txt; }
	@$(UV) pip sync --quiet --require-hashes --python $(BIN)/python $<
	@$(UV) pip install --quiet --python $(BIN)/python --no-deps --editable packages/local-snowflake
	@touch $@

# The package is not installed: it is where Airflow finds it too, so that there is one of it.
$(BIN)/snowloop: | $(STAMP)
	@printf '%s\n' '#!$(abspath $(BIN))/python' 'import sys; sys.path.insert(0, "$(CURDIR)/plugins")' \
	  'from snowloop.cli.main import main; main()' > $@.part
	@chmod +x $@.part && mv $@.part $@

run: env ## the whole life cycle of PROJECT once, under Airflow, on the local Snowflake
	@$(BIN)/python -m stack run --project $(PROJECT) $(if $(DATA),--data $(DATA))

up: env ## local Snowflake and Airflow's UI at PORT, until `make down`
	@$(BIN)/python -m stack up --port $(PORT)

down: env ## stop all that runs on .local: what `make up` or a killed `make run` started, and the local Snowflake
	@$(BIN)/python -m stack down

test: lint types unit ## lint, types and the tests that are not slow: ten minutes on two cores

lint: env ## ruff, import contracts, yamllint, zizmor, hadolint
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	PYTHONPATH=plugins:.:packages/local-snowflake/src $(BIN)/lint-imports
	$(BIN)/yamllint --strict .
	$(BIN)/zizmor --offline --quiet .github action.yml
	$(BIN)/hadolint Dockerfile

types: env ## mypy of both distributions, each on a core of its own
	@$(MAKE) --jobs 2 --output-sync --no-print-directory types-of-product types-of-server

types-of-product:
	$(BIN)/mypy

types-of-server:
	cd packages/local-snowflake && PYTHONPATH= $(abspath $(BIN))/mypy

# threads of a training spin while they wait for each other: with more processes than cores it takes many times as long
unit slow: export OMP_NUM_THREADS ?= 1

unit: env ## the tests that are not slow, without lint and types; PYTEST_ARGS="-k name" for some of them
	$(BIN)/pytest -c pyproject.toml $(WORKERS) $(PYTEST_ARGS)

slow: env ## the slow tests: whole life cycles under Airflow, random trials, kills, and the compose stack where Docker runs
	$(BIN)/pytest -c pyproject.toml $(WORKERS) -m "slow or compose" $(PYTEST_ARGS)

official-suites: env ## the official libraries' own tests on the local Snowflake: SNOWPARK=checkout ML=checkout ONLY="words of modules"
	@cd packages/local-snowflake && $(abspath $(BIN))/python -m tests.official_suites $(if $(SNOWPARK),--snowpark $(abspath $(SNOWPARK))) $(if $(ML),--ml $(abspath $(ML))) $(if $(ONLY),--only $(ONLY)) --errors 10

bench: env ## the figures, measured side by side
	@$(BIN)/python -m benchmarks

lock: env ## make the requirements files from pyproject.toml; UPGRADE=1 for the newest that fit
	$(COMPILE) $(if $(UPGRADE),--upgrade) --extra local --extra postgres --extra dev --output-file requirements-dev.txt
	$(COMPILE) --constraint requirements-dev.txt --extra postgres --output-file requirements.txt
	$(COMPILE) --constraint requirements-dev.txt --extra local --output-file requirements-local.txt

sbom: env ## a bill of materials (CycloneDX) of each image, below dist/sbom
	@mkdir -p dist/sbom
	@for lock in requirements requirements-local; do \
	  $(UV) tool run --quiet --from cyclonedx-bom==7.5.0 cyclonedx-py requirements $$lock.txt --pyproject pyproject.toml \
	    --output-reproducible --output-file dist/sbom/$$lock.cdx.json; done
	@ls dist/sbom

audit: env ## known vulnerabilities of what is locked; skipped, with the reason, where the database is out of reach
	@if ! $(BIN)/python -c 'import urllib.request as r; r.urlopen("https://api.osv.dev/v1/vulns/PYSEC-2021-142", timeout=20)' 2>/dev/null; then \
	  echo "make audit: skipped: api.osv.dev, which has the known vulnerabilities, cannot be reached from here"; \
	else $(UV) tool run --quiet --from pip-audit==2.10.1 pip-audit --vulnerability-service osv --require-hashes --disable-pip \
	  $(foreach lock,requirements.txt requirements-local.txt,--requirement $(lock)); fi

compose-up: ## build and start the compose stack; VERBOSE=1 prints more
	@docker info >/dev/null 2>&1 || { echo "make compose-up: no Docker daemon answers: start Docker, or use make run, which needs none" >&2; exit 1; }
	@echo "building and starting the stack; the first build takes some minutes"
	@$(COMPOSE) $(if $(VERBOSE),,--progress quiet) up --detach --build --wait --quiet-pull

compose-run: env compose-up ## the life cycle of PROJECT in the compose stack; KEEP=0 takes the stack down afterwards
	@AIRFLOW_PASSWORD="$$($(COMPOSE) exec -T api-server cat /secrets/admin-password)" \
	  $(BIN)/python -m stack trigger --url "http://$$($(COMPOSE) port api-server 8080)" --dag $(PROJECT)__life_cycle
	@$(if $(filter 0,$(KEEP)),$(COMPOSE) down --volumes,echo "Airflow: http://$$($(COMPOSE) port api-server 8080) user admin, password: docker compose exec api-server cat /secrets/admin-password (make compose-down stops it)")

compose-down: ## stop the compose stack and delete its volumes
	@$(COMPOSE) down --volumes

screenshots: env ## the pictures of README and docs, from a run of PROJECT; the report needs a Chromium
	@$(BIN)/python docs/images/make.py --project $(PROJECT)

schema: env ## regenerate the JSON Schemas of project.yaml and targets.yaml, after a change of their types
	@$(BIN)/python -m snowloop.cli.main schema > include/projects/project.schema.json.part
	@mv include/projects/project.schema.json.part include/projects/project.schema.json
	@$(BIN)/python -m snowloop.cli.main schema --of targets > include/targets.schema.json.part
	@mv include/targets.schema.json.part include/targets.schema.json

clean: down ## stop the stack and delete its state
	@rm -rf .local build dist
