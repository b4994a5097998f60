"""The house keeps its shape: what the README, the package metadata and the conventions promise about the tree."""

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from importlib.metadata import packages_distributions, version
from pathlib import Path
from typing import Any

import jaxtyping
import pytest

import gen
from gen.models.initialization import initial_weights
from gen.tokenizers import CharTokenizer

ROOT = Path(__file__).parents[1]


@cache
def project_files() -> list[str]:
    """Tracked files, and new ones that git does not ignore."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    return sorted({name for name in listed if (ROOT / name).is_file()})


@cache
def pyproject() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))


def modules(folder: str) -> list[Path]:
    return [Path(name) for name in project_files() if name.startswith(folder + "/") and name.endswith(".py")]


def nodes(path: Path) -> Iterator[ast.AST]:
    return ast.walk(ast.parse((ROOT / path).read_text("utf-8"), str(path)))


def imports(path: Path) -> set[str]:
    """The top-level names of all that a file imports, anywhere in it."""
    found = set()
    for node in nodes(path):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.partition(".")[0])
    return found


def normal(name: str) -> str:
    """A distribution's name as package indexes compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def names(requirements: list[str]) -> set[str]:
    return {normal(re.split(r"[<>=!~;\[ ]", requirement)[0]) for requirement in requirements}


# ── The tree in the README ───────────────────────────────────────────────────────────────────────────────────────────


