# Two commands do everything: `make app` and `make test`.  `make help` lists the others.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
RUN_TESTS := $(BIN)/python -m pytest -n auto --dist loadgroup

.PHONY: app test help fast coverage lint records bench hooks wheel clean

app: $(VENV)/app.done ## the app on http://127.0.0.1:8501, in an environment of its own
	$(BIN)/python -m streamlit run app.py

test: $(VENV)/test.done ## style, types and all tests; what CI runs
	$(BIN)/python -m ruff check .
	$(BIN)/python -m ruff format --check .
	$(RUN_TESTS)

fast: $(VENV)/test.done ## the tests to run while working: under a minute
	$(BIN)/python -m ruff check .
	$(RUN_TESTS) tests/test_street.py tests/test_registries.py tests/test_pruning.py \
		tests/contracts/test_records.py tests/contracts/test_pruner_settings.py tests/runs tests/cutting/test_masks.py \
		tests/cutting/test_selection.py tests/information/test_terc.py tests/reports tests/figures

coverage: $(VENV)/test.done ## all tests but the browser's, with the share of lines they run
	$(RUN_TESTS) --ignore tests/browser --ignore tests/packaging --ignore tests/newcomers --ignore tests/pages/test_many_visitors.py --cov mipp_core --cov pages --cov-report term:skip-covered

lint: $(VENV)/test.done ## mend what ruff can mend, and check the types
	$(BIN)/python -m ruff check --fix .
	$(BIN)/python -m ruff format .
	$(BIN)/python -m mypy

records: $(VENV)/test.done ## write tests/contracts/records.json anew, after a change that is meant
	PYTHONPATH=. $(BIN)/python tests/contracts/records.py

bench: $(VENV)/test.done ## what is fast beside the plain way and torch-pruning, in small sizes: some minutes
	$(BIN)/python -m pip install --quiet --disable-pip-version-check torch-pruning
	$(BIN)/python -m benchmarks

hooks: $(VENV)/test.done ## style checks before every commit
	$(BIN)/python -m pip install --quiet --disable-pip-version-check pre-commit
	$(BIN)/python -m pre_commit install

wheel: $(VENV)/test.done ## the package, in dist/
	$(BIN)/python -m pip wheel --quiet --no-deps --no-build-isolation --wheel-dir dist .

help: ## this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## (.*)/  make \1\t\2/' | expand -t 20

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/app.done: requirements.txt | $(BIN)/python
	@echo "Installing the packages into $(VENV), once: some minutes, most of them for torch."
	$(BIN)/python -m pip install --disable-pip-version-check -r requirements.txt
	touch $@

$(VENV)/test.done: requirements-test.txt requirements.txt | $(BIN)/python
	@echo "Installing the packages and the tests' into $(VENV), once: some minutes, most of them for torch."
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-test.txt
	touch $@

clean: ## remove the environment and all caches
	rm -rf $(VENV) .pytest_cache .ruff_cache .mypy_cache dist
