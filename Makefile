# Footfall. `make` lists what there is. What tests, `deny`, benchmarks and the soak start or run they install; the page is built with npm.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: help demo start run dev build createEvents seed migrate-up lint fmt deny advisories services browser dashboard openapi \
	test test-dashboard test-browser test-openapi test-deploy test-image test-unit test-property-long test-crash-long fuzz fuzz-keep soak \
	bench bench-load bench-queries bench-people bench-postgres bench-schema bench-micro bench-engines docs clean

CARGO ?= cargo
RELEASE := $(if $(CARGO_TARGET_DIR),$(CARGO_TARGET_DIR),target)/release
DEBUG := $(abspath $(if $(CARGO_TARGET_DIR),$(CARGO_TARGET_DIR),target))/debug
# The checker of dependencies, by version: another one is another folder.
DENY_VERSION := 0.20.2
DENY := $(abspath $(if $(CARGO_TARGET_DIR),$(CARGO_TARGET_DIR),target))/tools/cargo-deny-$(DENY_VERSION)/bin/cargo-deny
# The dashboard's source, and what is built of it; the tests in a browser.
WEB := crates/dashboard/web
PAGE := $(WEB)/dist/page/index.html
BROWSER_TESTS := crates/dashboard/e2e
# The browser is the system's own.
export PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD := 1
# Cases of each property test in test-property-long.
CASES ?= 50000
# Rounds of kill -9 in test-crash-long.
ROUNDS ?= 200
# Seconds for each fuzzer, and which; minutes of each soak, and further options, such as SOAK="--outage-every 30".
FUZZ_SECONDS ?= 600
FUZZ_TARGETS ?=
SOAK_MINUTES ?= 20
SOAK ?=
# Further options of the benchmarks, such as LOAD="--quick" or LOAD="--scenario single --rounds 5".
LOAD ?=
EVENTS ?= 10000000
# Requests that test-openapi makes up for each operation.
EXAMPLES ?= 15
# The seed of createEvents; by default another one each time, so that each time adds events.
SEED ?= $(shell date +%s)
# Sizes of bench-people; and further options, such as PEOPLE="--only segments".
DOMAINS ?= 10000000
MEMBERSHIPS ?= 5000000
PEOPLE ?=

help: ## List the targets
	@awk -F ':.*## ' '/^[a-zA-Z-]+:.*## / { printf "  make %-20s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: ## Build, start a service on a free port, send it events, ask it questions, stop it
	@scripts/demo.sh

start: ## Build for release and serve until Ctrl-C
	@scripts/need.sh "make start" $(CARGO) cc
	@scripts/dashboard.sh
	$(CARGO) build --release --locked -p footfall-server
	exec $(RELEASE)/footfall serve

run: ## Serve a debug build
	$(CARGO) run -p footfall-server -- serve

dev: ## Serve a debug build and start again on every change (with cargo-watch; without it as run)
	@if command -v cargo-watch >/dev/null; then \
	  exec cargo watch --watch crates --exec 'run -p footfall-server -- serve'; \
	else \
	  echo "cargo-watch is not there: serving once, without watching"; \
	  exec $(CARGO) run -p footfall-server -- serve; \
	fi

build: ## Build the release binary, target/release/footfall
	@scripts/need.sh "make build" $(CARGO) cc
	@scripts/dashboard.sh
	$(CARGO) build --release --locked -p footfall-server

dashboard: ## Build the dashboard's page, which the binary that is built next has in it (needs Node.js 20.19 or newer)
	@scripts/has-node.sh || { echo "make dashboard needs Node.js 20.19 or newer, with npm: https://nodejs.org/en/download" >&2; exit 1; }
	@$(MAKE) --no-print-directory $(PAGE)

$(PAGE): $(WEB)/node_modules/.installed $(shell find $(WEB) \( -name node_modules -o -name dist \) -prune -o -type f -print 2>/dev/null)
	cd $(WEB) && npm run build
	@touch $@

