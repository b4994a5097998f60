"""The engine in C under the sanitizers for addresses and undefined behaviour: its own tests, run again."""

import os
import shutil
import subprocess
import sys
import sysconfig
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.slow


def library(compiler: str, name: str) -> str:
    found = subprocess.run([compiler, f"-print-file-name={name}"], capture_output=True, encoding="utf-8", check=True)
    return found.stdout.strip()


def test_nothing_is_read_or_written_beside_its_place(tmp_path: Path) -> None:
    compiler = shutil.which("gcc")
    if compiler is None or not os.path.isabs(library(compiler, "libasan.so")):
        pytest.skip("gcc and its sanitizers are needed")
    for name in ("gen", "tests"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("_native.*", "__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    (extension,) = settings["tool"]["setuptools"]["ext-modules"]
    flags = [flag for flag in extension["extra-compile-args"] if flag not in ("-O3", "-g0")]
    sanitizers = ["-O1", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
    headers = f"-I{sysconfig.get_paths()['include']}"
    target = tmp_path / "gen" / "engine" / "_native.abi3.so"
    command = [compiler, *flags, *sanitizers, headers, "-fPIC", "-shared", *extension["sources"], "-o", target]
    subprocess.run(command, cwd=ROOT, check=True)
    environment = os.environ | {
        "LD_PRELOAD": f"{library(compiler, 'libasan.so')} {library(compiler, 'libubsan.so')}",
        "ASAN_OPTIONS": "detect_leaks=0",  # Python and its libraries keep much to the end
        "PYTHONPATH": str(tmp_path),
    }
    tests = ["tests/engine/test_native_engine.py", "tests/engine/test_precision.py"]
    ours = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *tests]
    finished = subprocess.run(ours, cwd=tmp_path, env=environment, capture_output=True, encoding="utf-8", timeout=900)
    assert finished.returncode == 0, finished.stdout[-4000:] + finished.stderr[-4000:]
    where = [sys.executable, "-c", "import gen.engine; print(gen.engine.__file__)"]
    found = subprocess.run(where, cwd=tmp_path, env=environment, capture_output=True, encoding="utf-8", check=True)
    assert found.stdout.startswith(str(tmp_path))
