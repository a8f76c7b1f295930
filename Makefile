# Everything that a person calls. `make help` lists it.
SHAPE ?= embedded
PYTHON ?= python3
# One of three is always waiting for a server or a process; `make check` waits for nothing.
WORKERS ?= 3
# Which part of the large modules `make test` takes: three turns (0, 1, 2) take them whole. See docs/dev/tests.md.
TURN ?= 0
# How many days ahead `make test-later` looks.
DAYS ?= 45
# Where `make run` serves, and the folder of its demonstration ministry.
PORT = 8000
DATA = data
CORES := $(shell nproc)
BIN := .venv/bin
SETUP := $(PYTHON) scripts/setup.py
BENCHES := $(patsubst bench/%.py,%,$(wildcard bench/[a-z]*.py))

# Where this is set, every process compiles all its modules anew: a site starts in twice the time.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help run demo test test-long test-later check quick lint fetched collected sbom docs pages pictures day bench deadlocks malformed chaos power-cuts mutate bundle bundle-try bundle-systemd fmt clean

help: ## list these commands
	@sed -n 's/^\([a-z*%-]*\):[^#]*## \(.*\)/  make \1|\2/p' Makefile | while IFS='|' read -r name text; do \
		printf '%-15s %s\n' "$$name" "$$text"; done
	@echo "Benchmarks there are: $(or $(BENCHES),none yet)"

run: ## install what is missing, load the demonstration ministry, do the main job once, serve on 127.0.0.1 (PORT=8000, DATA=data)
	@$(SETUP) run
	@exec $(BIN)/ged run --bind "127.0.0.1:$(PORT)" --data "$(DATA)"

demo: ## do the main job and exit with 0 or the reason (SHAPE=embedded or SHAPE=servers)
	@$(SETUP) $(if $(filter servers,$(SHAPE)),test,run)
	@exec $(BIN)/ged demo --shape $(SHAPE)

test: ## install what is missing for the tests too, then format, lint, types, layers and all tests
	@$(SETUP) check
	@$(MAKE) --no-print-directory --jobs=3 lint sbom collected
	@GED_TEST_TURN=$(TURN) exec $(BIN)/pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder

test-long: ## `make test` with all that takes long: each night, and before a release
	@GED_TEST_LONG=1 exec $(MAKE) --no-print-directory test

test-later: ## the tests as they will be in DAYS days: what fails here alone will fail then (needs a C compiler)
	@$(SETUP) check
	@$(MAKE) --no-print-directory collected
	@$(CC) -shared -fPIC -O2 -o .cache/later.so tests/later.c -ldl
	@LD_PRELOAD=$(CURDIR)/.cache/later.so GED_TEST_DAYS_LATER=$(DAYS) GED_TEST_TURN=$(TURN) \
		exec $(BIN)/pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder

check: ## in under a minute: format, lint, types, layers, unit tests, contract tests on the embedded plugs
	@$(SETUP) check
	@$(MAKE) --no-print-directory --jobs=2 lint quick

quick: ## the tests of `make check` alone
	@exec $(BIN)/pytest tests/unit tests/contracts tests/arch -m 'not slow and not servers and not browser' -n $(CORES) --dist loadfile

lint: ## format, lint, types and layers alone
	@mkdir -p .cache
	@$(BIN)/ruff format --check --quiet . || { echo "Not formatted: call 'make fmt'."; exit 1; }
	@$(BIN)/ruff check --quiet .
	@$(BIN)/mypy --no-error-summary
	@$(BIN)/lint-imports --no-cache > .cache/layers.log 2>&1 || { cat .cache/layers.log; exit 1; }

fetched: ## fetch the servers and judges of the tests, where they are missing
	@$(SETUP) test

collected: fetched ## compile the tests that changed once, so that no worker of `make test` compiles them for itself
	@mkdir -p .cache
	@changed=$$(if [ -e .cache/collected.log ]; then find tests -name 'test_*.py' -newer .cache/collected.log; else echo tests; fi); \
		[ -z "$$changed" ] || $(BIN)/pytest --collect-only --quiet $$changed > .cache/collecting.log 2>&1 \
			|| { cat .cache/collecting.log; exit 1; }; \
		[ -z "$$changed" ] || mv .cache/collecting.log .cache/collected.log

sbom: ## write what the program is made of to .cache/sbom.json (CycloneDX, from the lock, with the hashes)
	@mkdir -p .cache
	@$(BIN)/python -W ignore -m cyclonedx_py requirements requirements.txt --pyproject pyproject.toml --mc-type application \
		--output-reproducible --validate -o .cache/sbom.json 2> .cache/sbom.log || { cat .cache/sbom.log; exit 1; }

docs: ## write docs/ as pages to .cache/docs (start at index.html), and find broken links
	@$(SETUP) check
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet --strict

