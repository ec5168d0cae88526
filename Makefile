# Tools come from .venv (`make setup`); `make check BIN=` takes them from PATH instead.
PYTHON ?= python3
BIN ?= .venv/bin/

# uv runs only in `make lock`. It does not read setup.cfg, so the direct
# dependencies are handed to it on standard input.
UV_VERSION = 0.13.8
DEPS = $(BIN)python -c "import configparser, sys; \
	c = configparser.ConfigParser(); c.read('setup.cfg'); \
	print(*(c[s][o] for s, o in (a.split(':') for a in sys.argv[1:])))"
COMPILE = $(BIN)uv pip compile --quiet --universal --python-version 3.10 \
	--no-python-downloads --upgrade --no-header --no-annotate \
	--no-emit-index-url --no-emit-find-links -

# Extras that only some users need: requirements-<extra>.txt each.
OPTIONAL = lab tensorboard wandb mlflow sweeps

.PHONY: setup test lint types check lock

setup:
	$(PYTHON) -m venv .venv
	.venv/bin/python -m pip install -r requirements-dev.txt

test:
	$(BIN)pytest

lint:
	$(BIN)ruff check .
	$(BIN)ruff format --check .

types:
	$(BIN)mypy

check: lint types test

lock:
	$(BIN)python -m pip install --quiet uv==$(UV_VERSION)
	{ echo '# Complete pins for Python 3.10 to 3.13 on Linux, macOS (Apple silicon) and Windows.'; \
	  echo '# Generated from install_requires in setup.cfg; refresh with: make lock'; \
	  $(DEPS) options:install_requires | $(COMPILE); } > requirements.txt.new
	mv requirements.txt.new requirements.txt
	{ echo '-r requirements.txt'; \
	  echo '# Complete pins of the development tools, without those in requirements.txt.'; \
	  echo '# Generated from the dev extra in setup.cfg; refresh with: make lock'; \
	  $(DEPS) options:install_requires options.extras_require:dev | $(COMPILE) \
	    --constraint requirements.txt | grep -vxFf requirements.txt; } > requirements-dev.txt.new
	mv requirements-dev.txt.new requirements-dev.txt
	for extra in $(OPTIONAL); do \
	  { echo '-r requirements.txt'; \
	    echo "# Complete pins of what $$extra needs, without those in requirements.txt."; \
	    echo "# Generated from the $$extra extra in setup.cfg; refresh with: make lock"; \
	    $(DEPS) options:install_requires options.extras_require:$$extra | $(COMPILE) \
	      --constraint requirements-dev.txt | grep -vxFf requirements.txt; \
	  } > requirements-$$extra.txt.new && \
	  mv requirements-$$extra.txt.new requirements-$$extra.txt || exit 1; \
	done
