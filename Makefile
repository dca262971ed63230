# Everything a developer runs. `make setup` happens by itself, once for each change of the lock file.
# ARGS goes to the command: make test ARGS="tests/domain -x", make demo ARGS=--help.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/ready
BENCHMARKS :=
CACHES := .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis build dist

COMPILE := --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header

.DEFAULT_GOAL := help
.PHONY: help mesh-sandbox setup demo test check format bench torture conformance docs lock wheel sbom fuzz audit clean

help:  ## Say what there is
	@awk -F ':.*## ' '/^[a-z]+:.*##/ {printf "%-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(READY)  ## Make .venv with every dependency, by the lock file

$(READY): requirements-dev.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=...")'
	$(PYTHON) -m venv --clear $(VENV)
	$(BIN)/pip install --quiet --require-hashes --requirement requirements-dev.lock
	$(BIN)/pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

demo: $(READY)  ## Show a referral going out and its outcome coming back
	$(BIN)/bridge demo $(ARGS)

test: $(READY)  ## Run the tests
	$(BIN)/pytest $(ARGS)

check: $(READY)  ## Lint, types, import rules, spelling, house rules
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/codespell
	$(BIN)/pytest -q tests/test_house.py tests/test_lock.py tests/errors tests/docs

format: $(READY)  ## Put code into its form
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

bench: $(READY)  ## Measure everything in ratios, or some of it: BENCHMARKS="intake drain"
	$(BIN)/python -m benchmarks $(BENCHMARKS)

torture: $(READY)  ## The long form of the tests: kills, cut lines, full disks
	$(BIN)/pytest -m slow $(ARGS)

conformance: $(READY)  ## Have the HL7 validator judge what leaves; needs Java and Node
	$(BIN)/pytest -m conformance $(ARGS)

docs: $(READY)  ## Write docs/reference anew from the code
	$(BIN)/python docs/generate.py

lock: $(READY)  ## Choose the newest allowed versions and write both lock files
	$(BIN)/pip install --quiet uv
	$(BIN)/uv pip compile pyproject.toml --extra postgres --extra letters $(COMPILE) --output-file requirements.lock
	$(BIN)/uv pip compile pyproject.toml --extra postgres --extra letters --group dev --constraints requirements.lock \
		$(COMPILE) --output-file requirements-dev.lock

# It pins the versions of libraries we use too, so it has an environment of its own.
mesh-sandbox: .venv-mesh/ready  ## Install NHS England's MESH sandbox, which the tests of letters need

.venv-mesh/ready:
	$(PYTHON) -m venv --clear .venv-mesh
	.venv-mesh/bin/pip install --quiet mesh-sandbox==1.0.137
	@touch $@

wheel: $(READY)  ## Build the wheel and the source archive into dist/
	$(BIN)/hatchling build

sbom: $(READY)  ## Write dist/sbom.json (CycloneDX) of what runs in production
	mkdir -p dist
	$(BIN)/cyclonedx-py requirements --pyproject pyproject.toml --output-reproducible -o dist/sbom.json requirements.lock

fuzz: $(READY)  ## Odd requests by the thousand, then schemathesis over the OpenAPI (in .fuzz, from PyPI)
	FUZZ_EXAMPLES=5000 $(BIN)/pytest tests/security/test_fuzz.py --timeout 1800 $(ARGS)
	test -x .fuzz/bin/st || { $(PYTHON) -m venv .fuzz && .fuzz/bin/pip install --quiet schemathesis; }
	$(BIN)/python -m tests.security.open_api .fuzz/bin/st

audit: $(READY)  ## Ask the advisory database about every locked version
	$(BIN)/pip-audit --disable-pip --require-hashes --requirement requirements.lock

clean:  ## Remove .venv, caches and what was built; data in var/ stays
	rm -rf $(VENV) $(CACHES)
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