pages: ## every page as every role that may see it, in both languages and at both widths each, under axe; a quarter of an hour
	@$(SETUP) test
	@GED_TEST_LONG=1 exec $(BIN)/pytest -q -s --timeout 3600 tests/integration/test_every_page.py

pictures: ## play a morning of the demonstration ministry and make the pictures of the guide anew
	@$(SETUP) test
	@GED_TEST_CHROMIUM=/usr/bin/chromium GED_TEST_PICTURES=1 exec $(BIN)/pytest -q --timeout 900 tests/journeys/test_guide_pictures.py

day: ## play a whole day of the ministry in a browser with 40 letters (LETTERS=40); a picture of each page in .cache/day
	@$(SETUP) test
	@rm -rf .cache/day
	@GED_TEST_DAY=$(or $(LETTERS),40) GED_TEST_DAY_PICTURES=.cache/day \
		GED_TEST_CHROMIUM=/usr/bin/chromium exec $(BIN)/pytest -q -s --timeout 1800 tests/journeys/test_day.py

bench: ## run every benchmark, one after the other
	@$(SETUP) bench
	@set -e; for name in $(BENCHES); do echo "== $$name"; $(BIN)/python -m bench.$$name; done

bench-bridge: ## a stack of 50 sheets, agent, server and network killed 100 times (KILLS=100), figures as JSON lines
	@$(SETUP) test
	@KILLS=$(or $(KILLS),100) exec $(BIN)/pytest -s tests/faults/test_bridge_hundred_kills.py

bench-bytes: ## a signed PDF changed at 2,000 random places of a fresh seed (PLACES=2000) and at all structural ones
	@$(SETUP) test
	@GED_TEST_PLACES=$(or $(PLACES),2000) exec $(BIN)/pytest -q -s --timeout 1800 tests/integration/test_every_byte.py

bench-kills: ## PostgreSQL killed 20 times (KILLS=20) while six clerks register, figures as a JSON line
	@$(SETUP) test
	@GED_TEST_KILLS=$(or $(KILLS),20) exec $(BIN)/pytest -q -s tests/faults/test_answered_is_durable.py -k killed

chaos: ## kill site, workers, bridge, PostgreSQL, Redis and Elasticsearch 300 times (KILLS=300) while people work; an hour
	@$(SETUP) test
	@GED_TEST_LONG=1 GED_TEST_CHAOS=$(or $(KILLS),300) exec $(BIN)/pytest -q -s tests/faults/test_chaos.py

power-cuts: ## the power fails 20 times (CUTS=20, 25 at most) under scanning and registering; unsynced writes are lost
	@$(SETUP) test
	@GED_TEST_LONG=1 GED_TEST_CUTS=$(or $(CUTS),20) exec $(BIN)/pytest -q -s tests/journeys/test_power_cut.py

bench-%: ## run one benchmark of the folder bench/
	@$(SETUP) bench
	@exec $(BIN)/python -m bench.$*

deadlocks: ## play the crossings of people and jobs 200 times each on PostgreSQL (ROUNDS=200)
	@$(SETUP) test
	@GED_TEST_DEADLOCKS=$(or $(ROUNDS),200) exec $(BIN)/pytest -q --timeout 3600 tests/faults/test_deadlocks.py

malformed: ## read 500 malformed files made from a fresh seed (FILES=500); some minutes
	@$(SETUP) test
	@GED_TEST_MALFORMED=$(or $(FILES),500) exec $(BIN)/pytest -q -s tests/faults/test_malformed.py

mutate: ## change the program in one small place at a time: do its tests notice? (AREA=access, or all; long)
	@$(SETUP) mutate
	@exec $(BIN)/python scripts/mutate.py $(AREA)

bundle: ## write dist/ged-VERSION.tar, which installs without network (SIGN=OPENPGP-KEY, WITH="further Debian packages", EXTRA=second-reader)
	@$(SETUP) run
	@$(BIN)/python scripts/bundle.py --sign "$(SIGN)" --with "$(WITH)" --extra "$(EXTRA)"

bundle-try: ## install that bundle in a bare Debian without network and find a first letter there (root, debootstrap; ten minutes)
	@$(SETUP) run
	@sh scripts/bundle_try.sh "$(BUNDLE)"

bundle-systemd: ## the same bundle under a real systemd: killed, frozen, powered off, upgraded while a client asks (root, systemd-container)
	@$(SETUP) run
	@sh scripts/systemd_try.sh "$(BUNDLE)"

fmt: ## format the sources and repair what the linter can repair
	@$(SETUP) check
	@$(BIN)/ruff check --fix --quiet . || true
	@$(BIN)/ruff format .

clean: ## remove what was installed or built in this folder; data/ and the fetched Elasticsearch stay
	rm -rf .venv node_modules web/static/vendor .cache/*.log .cache/*.lock .mypy_cache .ruff_cache .pytest_cache .import_linter_cache \
		.hypothesis build *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