# Last in it, for npm empties the folder first.
%/node_modules/.installed: %/package-lock.json
	cd $* && npm ci
	@mkdir -p $(@D) && touch $@

lint: ## Check format, lints (warnings are errors) and the dependency rule
	@scripts/need.sh "make lint" $(CARGO) cargo-fmt cargo-clippy cc
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets --locked -- -D warnings
	scripts/check-dependencies.sh

fmt: ## Format the code
	$(CARGO) fmt --all

openapi: ## Write the API's description to docs/openapi.json, after a change of it
	$(CARGO) run --quiet --locked -p footfall-http --example openapi >docs/openapi.json.new
	mv docs/openapi.json.new docs/openapi.json

deny: $(DENY) ## Hold the dependencies to deny.toml: licences, sources, duplicates, and what must not be among them
	$(DENY) --locked check bans licenses sources

advisories: $(DENY) ## Look for known weaknesses of the dependencies; fetches the database of advisories from GitHub
	$(DENY) --locked check advisories

# Unoptimised: it builds in half the time, and checks in two seconds.
$(DENY):
	@scripts/need.sh "make deny" $(CARGO) cc
	$(CARGO) install --locked --quiet --debug --no-default-features --root $(@D)/.. --target-dir $(@D)/../build cargo-deny --version $(DENY_VERSION)
	@rm -rf $(@D)/../build

createEvents: ## Send 10,000 mail events of some 200 domains to the running server (SEED=1: the same ones again)
	@scripts/need.sh "make createEvents" $(CARGO) cc
	$(CARGO) build --release --locked -p footfall-server
	$(RELEASE)/footfall seed events --kind mail --count 10000 --seed $(SEED)

seed: ## Put 10,000 made-up users into segments of the running server; again renews them
	@scripts/need.sh "make seed" $(CARGO) cc
	$(CARGO) build --release --locked -p footfall-server
	$(RELEASE)/footfall seed users

migrate-up: ## Bring the schema of the configured database up (FOOTFALL__POSTGRES__URL)
	FOOTFALL__STORAGE__BACKEND=postgres $(CARGO) run --locked -p footfall-server -- migrate

services: ## Install the servers that tests start for themselves, where they are missing (PostgreSQL, PgBouncer, Redis, HAProxy, Prometheus, openssl)
	@scripts/install-services.sh

browser: ## Install what the browser tests need, where it is missing (Chromium, fonts, Node.js)
	@scripts/install-browser.sh

# The page comes before the binary is built, and cargo's tests come last: what is printed last is their summary.
test: services test-dashboard test-browser test-openapi ## Run every test; installs what they start
	@scripts/need.sh "make test" $(CARGO) cc
	$(CARGO) test --workspace --locked --lib --bins --tests
	TEST_BACKEND=embedded $(CARGO) test --locked -p footfall-server --test http
	TEST_BACKEND=postgres $(CARGO) test --locked -p footfall-server --test http

test-dashboard: browser dashboard ## Run the dashboard's own tests, and hold the page to its size
	cd $(WEB) && npm run check && npm test && npm run size

test-browser: browser dashboard $(BROWSER_TESTS)/node_modules/.installed ## Run the tests of the tracker and the page in Chromium
	@scripts/need.sh "make test-browser" $(CARGO) cc
	$(CARGO) build --locked -p footfall-server
	cd $(BROWSER_TESTS) && npm run check && FOOTFALL_BIN=$${FOOTFALL_BIN:-$(DEBUG)/footfall} npm test

test-openapi: services ## Hold the service to its description on each backend, with Schemathesis (EXAMPLES=15)
	@scripts/need.sh "make test-openapi" $(CARGO) cc curl
	@scripts/install-python.sh
	$(CARGO) build --locked -p footfall-server
	FOOTFALL_BIN=$${FOOTFALL_BIN:-$(DEBUG)/footfall} EXAMPLES=$(EXAMPLES) scripts/test-openapi.sh

test-deploy: ## Hold the files in deploy/ to their tools; installs those that it can
	@scripts/test-deploy.sh

