"""Workflows call what is there, with few rights, and the files for people who join are true.

``make workflows`` runs each ``run:`` step of the workflows, every job in a fresh clone, and says
what became of it, or why it cannot run here. With ``STEPS=links`` only steps with this word run.
The workflow's variables are set, unless yours have another value.
"""

import os
import re
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
import yaml

from merlib.data import pictures, tables
from merlib.model import saved

ROOT = Path(__file__).resolve().parent.parent
GITHUB = ROOT / ".github"
TEXTS = {path.name: path.read_text() for path in sorted(GITHUB.glob("workflows/*.yml"))}
WORKFLOWS = {name: yaml.safe_load(text) for name, text in TEXTS.items()}
FORMS = {
    path.name: yaml.safe_load(path.read_text()) for path in GITHUB.glob("ISSUE_TEMPLATE/*.yml")
}
JOBS = [(name, job) for name, flow in WORKFLOWS.items() for job in flow["jobs"]]
RIGHTS = {
    ("book.yml", "publish"): {"pages": "write", "id-token": "write"},
    ("release.yml", "publish"): {"contents": "write"},
}
"""The jobs that may write, and what."""


def events(name):
    """Return what starts a workflow; YAML reads its key ``on`` as true."""
    return set(WORKFLOWS[name][True])


def steps(name, job):
    return WORKFLOWS[name]["jobs"][job]["steps"]


def commands(name, job):
    """Return the lines of shell of a job."""
    return [line for step in steps(name, job) for line in step.get("run", "").splitlines()]


def pinned(text):
    """Return the actions of a workflow that name a commit and, as a remark, its version."""
    return re.findall(r"uses: (\S+@[0-9a-f]{40}) # v\d+\.\d+\.\d+$", text, re.M)


def missing(line):
    """Return what a line of shell calls that this repository does not have."""
    program, *words = shlex.split(line)
    if program == "gh":  # of the workflow's machine; it makes the release
        return set()
    if program == "make":
        targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.M)
        variables = re.findall(r"^([A-Z_]+) *\??=", (ROOT / "Makefile").read_text(), re.M)
        return {word.partition("=")[0] for word in words} - {*targets, *variables}
    return set() if os.access(ROOT / program, os.X_OK) else {program}


@pytest.mark.parametrize(("name", "job"), JOBS)
def test_a_step_runs_what_is_here_and_no_words_of_strangers(name, job):
    for line in commands(name, job):
        assert not missing(line), line
        assert "${{" not in line, "GitHub would write the value into the shell's own text"


def test_what_is_missing_is_found():
    assert missing("make study nothing") == {"nothing"}
    assert missing("./tool --all") == {"./tool"} and missing("README.md") == {"README.md"}


@pytest.mark.parametrize("name", WORKFLOWS)
def test_every_action_is_pinned_to_a_commit(name):
    uses = [step["uses"] for job in WORKFLOWS[name]["jobs"] for step in steps(name, job)
            if "uses" in step]  # fmt: skip
    assert uses and uses == pinned(TEXTS[name])
    assert not pinned("uses: actions/checkout@v7") and not pinned(f"uses: a/b@{'0' * 40} # main")


def test_an_action_has_the_same_commit_everywhere():
    uses = {action for text in TEXTS.values() for action in pinned(text)}
    assert len({action.partition("@")[0] for action in uses}) == len(uses)


@pytest.mark.parametrize(("name", "job"), JOBS)
def test_only_a_job_without_our_code_may_write(name, job):
    assert WORKFLOWS[name]["permissions"] == {"contents": "read"}
    about = WORKFLOWS[name]["jobs"][job]
    assert about.get("permissions", {}) == RIGHTS.get((name, job), {})
    checkouts = [step for step in about["steps"] if "actions/checkout" in step.get("uses", "")]
    if (name, job) in RIGHTS:
        assert not checkouts and all(line.startswith("gh ") for line in commands(name, job))
        assert "pull_request" not in events(name) or about["if"] == "github.event_name == 'push'"
    else:
        assert [step["with"]["persist-credentials"] for step in checkouts] == [False]
        assert "secrets." not in str(about) and "github.token" not in str(about)
    assert about["timeout-minutes"] <= 180


@pytest.mark.parametrize("name", WORKFLOWS)
def test_no_event_gives_rights_to_code_of_forks(name):
    assert events(name) <= {"push", "pull_request", "schedule", "workflow_dispatch"}


def test_the_workflows_install_as_binder_does():
    index = re.search(r"--extra-index-url (\S+)", (ROOT / ".binder/requirements.txt").read_text())
    assert {flow["env"]["PIP_EXTRA_INDEX_URL"] for flow in WORKFLOWS.values()} == {index[1]}


