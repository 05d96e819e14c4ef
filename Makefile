# Every target sets up what it needs: a .venv with exactly what requirements.lock pins.
PYTHON ?= python3
BIN    := .venv/bin
READY  := .venv/.ready

.DEFAULT_GOAL := help
.PHONY: run test test-slow check bench torture help lock

run: $(READY) ## trade on paper; options in ARGS: make run ARGS="--for 90s"
	@trap : INT; $(BIN)/python run.py run $(ARGS); code=$$?; [ $$code -eq 130 ] || exit $$code

test: $(READY) ## run all but the slow tests, under two minutes; options in ARGS: make test ARGS="tests/domain -x"
	@$(BIN)/python -m pytest -m "not slow" -n logical --dist worksteal $(ARGS)

test-slow: $(READY) ## run the slow tests: real sockets and processes, kills, torture; most of their time is waiting
	@$(BIN)/python -m pytest -m slow -n 4 --dist worksteal $(ARGS)

check: $(READY) ## lint, formatting, types
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

bench: $(READY) ## measure, and write benchmarks/latest.json
	@$(BIN)/python -m benchmarks $(ARGS)

torture: $(READY) ## the long torture: 120 worlds, pairs of crashes, and each safeguard taken out
	@$(BIN)/python run.py torture --seeds 120
	@$(BIN)/python run.py torture --crashes pairs --seeds 12
	@$(BIN)/python -m benchmarks.safeguards

help: ## show this
	@awk -F ':[^#]*## ' '/^[a-z-]+:.*## / { printf "make %-9s %s\n", $$1, $$2 }' Makefile

lock: ## for maintainers: pin the newest allowed versions in requirements.lock (needs uv)
	@uv pip compile pyproject.toml --extra live --extra notebook --group dev --universal --python-version 3.11 --upgrade \
		--generate-hashes --no-annotate --custom-compile-command "make lock" --quiet --output-file requirements.lock

$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.version_info < (3, 11) and sys.exit("Tidegate needs Python 3.11 or newer, this is " \
		+ sys.version.split()[0] + ": name one by make PYTHON=...")'
	@echo "setting up .venv ..." >&2
	@if command -v uv >/dev/null; then \
		uv venv --quiet --clear --python "$$($(PYTHON) -c 'import sys; print(sys.executable)')" .venv && \
		uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements.lock && \
		uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --no-index -e . ; \
	else \
		$(PYTHON) -m venv --clear .venv && \
		$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock && \
		$(BIN)/python -m pip install -qq --disable-pip-version-check --no-deps --no-build-isolation --no-index -e . ; \
	fi
	@touch $@