test-image: ## Build the image and use the service of it, with its database and Redis; starts a container engine where none answers
	@scripts/test-image.sh

test-unit: services ## Run only the tests inside the crates, without the ones that start the binary
	$(CARGO) test --workspace --locked --lib --bins

test-property-long: services ## Run the property tests with many more cases (CASES=50000)
	PROPTEST_CASES=$(CASES) $(CARGO) test --workspace --locked --release

test-crash-long: ## Kill the real binary and start it again, many times under load (ROUNDS=200)
	FOOTFALL_CRASH_ROUNDS=$(ROUNDS) $(CARGO) test --locked -p footfall-server --test crash -- --nocapture

fuzz: ## Fuzz decoders, importers, normal forms and cursors (FUZZ_SECONDS=600 each, FUZZ_TARGETS="csv events"; needs cargo-fuzz)
	scripts/fuzz.sh $(FUZZ_SECONDS) $(FUZZ_TARGETS)

fuzz-keep: ## Take what the fuzzers found into fuzz/corpus, as few inputs as cover the same
	scripts/fuzz.sh keep $(FUZZ_TARGETS)

soak: services ## Soak each durable backend at 70 % of its peak, with the store and Redis restarted meanwhile (SOAK_MINUTES=20)
	$(CARGO) build --release --locked -p footfall-server -p footfall-bench
	$(RELEASE)/soak --backend embedded --minutes $(SOAK_MINUTES) $(SOAK)
	$(RELEASE)/soak --backend postgres --minutes $(SOAK_MINUTES) $(SOAK)

bench: bench-micro bench-load bench-queries bench-people bench-postgres ## Run all benchmarks: an hour or so; nothing else should run meanwhile

bench-micro: ## Measure single functions
	$(CARGO) bench --locked -p footfall-bench

bench-load: ## Measure ingestion over loopback beside a bare handler, on each backend (LOAD="--quick" for a smoke test)
	$(CARGO) build --release --locked -p footfall-server -p footfall-bench
	$(RELEASE)/load --backend embedded $(LOAD)
	$(RELEASE)/load --backend memory $(LOAD)
	scripts/install-services.sh
	$(RELEASE)/load --backend postgres $(LOAD)

bench-queries: services ## Measure disk, start, memory and questions over many stored events, on each backend (EVENTS=10000000)
	$(CARGO) build --release --locked -p footfall-server -p footfall-bench
	$(RELEASE)/queries $(EVENTS) embedded
	$(RELEASE)/queries $(EVENTS) memory
	$(RELEASE)/queries $(EVENTS) postgres

bench-people: services ## Measure mails to many domains, segments and users' activity, on each backend (DOMAINS=10000000 MEMBERSHIPS=5000000)
	$(CARGO) build --release --locked -p footfall-bench
	$(RELEASE)/people embedded --domains $(DOMAINS) --memberships $(MEMBERSHIPS) $(PEOPLE)
	$(RELEASE)/people memory --domains $(DOMAINS) --memberships $(MEMBERSHIPS) $(PEOPLE)
	$(RELEASE)/people postgres --domains $(DOMAINS) --memberships $(MEMBERSHIPS) $(PEOPLE)

bench-postgres: services ## Measure the postgres backend beside ceilings of the same server, empty and at EVENTS=10000000 rows
	$(CARGO) build --release --locked -p footfall-server -p footfall-bench
	$(RELEASE)/postgres $(EVENTS)

bench-schema: ## Measure the layouts that the postgres backend was chosen from, in an empty database (URL=postgres://…)
	scripts/bench-schema.sh "$(URL)"

bench-engines: ## Measure the engines that the embedded store was chosen from (docs/adr/0008-embedded-engine.md)
	cd crates/bench/engines && $(CARGO) run --release --locked

docs: ## Build the API documentation of the crates
	$(CARGO) doc --workspace --no-deps --locked

clean: ## Remove everything that was built
	$(CARGO) clean
	rm -rf $(WEB)/dist/page $(WEB)/node_modules $(BROWSER_TESTS)/node_modules $(BROWSER_TESTS)/test-results
