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

ROOT = Path(__file__).parents[1]

pytestmark = pytest.mark.slow


def run(*command: str | Path, cwd: Path, **variables: str) -> str:
    finished = subprocess.run(
        command, cwd=cwd, env=os.environ | variables, capture_output=True, encoding="utf-8", timeout=300
    )
    assert finished.returncode == 0, finished.stdout + finished.stderr
    return finished.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this checkout, in which someone has trained."""
    checkout = tmp_path_factory.mktemp("checkout")
    listed = run("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", cwd=ROOT)
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (checkout / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, checkout / name)
    for left in ("checkpoints/mine/model.safetensors", "corpora/mine.txt", "gen/mine.txt"):
        (checkout / left).parent.mkdir(parents=True, exist_ok=True)
        (checkout / left).write_text("private")
    built = tmp_path_factory.mktemp("built")
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", built, cwd=checkout)
    (found,) = built.glob("*.whl")
    return found


@pytest.fixture(scope="module")
def site(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that the wheel is installed in."""
    folder = tmp_path_factory.mktemp("site")
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
    run(*pip, "install", "--no-deps", "--no-index", "--target", folder, wheel, cwd=folder)
    return folder


def contents(wheel: Path) -> Iterator[str]:
    with zipfile.ZipFile(wheel) as archive:
        yield from archive.namelist()


def test_it_holds_gen_and_nothing_else(wheel: Path) -> None:
    assert wheel.name == f"genrnn-{gen.__version__}-py3-none-any.whl"
    assert {name.split("/")[0] for name in contents(wheel)} == {"gen", f"genrnn-{gen.__version__}.dist-info"}


def test_it_holds_every_module_and_no_run(wheel: Path) -> None:
    shipped = {name for name in contents(wheel) if name.startswith("gen/")}
    code = {path.relative_to(ROOT).as_posix() for path in (ROOT / "gen").rglob("*.py")}
    tunes = {f"gen/_corpora/tunes/{path.name}" for path in (ROOT / "corpora" / "tunes").iterdir()}
    data = {"gen/py.typed", "gen/_checkpoints/README.md", "gen/_corpora/catalog.toml"}
    assert shipped - code == data | tunes
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
