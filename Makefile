# Everything starts here; `make help` lists it. Folders made (.venv, assets, out) are ignored by git.
SHELL := /bin/sh
.DEFAULT_GOAL := help
.PHONY: help env dev-env test-deps models run test test-faults check bench picture clean

VENV := .venv
LOCKS := image-build/python
CUTS := 60
SEED := 20261124
SHELLCHECK = $(or $(wildcard $(VENV)/bin/shellcheck),shellcheck)

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /\1	/p' Makefile | expand -t 12

env: $(VENV)/.run-stamp ## make .venv from the hash-pinned lock, with .venv/bin/polewatch

$(VENV)/.run-stamp: $(LOCKS)/run.lock $(LOCKS)/make-env.sh pyproject.toml
	$(LOCKS)/make-env.sh
	@touch $@

dev-env: $(VENV)/.dev-stamp ## the same and the tools that tests and checks need

$(VENV)/.dev-stamp: $(VENV)/.run-stamp $(LOCKS)/dev.lock
	$(VENV)/bin/python -m pip install --disable-pip-version-check --quiet \
	    --require-hashes --no-deps --only-binary :all: -r $(LOCKS)/dev.lock
	@touch $@

test-deps: ## Debian packages that tests need: installed as root, else named
	@tests/debian-packages.sh

models: env ## fetch models and the sample clip into assets/, checked by sha256
	@$(VENV)/bin/polewatch models fetch --sample

run: models ## a pole on the sample clip, a station that pulls it: 127.0.0.1:8470 and 8471
	@$(VENV)/bin/polewatch demo --data out/demo

test: dev-env test-deps models ## all tests but those of test-faults
	@$(VENV)/bin/python -m pytest -n 3 --dist loadfile --ignore tests/faults

test-faults: dev-env test-deps ## kills, power cuts, flipped bits, hangs; a table at the end; CUTS=200 for more cuts
	@$(VENV)/bin/python -m pytest -n 2 --dist load tests/faults --cuts $(CUTS) --seed $(SEED)

check: dev-env ## style, types, import layers, sizes, dead code, shell scripts
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	$(VENV)/bin/vulture
	$(SHELLCHECK) .ci/run $$(git ls-files '*.sh')
	@$(VENV)/bin/python -m pytest -q tests/repo

bench: models ## the budget figures of this machine, as a table
	$(VENV)/bin/polewatch bench

picture: models dev-env ## draw the README's pictures anew: the scene, the pages
	@$(VENV)/bin/python docs/make_picture.py docs/picture.svg
	@$(VENV)/bin/python -m docs.make_page_picture docs/page.png
	@$(VENV)/bin/python -m docs.make_station_picture docs/station.png

clean: ## remove everything that was made here
	rm -rf $(VENV) assets out *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
