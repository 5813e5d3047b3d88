# Every target does the set-up that it needs; a second run skips what is there.
.DEFAULT_GOAL := help
.PHONY: help set-up demo run test test-tutorial test-flows compose bench bench-quick check format lock clean
BIN := .venv/bin

help: ## show the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | sort | expand -t 12

set-up: ## install Debian packages, Python packages, Asterisk, models, voices
	@sh app/set_up.sh
	@$(BIN)/callscribe set-up

demo: set-up ## one real call, transcribed live (DEMO_LANGUAGE, DEMO_FILE, DEMO_FLOW, KEEP=1)
	@$(BIN)/callscribe demo

run: set-up ## serve: API on 127.0.0.1:8080, SIP on 127.0.0.1:5060
	@exec $(BIN)/callscribe serve

test: set-up ## every test, with the real Asterisk, SIP callers and recognizers
	@$(BIN)/python -m tests.run_all

test-tutorial: set-up ## VoIPBIN's tutorial from its first line to its last, and the examples, on real calls
	@$(BIN)/pytest tests/tutorial

test-flows: set-up ## every kind of flow action, and the flows of flows/, on real calls
	@$(BIN)/pytest tests/asterisk/flows

compose: set-up ## compose the graph of the Korean Vosk model ahead: 2 minutes, 3 GB of memory, once
	@$(BIN)/callscribe models compose ko-KR || echo "going on with the graph composed while decoding"

bench: compose ## how many calls, how fast, past the limit, an hour of calls: two hours (BENCH="--soak-minutes 10")
	@$(BIN)/callscribe bench $(BENCH)

bench-quick: compose ## the same figures in about five minutes
	@$(BIN)/callscribe bench --quick $(BENCH)

check: ## format, lint, types, layers
	@sh app/set_up.sh
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: ## let ruff put the code into shape
	$(BIN)/ruff check --fix-only --quiet . ; $(BIN)/ruff format .

lock: ## pin all Python packages anew, from pyproject.toml
	$(BIN)/uv pip compile --quiet --generate-hashes --no-header --no-annotate --extra dev pyproject.toml -o requirements.txt

clean: ## remove the Python environment and what was installed; state stays
	rm -rf .venv var/install