def readme_tree() -> list[str]:
    """The paths that README draws; a folder's ends with a slash."""
    readme = (ROOT / "README.md").read_text("utf-8")
    found = re.search(r"^## The tree\n.*?^```\n(.*?)^```$", readme, re.MULTILINE | re.DOTALL)
    assert found, "README.md: no fenced block under '## The tree'"
    paths: list[str] = []
    folders: list[str] = []  # those around the current line, outermost first
    for line in found[1].splitlines():
        entry = re.fullmatch(r"((?:    )*)(\S+) {2,}\S.*", line)
        assert entry, f"README.md: {line!r} is not an entry, two or more spaces, and what it is"
        del folders[len(entry[1]) // 4 :]
        path = "".join(folders) + entry[2]
        paths.append(path)
        if path.endswith("/"):
            folders.append(entry[2])
    return paths


def test_readme_draws_the_tree() -> None:
    drawn = readme_tree()
    files = project_files()
    folders = {f"{folder}/" for name in files for folder in Path(name).parents}
    assert sorted(set(drawn) - set(files) - folders) == [], "drawn, but not there"

    top = {name.split("/")[0] + "/" * ("/" in name) for name in files}
    rooms = {name for name in folders if name.startswith("gen/")}
    described_by_their_room = re.compile(r"gen/.+/__init__\.py")
    inside = {name for name in files if name.startswith("gen/") and not described_by_their_room.fullmatch(name)}
    assert sorted((top | rooms | inside) - set(drawn)) == [], "there, but not drawn"
    assert len(drawn) == len(set(drawn))


def test_the_example_in_the_readme_runs(tmp_path: Path, text_file: Path) -> None:
    found = re.search(r"^```python\n(.*?)^```$", (ROOT / "README.md").read_text("utf-8"), re.MULTILINE | re.DOTALL)
    assert found
    (tmp_path / "book.txt").write_text("It was all.\n" + text_file.read_text("utf-8"), "utf-8")
    example = found[1].replace("minutes=5", "steps=2, hidden=64")
    assert example != found[1]
    written = run("-c", f"import sys; sys.path.insert(0, {str(ROOT)!r})\n{example}", cwd=tmp_path)
    assert "Finished(step=2" in written
    assert len(written.rpartition("Finished(")[2].partition("\n")[2]) == 400


# ── Packaging ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_every_package_is_listed_for_the_wheel() -> None:
    packages = {".".join(path.parent.parts) for path in modules("gen")}
    assert set(pyproject()["tool"]["setuptools"]["packages"]) == packages | {"gen._checkpoints", "gen._corpora"}


def test_the_version_has_one_source() -> None:
    assert version("genrnn") == gen.__version__
    newest = re.search(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.MULTILINE)
    assert newest and newest[1] == gen.__version__


def test_what_is_imported_is_declared_and_what_is_declared_is_imported() -> None:
    project = pyproject()["project"]
    runtime, development = names(project["dependencies"]), names(project["optional-dependencies"]["dev"])
    distributions = packages_distributions()

    def third_party(folder: str) -> set[str]:
        found = set().union(*map(imports, modules(folder))) - sys.stdlib_module_names - {"gen", "tests", "benchmarks"}
        return {normal(distributions[name][0]) for name in found}

    assert third_party("gen") == runtime
    assert third_party("tests") | third_party("benchmarks") <= runtime | development


def test_every_dependency_is_pinned_once() -> None:
    project = pyproject()["project"]
    lines = (ROOT / "constraints.txt").read_text("utf-8").splitlines()
    pins = [line.split("==")[0] for line in lines if line and not line.startswith("#")]
    assert all(re.fullmatch(r"[a-z0-9-]+==[a-z0-9.]+|#.*|", line) for line in lines)
    assert len(pins) == len(set(pins))
    assert names(project["dependencies"] + project["optional-dependencies"]["dev"]) <= set(pins)


# ── Habits of the code ───────────────────────────────────────────────────────────────────────────────────────────────


def attributes(path: Path, owner: str) -> set[str]:
    """The names that a file takes from the module `owner`, as `owner.name` or `from owner import name`."""
    found = set()
    for node in nodes(path):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == owner:
            found.add(node.attr)
        elif isinstance(node, ast.ImportFrom) and node.module == owner:
            found |= {alias.name for alias in node.names}
    return found


def test_only_storage_flushes_and_renames() -> None:
    durable = {"fsync", "fdatasync", "replace", "rename", "renames", "link"}
    assert [str(path) for path in modules("gen") if durable & attributes(path, "os")] == ["gen/storage.py"]


def test_nothing_can_unpickle() -> None:
    pickling = {"pickle", "_pickle", "cPickle", "cloudpickle", "dill", "joblib", "marshal", "shelve"}
    for path in modules("gen"):
        assert not pickling & imports(path), path
        assert not {"load", "save"} & attributes(path, "torch"), path
        for node in nodes(path):
            assert not (isinstance(node, ast.keyword) and node.arg == "allow_pickle"), f"{path}:{node.lineno}"


def test_shapes_are_checked_while_tests_run() -> None:
    import torch

    from gen.models.language_model import RecurrentLanguageModel

    model = RecurrentLanguageModel(gen.ModelConfig(vocabulary_size=5, layers=1, hidden=4))
    state = model.initial_state(2)
    model.step(torch.zeros(2, dtype=torch.long), state)
    with pytest.raises(jaxtyping.TypeCheckError, match="ids"):
        model.step(torch.zeros(2, 1, dtype=torch.long), state)


# ── Start-up ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def run(*arguments: str, cwd: Path) -> str:
    """What this Python prints."""
    command = [sys.executable, *arguments]
    done = subprocess.run(command, cwd=cwd, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_importing_gen_loads_nothing_heavy() -> None:
    loaded = run("-c", "import sys, gen; print(*sys.modules)", cwd=ROOT).split()
    assert not {"torch", "numpy", "rich", "typer"} & set(loaded)


@pytest.fixture
def untrained(tmp_path: Path) -> Path:
    """A folder with one run in it, whose model knows nothing yet."""
    tokenizer = CharTokenizer("abc")
    model = gen.ModelConfig(vocabulary_size=3, layers=1, hidden=4)
    folder = tmp_path / "checkpoints" / "untrained"
    folder.mkdir(parents=True)
    provenance = {"corpus": {"sources": ["alphabet.txt"]}}
    gen.Checkpoint(model, tokenizer, initial_weights(model, 0), provenance).save(folder / "model.safetensors")
    return tmp_path


@pytest.mark.parametrize("arguments", ["--help", "--version", "ls", "show", "sample --help", "sample -n 20"])
def test_the_command_line_starts_without_torch(arguments: str, untrained: Path) -> None:
    script = f"""
import atexit, runpy, sys
sys.path.insert(0, {str(ROOT)!r})
sys.argv[1:] = {arguments.split()!r}
atexit.register(lambda: print("loaded:", *sys.modules))
runpy.run_module("gen", run_name="__main__", alter_sys=True)
"""
    loaded = run("-c", script, cwd=untrained).rpartition("loaded:")[2].split()
    assert "gen.cli" in loaded
    assert not {"torch", "jaxtyping"} & set(loaded)


def test_a_checkout_can_be_launched_from_anywhere(tmp_path: Path) -> None:
    assert run(str(ROOT / "cli.py"), "--version", cwd=tmp_path).strip().endswith(gen.__version__)
