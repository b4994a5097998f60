"""What is shipped: built from the source distribution, as an index would serve it, and used from an empty folder."""

import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

import gen
from gen.engine import instruction_sets

ROOT = Path(__file__).parents[1]

pytestmark = pytest.mark.slow


def run(*command: str | Path, cwd: Path, **variables: str) -> str:
    finished = subprocess.run(
        command, cwd=cwd, env=os.environ | variables, capture_output=True, encoding="utf-8", timeout=300
    )
    assert finished.returncode == 0, finished.stdout + finished.stderr
    return finished.stdout


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout in which someone has trained."""
    checkout = tmp_path_factory.mktemp("checkout")
    listed = run("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", cwd=ROOT)
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (checkout / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, checkout / name)
    for left in ("checkpoints/mine/model.safetensors", "corpora/mine.txt", "gen/mine.txt"):
        (checkout / left).parent.mkdir(parents=True, exist_ok=True)
        (checkout / left).write_text("private")
    return checkout


def build(checkout: Path, built: Path, **variables: str) -> Path:
    """The wheel, made from the source distribution."""
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", built, cwd=checkout, **variables)
    (found,) = built.glob("*.whl")
    return found


def install(wheel: Path, folder: Path) -> Path:
    folder.mkdir(exist_ok=True)
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
    run(*pip, "install", "--no-deps", "--no-index", "--target", folder, wheel, cwd=folder)
    return folder


@pytest.fixture(scope="module")
def wheel(checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this checkout."""
    return build(checkout, tmp_path_factory.mktemp("built"))


@pytest.fixture(scope="module")
def site(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that the wheel is installed in."""
    return install(wheel, tmp_path_factory.mktemp("site"))


def contents(wheel: Path) -> Iterator[str]:
    with zipfile.ZipFile(wheel) as archive:
        yield from archive.namelist()


def test_it_holds_gen_and_nothing_else(wheel: Path) -> None:
    assert wheel.name.startswith(f"genrnn-{gen.__version__}-cp311-abi3-")
    assert {name.split("/")[0] for name in contents(wheel)} == {"gen", f"genrnn-{gen.__version__}.dist-info"}


def test_it_holds_every_module_and_no_run(wheel: Path) -> None:
    shipped = {name for name in contents(wheel) if name.startswith("gen/")}
    sources = (path for path in (ROOT / "gen").rglob("*.py*") if path.suffix in (".py", ".pyi"))
    code = {path.relative_to(ROOT).as_posix() for path in sources}
    tunes = {f"gen/_corpora/tunes/{path.name}" for path in (ROOT / "corpora" / "tunes").iterdir()}
    data = {"gen/py.typed", "gen/_checkpoints/README.md", "gen/_corpora/catalog.toml"}
    native = {name for name in shipped - code if name.startswith("gen/engine/_native.")}
    assert len(native) == (1 if instruction_sets() else 0)
    assert shipped - code - native == data | tunes
    assert code <= shipped


def test_it_trains_and_writes_in_an_empty_folder(site: Path, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()

    def command(*arguments: str) -> str:
        return run(site / "bin" / "gen", *arguments, cwd=empty, PYTHONPATH=str(site))

    assert command("--version").strip().endswith(gen.__version__)
    command("train", "@python", "--steps", "20", "--hidden", "64")
    assert len(command("sample", "-n", "100", "--seed", "1").rstrip("\n")) >= 90
    command("train", "@tunes", "--steps", "20", "--hidden", "64")
    command("sample", "--seconds", "5", "-o", "tune.mid", "-o", "tune.wav", "-o", "tune.svg")
    left = {"checkpoints", "tune.mid", "tune.wav", "tune.svg"}
    assert {path.name for path in empty.iterdir()} == left


def test_without_a_compiler_it_is_built_and_samples_all_the_same(checkout: Path, tmp_path: Path) -> None:
    wheel = build(checkout, tmp_path, CC="no-such-compiler")
    assert not [name for name in contents(wheel) if name.endswith((".so", ".pyd"))]
    site, empty = install(wheel, tmp_path / "site"), tmp_path / "empty"
    empty.mkdir()

    def command(*arguments: str) -> str:
        return run(site / "bin" / "gen", *arguments, cwd=empty, PYTHONPATH=str(site))

    assert "the native engine was not built" in command("doctor")
    command("train", "@python", "--steps", "20", "--hidden", "64")
    assert len(command("sample", "-n", "100", "--seed", "1").rstrip("\n")) >= 90
