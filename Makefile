PYTHON    ?= $(shell command -v python3.11 || command -v python3.12 || command -v python3.13 || \
	command -v python3)
DATASET   ?= synthetic
DATA_ROOT ?=
PROFILE   ?= laptop
SEED      ?= 0
# Not ?=: many systems have a variable of this name.
LANGUAGE   = en
METHODS   ?= majority logistic base full
OPTIONS   ?=
BIN        = .venv/bin
# Root is who runs in a container: Jupyter wants to hear that, and the browser is outside.
IN_CONTAINER = $(if $(filter 0,$(shell id -u)),--allow-root --no-browser --ip=0.0.0.0)
SOURCE     = --dataset $(DATASET) --data-root "$(DATA_ROOT)" --profile $(PROFILE)
STUDY      = $(SOURCE) --seed $(SEED) $(OPTIONS)

# Some containers set it. Then every process compiles PyTorch and pandas again, for seconds.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: study ablation claims compare notebooks book messages pdf slides handout archive \
	test test-book test-slow fingerprints workflows coverage links bench lab launch lint lock clean

study: .venv/installed      ## data, training, notebooks and book
	$(BIN)/merlib study $(STUDY) --methods $(METHODS)

ablation: .venv/installed   ## Table 3: four variants, three seeds, saved under results/
	$(BIN)/merlib train $(STUDY) --methods base mfem mffm full --seeds 0 1 2 --keep

claims: PROFILE = narrow
claims: .venv/installed     ## the experiments behind the claims, three seeds; goes on where it stopped
	$(BIN)/merlib trials $(SOURCE) $(OPTIONS)

compare: METHODS = table2
compare: .venv/installed    ## Table 2: every method under one protocol; goes on where it stopped
	$(BIN)/merlib train $(STUDY) --methods $(METHODS)

notebooks: .venv/installed  ## notebooks/*.ipynb from their text; executed ones are left alone
	$(BIN)/python -m book.tools.texts

lab: .venv/installed        ## JupyterLab in this checkout; notebooks/*.py open as notebooks
	$(BIN)/jupytext-config --settings-file .venv/etc/jupyter/labconfig/default_setting_overrides.json \
		set-default-viewer python
	$(BIN)/jupyter lab --LabApp.default_url=/lab/tree/notebooks $(IN_CONTAINER)

launch: .venv/installed     ## branch `launch` of the last commit: what the book's buttons open
	$(BIN)/python -m book.tools.launch

book: .venv/installed       ## execute what changed and build the book
	$(BIN)/merlib book $(STUDY) --methods $(METHODS) --language $(LANGUAGE)

messages: LANGUAGE = zh_CN
messages: .venv/installed   ## bring book/locale up to date with the book's text; show what is translated
	$(BIN)/python -m book.tools.messages $(LANGUAGE)

pdf: .venv/installed        ## the built book as _build/merlib.pdf, by Chromium
	$(BIN)/python -m book.tools.pdf

slides: .venv/installed     ## _build/slides: the lecture with notes, from the executed notebooks
	$(BIN)/python -m book.tools.slides

handout: .venv/installed    ## _build/handout: notebooks with cells for answers, and with solutions
	$(BIN)/python -m book.tools.handout

archive: .venv/installed    ## the built book, how to cite it and the lock file: what a release has
	$(BIN)/python -m book.tools.archive

test: .venv/installed       ## all tests but those of the whole book and the slow ones
	$(BIN)/merlib test

test-book: .venv/installed  ## executes all pages on a small dataset, builds the book, opens it in Chromium
	$(BIN)/pytest -m book -n auto --dist loadfile --no-loadscope-reorder

fingerprints: .venv/installed ## store what steps with a new version compute (merlib/versions.py)
	$(BIN)/python tests/test_fingerprints.py

test-slow: .venv/installed
	$(BIN)/pytest -m slow

STEPS ?=
workflows: .venv/installed  ## run the workflows' steps in fresh clones; STEPS=links: only such ones
	$(BIN)/python tests/test_github.py $(STEPS)

TESTS ?= tests
coverage: .venv/installed   ## share of merlib's lines that the tests run, with notebooks and workers
	$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest -m "not slow" -n auto --dist loadfile --no-loadscope-reorder $(TESTS)
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report --skip-covered

links: .venv/installed      ## which addresses in the repository no longer answer
	$(BIN)/python -m book.tools.links

bench: .venv/installed      ## tables of speed under benchmarks/
	for name in preparation training growth memory step precision float16 flow_settings \
		folds_together compiled; do \
		$(BIN)/python benchmarks/$$name.py || exit 1; done

lint: .venv/installed
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

lock:                       ## pin what pyproject.toml asks for, in a fresh environment
	rm -rf .venv-lock && $(PYTHON) -m venv .venv-lock
	.venv-lock/bin/pip install -q torch==2.13.0 ".[book,test]"
	.venv-lock/bin/pip freeze --all --exclude merlib --exclude pip | sed 's/+cpu$$//' > requirements.lock
	rm -rf .venv-lock build

clean:                      ## everything that can be made again
	rm -rf _build runs data/synthetic data/prepared notebooks/*.ipynb

# Modules are compiled when they are first imported: most never are.
.venv/installed: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; v = sys.version_info; (3, 11, 5) <= v < (3, 14) or sys.exit( \
		"merlib needs Python 3.11.5 to 3.13, and $(PYTHON) is %d.%d.%d: set PYTHON" % v[:3])'
	$(PYTHON) -m venv .venv
	$(BIN)/pip install -q --no-compile -r requirements.lock
	$(BIN)/pip install -q --no-deps --no-build-isolation -e .
	touch $@
