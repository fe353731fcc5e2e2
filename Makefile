# Two commands set everything up: `make run` and `make test`. The rest serves those who change the hub.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
LISTEN ?= 127.0.0.1:8080
DATA ?= ./data

.PHONY: help run test lint unit peers judges chaos attacks fuzz bench check generate

help: ## list these commands
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /  make \1\t/' | expand -t 16

run: ## build and start the reference city on http://127.0.0.1:8080
	@.ci/prerequisites run
	@echo "building the hub (the first time takes a few minutes) ..."
	@cargo build --locked -p hub-server
	@exec ./target/debug/hub demo --listen $(LISTEN) --data-dir $(DATA)

test: ## install what the tests need and run all of them
	@.ci/prerequisites test
	@$(MAKE) --no-print-directory lint
	@$(MAKE) --no-print-directory unit
	@echo "asking outside judges ..."
	@hub/server/tests/peers/run

lint: ## formatting and clippy
	@echo "checking format and lints ..."
	@cargo fmt --all --check
	@cargo clippy --locked --workspace --all-targets -- -D warnings

# The hub that the tests call is built with them: for itself it would be built once more, with other features of a few crates.
unit: ## every Rust test, through a real hub where it matters
	@echo "building the hub and its tests ..."
	@start=$$SECONDS; cargo nextest run --locked --workspace --no-run; \
	 echo "build time: $$((SECONDS - start)) s"
	@.ci/services run cargo nextest run --locked --workspace --no-fail-fast

peers: ## judges from outside: Redocly, openapi-spec-validator, Schemathesis, Specmatic, a generated client, browsers, identity providers
	@echo "asking outside judges ..."
	@cargo build --locked -q -p hub-server
	@hub/server/tests/peers/run

judges: ## Schemathesis and Specmatic against `hub mock` over the whole corpus and the sandbox, some hours; writes docs/figures/judges.md
	@cargo build --locked -q -p hub-server
	@target/peers/venv/bin/python hub/server/tests/peers/corpus.py --write

chaos: ## kill -9 of hubs and upstream while CHAOS=10000 submissions and SIGN_INS=1000 sign-ins are made
	@.ci/prerequisites test
	@cargo build --locked -p hub-server
	@CHAOS=$${CHAOS:-10000} SIGN_INS=$${SIGN_INS:-1000} .ci/services run cargo nextest run --locked -p hub-server -E 'test(chaos_over)' --no-capture

attacks: ## take the checks against attacks on signing in out of a build, one at a time, and see their tests fail
	@.ci/prerequisites test
	@.ci/services run python3 hub/server/tests/attacks.py

fuzz: ## attack decoders with a million inputs, every system with 10,000 spoiled answers and 200 values an operation
	@HUB_FUZZ_INPUTS=1000000 HUB_FUZZ_ANSWERS=10000 HUB_FUZZ_VALUES=200 \
	 cargo nextest run --locked --no-capture --cargo-profile release -p hub-connectors -p hub-sandbox \
	 -E 'test(hostile_bytes) | test(bounded) | test(hostile_texts) | test(mutated_answers) | test(round_trips)'

check: ## check specs, connectors and policies
	@cargo run --locked -q -p hub-server -- check

generate: ## write the generated documents anew (schemas, the hub's own API, the problem pages)
	@UPDATE_GENERATED=1 cargo nextest run --locked --workspace -E 'test(generated)'

bench: ## measure against nginx in one interleaved run (builds release)
	@.ci/prerequisites bench
	@cargo build --locked --release -p hub-server
	@missed=0; for one in hub/server/bench/run "python3 hub/server/bench/mock.py" "python3 hub/server/bench/register.py" \
	 "python3 hub/server/bench/sso.py" ".ci/services run python3 hub/server/bench/withdrawn.py" \
	 "python3 hub/server/bench/calls.py target/release/hub"; do echo "== $$one"; $$one || missed=1; done; exit $$missed
