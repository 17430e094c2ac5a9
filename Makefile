# Stockbridge. `make demo`, `make start` and `make test` need Python 3.11, make and git, nothing else.

PYTHON ?= python3.11
VENV ?= .venv
BIN := $(VENV)/bin
WORKERS ?= 3

.PHONY: install install-dev demo start test lint bench reliability format lock

install: $(VENV)/.installed
install-dev: $(VENV)/.installed-dev

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: requirements.lock | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	touch $@

$(VENV)/.installed-dev: requirements-dev.lock requirements.lock | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	touch $@ $(VENV)/.installed

# A shop and an ERP on this machine, orders every few seconds, and the portal between them, until Ctrl-C. Which:
# make demo STORE=woocommerce ERP=odoo
demo: install
	$(BIN)/python manage.py demo $(if $(STORE),--store $(STORE)) $(if $(ERP),--erp $(ERP))

# The empty portal: asks for an e-mail and a password, then begins at the first connection.
start: install
	$(BIN)/python manage.py migrate --verbosity 0
	$(BIN)/python manage.py start

test: install-dev
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder $(ARGS)

lint: install-dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

format: install-dev
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

# What operations cost, as ratios to a floor measured in the same run.
bench: install
	$(BIN)/python manage.py migrate --verbosity 0
	$(BIN)/python manage.py bench $(ARGS)

# The promises in full numbers; takes hours.
reliability: install-dev
	RELIABILITY_FULL=1 $(BIN)/python -m pytest -m reliability --timeout 14400 $(ARGS)

# Needs uv.
lock:
	uv pip compile pyproject.toml --quiet --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
		--upgrade --output-file requirements.lock
	uv pip compile pyproject.toml --group dev --quiet --python-version 3.11 --generate-hashes --no-emit-index-url \
		--no-header --constraint requirements.lock --output-file requirements-dev.lock
