# The table of contents of what can be done here. `make demo` and `make test` need nothing before them.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
SITE_STAMP := $(VENV)/.site-installed
# nbgrader calls `alembic` and `jupyter` by name, so the environment's programs must be found first.
export PATH := $(CURDIR)/$(BIN):$(PATH)

.PHONY: help setup demo test audit notebooks site bench lint format clean

help:  ## list the targets
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 12

setup: $(STAMP)  ## create .venv and install the pinned requirements

$(STAMP): requirements.txt pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; call: make PYTHON=python3.11 ...")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	$(BIN)/course build --sources > /dev/null
	touch $(STAMP)

demo: setup  ## grade a simulated class of lab 1, write build/demo/lab1_sine_gan/report.html and feedback
	course demo

test: setup  ## everything that CI checks
	pytest -n 2 --dist loadfile --no-loadscope-reorder --durations 10

audit: setup  ## judge the grader by every known answer, mutants and rewrites, and hold the labs' claims under three seeds
	course audit --mutants --rewrites
	course claims

notebooks: setup  ## rebuild all that is generated: release/, solutions/, course/keys/
	course build

site: $(SITE_STAMP)  ## write the site with labs, documents and reference to build/site
	python -m course.authoring.site

$(SITE_STAMP): $(STAMP) requirements-site.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-site.txt
	touch $(SITE_STAMP)

bench: setup  ## measure speed and write build/bench.json
	python -m tests.bench
	python -m tests.bench_grading

lint: setup  ## style, types, and who imports whom
	ruff check .
	ruff format --check .
	mypy
	lint-imports

format: setup  ## let ruff arrange the code
	ruff check --fix .
	ruff format .

clean:  ## remove what can be made again, but never a gradebook or a submission
	rm -rf build .pytest_cache .mypy_cache .ruff_cache .hypothesis
