# Everything a developer does, on a machine with Python 3.11 or later, pip and make.
# Nothing needs an activated virtual environment: each target makes or mends .venv itself.

# The first Python here that is new enough and can make virtual environments.
PYTHON ?= $(shell for python in python3.12 python3.11 python3 python3.13 python3.14; do \
	$$python -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	&& echo $$python && break; done)
# Parallel test processes: a number, or "logical" for one per processor.
JOBS ?= logical
# How long the proofs of money go on.
STEPS ?= 100000
CHECKOUTS ?= 1000
# How many requests the memory of a web process is watched over.
REQUESTS ?= 50000
# More arguments for the tool behind a target: make test ARGS="users -k login".
ARGS ?=

LOCK := requirements/development.txt
SERVERS_LOCK := requirements/servers.txt
STAMP := .venv/installed.txt
BIN := .venv/bin
TEST_ENV := $(BIN)/python -m devtools.launcher test-env --
MANAGE := $(BIN)/python manage.py
# With hashes, for every Python from 3.11 on and every platform.
LOCKING := $(BIN)/uv pip compile --quiet --universal --no-strip-extras --generate-hashes --python-version 3.11 \
	--no-emit-index-url --no-header
# What production insists on, for checks that only look at its settings. The key is new each time:
# production refuses one that is known.
PRODUCTION := env DJANGO_SETTINGS_MODULE=learnflow.settings.production ALLOWED_HOSTS=learnflow.test \
	SECRET_KEY="$$($(BIN)/python -c 'import secrets; print(secrets.token_urlsafe(48))')" \
	API_BASE_URL=https://api.learnflow.test FRONTEND_URL=https://learnflow.test

.DEFAULT_GOAL := help
.PHONY: help run demo-purchase manage doctor test crash-test state-test checkout-test memory-test upgrade-test land-migrations bench check lint types imports migrations deployment schema-drift \
	locks schema format lock clean

help: ## List these targets
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-15s %s\n", $$1, $$2}' Makefile

run: $(STAMP) ## Start LearnFlow: databases, web, worker, beat, demo data (Ctrl-C stops it)
	@exec $(BIN)/python -m devtools.launcher run

demo-purchase: $(STAMP) ## Buy, learn and get a certificate at the running instance
	@$(BIN)/python -m devtools.demo_purchase $(ARGS)

manage: $(STAMP) ## Run a Django command at the running instance (ARGS="createsuperuser")
	@$(BIN)/python -m devtools.launcher manage $(ARGS)

doctor: $(STAMP) ## Say how the running instance is: processes, jobs, mail, Stripe, dead letters
	@$(BIN)/python -m devtools.launcher manage doctor

test: $(STAMP) ## Run the whole test suite, with its own PostgreSQL and Redis
	$(TEST_ENV) $(BIN)/python -m pytest -n $(JOBS) --dist loadgroup $(ARGS)

crash-test: $(STAMP) ## Kill the product at every exchange with its services (ARGS="--flow purchase --every 10")
	$(TEST_ENV) $(BIN)/python -m tests.crash --shares 3 $(ARGS)

state-test: $(STAMP) ## Prove money right: random histories, every order of Stripe's events (STEPS=100000)
	PROOF_STEPS=$(STEPS) $(TEST_ENV) $(BIN)/python -m pytest tests/proof/test_states.py \
		tests/proof/test_event_orders.py -v -n $(JOBS) --dist worksteal $(ARGS)

checkout-test: $(STAMP) ## Let 100 people buy 50 courses at once (CHECKOUTS=1000)
	PROOF_CHECKOUTS=$(CHECKOUTS) $(TEST_ENV) $(BIN)/python -m pytest tests/proof/test_checkouts.py $(ARGS)

memory-test: $(STAMP) ## Watch a web process' memory over REQUESTS=50000 of the largest pages
	PROOF_REQUESTS=$(REQUESTS) $(TEST_ENV) $(BIN)/python -m pytest tests/proof/test_memory.py $(ARGS)

upgrade-test: $(STAMP) ## Run tests of the version before on the newest schema (ARGS="orders/tests")
	$(TEST_ENV) $(BIN)/python -m devtools.upgrades previous $(ARGS)

land-migrations: $(STAMP) ## Write down what is deployed as the version before (ARGS=REVISION)
	@$(BIN)/python -m devtools.upgrades land $(ARGS)

bench: $(STAMP) ## Measure the catalogue beside two reference servers (ARGS="--only list"; needs wrk)
	@$(BIN)/python -m benchmarks.run $(ARGS)

check: lint types imports migrations deployment schema-drift locks ## Check style, types, imports, migrations, schema, locks
	@echo "All checks passed."

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(STAMP)
	$(BIN)/mypy .

imports: $(STAMP)
	$(BIN)/lint-imports

migrations: $(STAMP)
	$(TEST_ENV) sh -c "$(MANAGE) makemigrations --check --dry-run && $(BIN)/python -m devtools.upgrades check"

deployment: $(STAMP)
	$(TEST_ENV) $(PRODUCTION) $(MANAGE) check --deploy --fail-level WARNING

schema-drift: $(STAMP)
	@$(MANAGE) spectacular --validate --fail-on-warn --file .venv/openapi.yaml
	@diff -u docs/openapi.yaml .venv/openapi.yaml || { echo "docs/openapi.yaml is out of date: run make schema"; exit 1; }

locks: $(STAMP)
	$(BIN)/python -m devtools.locks requirements

schema: $(STAMP) ## Rewrite docs/openapi.yaml from the code
	$(MANAGE) spectacular --validate --fail-on-warn --file docs/openapi.yaml

format: $(STAMP) ## Format the code and mend what ruff can mend
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

lock: $(STAMP) ## Pin the requirements again (ARGS=--upgrade takes newer versions)
	@for name in base testing development production; do $(LOCKING) $(ARGS) \
		requirements/$$name.in --output-file requirements/$$name.txt || exit 1; done
	@$(LOCKING) $(ARGS) --constraint $(LOCK) requirements/servers.in --output-file $(SERVERS_LOCK)
	@$(BIN)/python -m devtools.locks.complete requirements/*.txt

clean: ## Delete .venv, caches and the state of make run; a configured database stays as it is
	@if [ -x $(BIN)/python ]; then $(BIN)/python -m devtools.launcher clean; fi
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .coverage htmlcov
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Up to date while the lock's text is what was installed; a mere new date (git checkout) costs nothing.
$(STAMP): $(LOCK) $(SERVERS_LOCK)
	@if cat $(LOCK) $(SERVERS_LOCK) | cmp -s - $(STAMP) && $(BIN)/python -c '' && test ! -e .venv/unfinished; \
		then touch $(STAMP); else $(MAKE) --no-print-directory install; fi

.PHONY: install
install:
	@test -n "$(PYTHON)" || { echo "LearnFlow needs Python 3.11 or later with venv and pip."; exit 1; }
	@$(PYTHON) -m devtools.install
