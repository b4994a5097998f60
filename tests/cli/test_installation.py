"""What is said of an installation and a machine, on machines other than this one, too."""

import sys
from pathlib import Path

import numpy as np
import pytest

import gen.engine
from gen.cli import installation
from gen.cli.installation import Check, examine_installation, folder, memory, packages, processor


def test_all_is_looked_at(tmp_path: Path) -> None:
    checks = {check.name: check for check in examine_installation(tmp_path)}
    names = ["gen", "packages", "processor", "memory", "training", "sampling", "cache", "runs", "terminal"]
    assert [name for name in checks if not name.startswith("extra")] == names
    assert f"numpy {np.__version__}" in checks["packages"].found
    assert checks["training"].found.startswith("PyTorch on ")
    assert str(tmp_path) in checks["runs"].found


def test_packages_that_are_missing_or_too_old_are_told() -> None:
    requirements = ["numpy>=2.0", "rich>=9999", "no-such-thing>=1.2,<3", 'only-elsewhere; sys_platform == "other"']
    present, old, missing = packages(requirements)
    assert present == Check("packages", f"numpy {np.__version__}")
    assert old.found.endswith(", and >=9999 is needed")
    assert old.advice == "pip install --upgrade 'rich>=9999'"
    assert missing == Check("no-such-thing", "not installed", "pip install 'no-such-thing>=1.2,<3'")


@pytest.mark.parametrize(
    ("version", "bounds", "older"),
    [
        ("2.0", ">=2", False),
        ("2", ">=2.0.0", False),
        ("2.10.1", ">=2.9", False),
        ("1.26.4", ">=2.0", True),
        ("2.13.0+cpu", ">=2.13", False),
        ("2.4.0rc1", ">=2.4.1", True),
        ("1.0", "", False),
    ],
)
def test_versions_are_compared_by_their_numbers(
    monkeypatch: pytest.MonkeyPatch, version: str, bounds: str, older: bool
) -> None:
    monkeypatch.setattr(installation, "_version", lambda name: version)
    (check,) = packages([f"thing{bounds}"])
    assert bool(check.advice) == older


def test_extras_are_complete_or_not() -> None:
    requirements = ["numpy", "rich; extra == 'all'", 'no-such-thing>=1; extra == "some"', 'rich; extra == "some"']
    _, whole, part = packages(requirements)
    assert whole == Check("extra all", "complete")
    assert part == Check("extra some", "without no-such-thing; pip install 'genrnn[some]' adds them")


def test_a_checkout_without_metadata_is_told_to_install() -> None:
    (check,) = packages([])
    assert check.advice == "'pip install .' in the checkout installs it"


@pytest.mark.parametrize(
    ("description", "needle"),
    [
        (
            "model name\t: Zen\nflags\t\t: fpu avx2 amx_tile avx512_bf16\n",
            "Zen; 3 of 64 threads for this process; avx2, ",
        ),
        ("model name\t: Zen\nflags\t\t: fpu avx2 amx_tile avx512_bf16\n", "avx2, avx512_bf16, amx"),
        ("processor\t: 0\nFeatures\t: fp asimd bf16\n", "neon, bf16"),
        ("nonsense", "3 of 64 threads"),
    ],
)
def test_processors_are_described(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, description: str, needle: str
) -> None:
    monkeypatch.setattr("gen.config.available_threads", lambda: 3)
    monkeypatch.setattr("os.cpu_count", lambda: 64)
    (tmp_path / "cpuinfo").write_text(description)
    assert needle in processor(tmp_path / "cpuinfo").found


def test_where_the_system_tells_nothing_numpy_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = {"SIMD Extensions": {"baseline": ["NEON"], "found": ["ASIMDHP"]}}
    monkeypatch.setattr(np, "show_config", lambda mode: found)
    assert processor(tmp_path / "missing").found.endswith("; neon, asimdhp")


def test_memory_is_that_of_the_container(tmp_path: Path) -> None:
    information, limit = tmp_path / "meminfo", tmp_path / "limit"
    information.write_text("MemTotal:       16000000 kB\nMemFree: 1 kB\nMemAvailable:   8000000 kB\n")
    assert memory(information, limit) == Check("memory", "16.4 GB, 8.2 GB free")
    limit.write_text("1000000000\n")
    low = memory(information, limit)
    assert low.found == "1.0 GB, 1.0 GB free" and low.advice
    limit.write_text("max\n")
    assert memory(information, limit).found == "16.4 GB, 8.2 GB free"


def test_memory_may_be_unknown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(installation, "_physical_memory", lambda: 0)
    assert memory(tmp_path / "missing", tmp_path / "missing") == Check("memory", "not known")


def test_folders_tell_what_they_take_and_what_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(installation, "free_space", lambda path: 5_000_000_000)
    (tmp_path / "below").mkdir()
    (tmp_path / "a").write_bytes(b"a" * 1500)
    (tmp_path / "below" / "b").write_bytes(b"b" * 500)
    assert folder("cache", tmp_path, "HERE") == Check("cache", f"{tmp_path}: 2.0 kB, 5.0 GB free there")
    missing = tmp_path / "not" / "there"
    assert folder("cache", missing, "HERE") == Check("cache", f"{missing}: not made yet, 5.0 GB free there")
    assert not missing.parent.exists()


def test_folders_that_cannot_be_used_get_advice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(installation, "free_space", lambda path: 5_000_000_000)
    (tmp_path / "file").write_text("in the way")
    blocked = folder("runs", tmp_path / "file" / "runs", "HERE")
    assert blocked.advice == f"{tmp_path / 'file'} is not a folder: set HERE to another folder"
    monkeypatch.setattr("os.access", lambda path, mode: False)
    assert folder("runs", tmp_path, "HERE").advice == "it cannot be written: set HERE to another folder"
    monkeypatch.undo()
    monkeypatch.setattr(installation, "free_space", lambda path: 5_000_000)
    assert folder("runs", tmp_path, "HERE").advice == "free some space, or set HERE to another folder"


def test_where_there_was_no_compiler_the_doctor_tells_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gen.engine, "instruction_sets", lambda: ())
    check = {check.name: check for check in examine_installation(tmp_path)}["sampling"]
    assert check.found == "numpy fp32; the native engine was not built"
    assert "install a C compiler" in check.advice


def test_a_torch_that_cannot_be_loaded_is_a_note(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "gen.training.device", None)
    checks = {check.name: check for check in examine_installation(tmp_path)}
    assert checks["training"].found.startswith("PyTorch cannot be loaded (")
    assert checks["training"].advice == "pip install --force-reinstall torch"