def test_the_tests_of_the_workflow_are_those_of_everybody():
    about = WORKFLOWS["tests.yml"]["jobs"]["tests"]
    assert commands("tests.yml", "tests") == [".ci/run", "make test-book"]
    assert about["strategy"]["matrix"]["python"] == ["3.11", "3.12", "3.13"]
    assert "make test" in (ROOT / ".ci" / "run").read_text()


@pytest.mark.parametrize("name", ["book.yml", "release.yml"])
def test_what_is_published_has_every_edition(name):
    others = [f"make book LANGUAGE={path.name}" for path in (ROOT / "book/locale").glob("*_*")]
    assert commands(name, "build")[: 1 + len(others)] == ["make study", *others]


@pytest.mark.parametrize(
    ("schema", "pattern"),
    [
        ("github-workflows", ".github/workflows/*.yml"),
        ("dependabot", ".github/dependabot.yml"),
        ("github-issue-forms", ".github/ISSUE_TEMPLATE/[!c]*.yml"),
        ("github-issue-config", ".github/ISSUE_TEMPLATE/config.yml"),
        ("citation-file-format", "CITATION.cff"),
    ],
)
def test_files_of_the_repository_follow_their_schema(schema, pattern):
    check = [Path(sys.executable).with_name("check-jsonschema")]
    check += ["--builtin-schema", f"vendor.{schema}", *ROOT.glob(pattern)]
    told = subprocess.run(check, capture_output=True, text=True)
    assert not told.returncode, told.stdout


def test_every_issue_form_is_whole():
    forms = {name: form for name, form in FORMS.items() if name != "config.yml"}
    assert set(forms) == {"bug.yml", "data.yml", "method.yml"}
    assert FORMS["config.yml"] == {"blank_issues_enabled": False}
    for form in forms.values():
        assert form["name"] and form["description"]
        fields = [field for field in form["body"] if field["type"] != "markdown"]
        names = [field["id"] for field in fields]
        assert len(set(names)) == len(names) and all(re.fullmatch(r"[\w-]+", one) for one in names)
        for field in fields:
            assert field["type"] in ("checkboxes", "dropdown", "input", "textarea")
            assert field["attributes"]["label"]
            if field["type"] in ("checkboxes", "dropdown"):
                assert field["attributes"]["options"]
    data = {field["id"]: field for field in forms["data.yml"]["body"] if "id" in field}
    assert data["check"]["validations"]["required"] is True


@pytest.mark.parametrize(
    "name",
    [
        "README.md",
        "README.zh-CN.md",
        "CONTRIBUTING.md",
        "data/README.md",
        "benchmarks/README.md",
        "results/README.md",
    ]
    + [path.relative_to(ROOT).as_posix() for path in GITHUB.glob("*.md")],
)
def test_links_between_files_lead_to_files(name):
    text = (ROOT / name).read_text()
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", text):
        if target.startswith("../../actions/workflows/"):  # GitHub's pages of this repository
            assert Path(target).name in {*WORKFLOWS, "badge.svg"}
        elif target.startswith("../../deployments/"):  # where a workflow publishes
            assert (
                Path(target).name == WORKFLOWS["book.yml"]["jobs"]["publish"]["environment"]["name"]
            )
        elif not target.startswith("https:"):
            assert (ROOT / name).parent.joinpath(target).exists(), target


FORBIDDEN = (
    r"^\s*(import|from) (pickle|dill|cloudpickle|marshal|shelve)\b",
    r"allow_pickle",
    r"joblib\.load\(",
    r"torch\.load\((?!.*weights_only=True)",
    r"yaml\.(?!safe_load\(|YAMLError\b)",
    r"(?<![\w.])(eval|exec)\(",
)
"""What would run code that a file holds."""


def code_runs(text):
    return [line for line in text.splitlines() if any(re.search(one, line) for one in FORBIDDEN)]


def test_nothing_runs_code_from_a_file():
    for path in (ROOT / "merlib").rglob("*.py"):
        assert not code_runs(path.read_text()), path
    wrong = ["  import pickle", "np.load(path, allow_pickle=True)", "torch.load(path)",
             "yaml.load(text)", "x = eval(text)"]  # fmt: skip
    assert code_runs("\n".join([*wrong, "net.eval()", "yaml.safe_load(text)"])) == wrong


def test_the_limits_that_security_names_are_those_of_the_code():
    text = (GITHUB / "SECURITY.md").read_text()
    assert f"{saved.DESCRIPTION // 2**20} MiB of JSON" in text
    assert f"At most {tables.LARGEST // 2**20} MiB" in text
    assert f"at most {pictures.PIXELS // 10**6} million pixels" in text
    assert pictures.CLIP // 10**9 == 2 and "two thousand million in a clip" in text


def test_every_benchmark_is_described_with_its_command_and_its_file():
    text = (ROOT / "benchmarks" / "README.md").read_text()
    parts = re.split(r"^\*\*`(\w+\.py)`\*\*", text, flags=re.M)
    told = dict(zip(parts[1::2], parts[2::2], strict=True))
    scripts = {path.name for path in (ROOT / "benchmarks").glob("*.py")} - {"common.py"}
    assert set(told) == scripts
    for name, words in told.items():
        assert f"benchmarks/{name}" in words and re.search(r"\.(csv|json)`", words), name
    bench = re.search(r"for name in ([\w\s\\]+); do", (ROOT / "Makefile").read_text())[1]
    listed = parts[1::2].index("laptop_profile.py")
    names = {name.removesuffix(".py") for name in parts[1::2][:listed]}
    assert names == set(bench.replace("\\", "").split())


def cannot_run(name, job, step):
    """Return why a step cannot run outside of GitHub; empty if it can."""
    if (name, job) in RIGHTS:
        return "its job writes to GitHub"
    if "uses" in step:
        return f"it is the action {step['uses'].partition('@')[0]}"
    return ""


def report(name, asked=(), source=ROOT):
    """Run the steps of a workflow, each job in a clone of HEAD; yield each step and its outcome.

    A step runs after one that failed only if its own condition says so. ``asked`` are words: only
    steps with one of them run.
    """
    flow = WORKFLOWS[name]
    for job, about in flow["jobs"].items():
        given = {**flow.get("env", {}), **about.get("env", {})}
        fixed = {key: value for key, value in given.items() if "${{" not in value}
        failed = False
        with tempfile.TemporaryDirectory() as folder:
            subprocess.run(["git", "clone", "--quiet", source, folder], check=True)
            for step in about["steps"]:
                title = f"{name}: {job}: {step.get('run', step.get('uses')).strip()}"
                if why := cannot_run(name, job, step):
                    yield title, f"not run here: {why}"
                elif asked and not any(word in step["run"] for word in asked):
                    yield title, "not asked for"
                elif failed and "failure()" not in step.get("if", ""):
                    yield title, "not run: a step before it failed"
                else:
                    shell = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]]
                    print(title, flush=True)
                    status = subprocess.run(shell, cwd=folder, env=fixed | os.environ).returncode
                    failed |= status != 0
                    yield title, f"failed with status {status}" if status else "passed"


@pytest.fixture
def small_flow(tmp_path, monkeypatch):
    """A repository with a file, and a workflow of five steps on it; returns the repository."""
    source = tmp_path / "source"
    git = ["git", "-C", source, "-c", "user.name=a", "-c", "user.email=a@b.c"]
    subprocess.run(["git", "init", "-q", source], check=True)
    (source / "one.txt").write_text("one")
    subprocess.run([*git, "add", "."], check=True)
    subprocess.run([*git, "commit", "-qm", "one"], check=True)
    steps = [{"uses": "actions/checkout@0"}, {"run": 'test "$(cat one.txt)$TWO" = onetwo'},
             {"run": "false | true\ntouch reached"}, {"run": "exit 0"},
             {"run": "test ! -e reached", "if": "success() || failure()"}]  # fmt: skip
    jobs = {"check": {"env": {"OS": "${{ matrix.os }}"}, "steps": steps}}
    monkeypatch.setitem(WORKFLOWS, "small.yml", {"env": {"TWO": "two"}, "jobs": jobs})
    return source


def test_steps_run_as_on_github_and_say_what_became_of_them(small_flow):
    outcomes = [outcome for _, outcome in report("small.yml", source=small_flow)]
    assert outcomes == [
        "not run here: it is the action actions/checkout",
        "passed",
        "failed with status 1",
        "not run: a step before it failed",
        "passed",
    ]
    asked = [outcome for _, outcome in report("small.yml", ["exit"], source=small_flow)]
    assert asked[1:] == ["not asked for", "not asked for", "passed", "not asked for"]


def main(asked):
    """Run the steps of all workflows, print what became of each, and return the exit status."""
    found = [one for name in WORKFLOWS for one in report(name, asked)]
    print(*(f"{title}: {outcome}" for title, outcome in found), sep="\n")
    return int(any(outcome.startswith("failed") for _, outcome in found))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
