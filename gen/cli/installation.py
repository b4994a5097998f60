"""What `gen doctor` says of the installation and the machine: facts, and advice where something could be better."""

import contextlib
import importlib.metadata
import os
import platform
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from gen import __version__
from gen.cli.terminal import console
from gen.storage import cache_folder, free_space, human_size

_DISTRIBUTION = "genrnn"
_REQUIREMENT = re.compile(r"([\w.-]+)(?:\[.*?\])?([^;]*)(?:;(.*))?")
_FEATURES = {  # what the kernels that gen's time goes into can use: name in Linux -> name that people use
    "avx2": "avx2", "avx512f": "avx512f", "avx512_vnni": "avx512_vnni", "avx512_bf16": "avx512_bf16",
    "amx_tile": "amx", "asimd": "neon", "sve": "sve", "bf16": "bf16",
}  # fmt: skip
_LITTLE_MEMORY = 2e9
_LITTLE_SPACE = 1e9


@dataclass(frozen=True, slots=True)
class Check:
    """One thing looked at.

    Attributes:
        name: what.
        found: how it is; not made harmless to a terminal yet.
        advice: what to do about it; empty where all is well.
    """

    name: str
    found: str
    advice: str = ""


def examine_installation(runs: Path) -> Iterator[Check]:
    """All checks, cheap ones first; that of training loads torch.

    Args:
        runs: folder of the runs.
    """
    python = f"Python {platform.python_version()} ({platform.python_implementation()})"
    yield Check("gen", f"{__version__}, {python}, {platform.system()} {platform.machine()}")
    yield from packages(_requirements())
    yield processor()
    yield memory()
    yield _training()
    yield _sampling()
    yield folder("cache", cache_folder(), "GEN_CACHE")
    yield folder("runs", runs, "GEN_CHECKPOINTS")
    yield _terminal()


def _requirements() -> list[str]:
    try:
        return importlib.metadata.requires(_DISTRIBUTION) or []
    except importlib.metadata.PackageNotFoundError:
        return []


def packages(requirements: list[str]) -> Iterator[Check]:
    """Whether what gen stands on is there and new enough, and which of its extras are complete.

    Args:
        requirements: as package metadata has them, as 'numpy>=2.0' and 'ruff>=0.11; extra == "dev"'.
    """
    if not requirements:
        yield Check("packages", f"{_DISTRIBUTION} is not installed", "'pip install .' in the checkout installs it")
        return
    present: list[str] = []
    wanting: list[Check] = []
    extras: dict[str, list[str]] = {}
    for requirement in requirements:
        parts = _REQUIREMENT.match(requirement)
        assert parts
        name, bounds, marker = parts[1], parts[2].strip(), parts[3] or ""
        found = _version(name)
        extra = re.search(r"extra\s*==\s*['\"](.+?)['\"]", marker)
        if extra:
            extras.setdefault(extra[1], []).extend([name] if found is None else [])
        elif found is None:
            if not marker:  # or it is for other systems
                wanting.append(Check(name, "not installed", f"pip install '{name}{bounds}'"))
        elif _older(found, bounds):
            wanting.append(Check(name, f"{found}, and {bounds} is needed", f"pip install --upgrade '{name}{bounds}'"))
        else:
            present.append(f"{name} {found}")
    if present:
        yield Check("packages", ", ".join(present))
    yield from wanting
    for extra_name, missing in extras.items():
        lacking = f"without {', '.join(missing)}; pip install '{_DISTRIBUTION}[{extra_name}]' adds them"
        yield Check(f"extra {extra_name}", lacking if missing else "complete")


def _version(distribution: str) -> str | None:
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return None


def _older(version: str, bounds: str) -> bool:
    """Whether a version is below the lower bound among `bounds`."""
    least = re.search(r">=\s*([\d.]+)", bounds)
    return least is not None and _release(version) < _release(least[1])


def _release(version: str) -> list[int]:
    release = [int(number) for number in re.split(r"[^\d.]", version)[0].split(".") if number]
    while release and not release[-1]:  # 2.0 is 2
        release.pop()
    return release


def processor(description: Path = Path("/proc/cpuinfo")) -> Check:
    """What the processor is called, how much of it is ours, and which instructions it has that matter here."""
    from gen.config import available_threads

    fields = dict(re.findall(r"^(.+?)\s*:[ \t]*(.*)$", _read(description), re.MULTILINE))  # those of the last core
    flags = (fields.get("flags") or fields.get("Features") or "").split()
    features = [name for flag, name in _FEATURES.items() if flag in flags] or _features_of_numpy()
    name = fields.get("model name") or platform.processor() or platform.machine()
    ours, all_of_them = available_threads(), os.cpu_count() or 1
    threads = f"{ours} threads" if ours == all_of_them else f"{ours} of {all_of_them} threads for this process"
    return Check("processor", f"{name}; {threads}; {', '.join(features) or 'features not known'}")


def _features_of_numpy() -> list[str]:
    """What NumPy found, where the system does not tell; it knows fewer of them."""
    import numpy as np

    found = np.show_config(mode="dicts") or {}
    simd = found.get("SIMD Extensions", {})
    return [name.lower() for name in [*simd.get("baseline", []), *simd.get("found", [])]]


def memory(information: Path = Path("/proc/meminfo"), limit: Path = Path("/sys/fs/cgroup/memory.max")) -> Check:
    """How much there is, and how much of it is free; that of a container, where it has less."""
    sizes = {
        name: int(size) * 1024 for name, size in re.findall(r"^(\w+): +(\d+) kB", _read(information), re.MULTILINE)
    }
    total = sizes.get("MemTotal") or _physical_memory()
    if not total:
        return Check("memory", "not known")
    allowed = _read(limit).strip()
    if allowed.isdecimal():
        total = min(total, int(allowed))
    free = min(total, sizes.get("MemAvailable", total))
    found = f"{human_size(total)}, {human_size(free)} free" if "MemAvailable" in sizes else human_size(total)
    return Check("memory", found, "" if free >= _LITTLE_MEMORY else "close other programs, or keep models small")


def _physical_memory() -> int:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):  # not on this system
        return 0


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8", "replace")
    except OSError:
        return ""


def _training() -> Check:
    """Device and precision that a training would take."""
    try:
        from gen.training.device import choose_device, choose_precision
    except (ImportError, OSError) as error:  # its libraries may be missing, or not fit
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        return Check("training", f"PyTorch cannot be loaded ({reason})", "pip install --force-reinstall torch")
    device = choose_device("auto")
    return Check("training", f"PyTorch on {device}, {choose_precision('auto', device)}")


def _sampling() -> Check:
    """The engine that samples, and what it is built for."""
    from gen.engine import instruction_sets

    sets = instruction_sets()
    if sets:
        return Check("sampling", f"native int8 and fp32, {sets[0]}")
    return Check(
        "sampling",
        "numpy fp32; the native engine was not built",
        "several times as fast: install a C compiler (Debian, Ubuntu: apt install gcc python3-dev; macOS: "
        "xcode-select --install), then install gen again",
    )


def folder(name: str, path: Path, variable: str) -> Check:
    """Where something is kept, what it takes and what is left; whether it can be written."""
    elsewhere = f"set {variable} to another folder"
    try:
        nearest = next(place for place in (path, *path.absolute().parents) if place.exists())
        free = free_space(nearest)
        used = human_size(_used(path)) if path.is_dir() else "not made yet"
    except OSError as error:
        return Check(name, f"{path}: {error.strerror or type(error).__name__}", elsewhere)
    found = f"{path}: {used}, {human_size(free)} free there"
    if not nearest.is_dir():
        return Check(name, found, f"{nearest} is not a folder: {elsewhere}")
    if not os.access(nearest, os.W_OK | os.X_OK):
        return Check(name, found, f"it cannot be written: {elsewhere}")
    return Check(name, found, "" if free >= _LITTLE_SPACE else f"free some space, or {elsewhere}")


def _used(path: Path) -> int:
    """Bytes in all files below a folder."""
    size = 0
    for parent, _, files in os.walk(path):
        for file in files:
            with contextlib.suppress(OSError):  # it has just gone
                size += os.lstat(os.path.join(parent, file)).st_size
    return size


def _terminal() -> Check:
    screen = console()
    kind = "a terminal" if screen.is_terminal else "not a terminal"
    color = f"{screen.color_system} color" if screen.color_system else "no color"
    reasons = [name for name in ("NO_COLOR", "TERM", "COLUMNS", "LC_ALL") if os.environ.get(name)]
    settings = "".join(f", {name}={os.environ[name]}" for name in reasons)
    encoding = sys.stdout.encoding if sys.stdout is not None else "closed"
    found = f"{kind}, {screen.width} columns, {color}, {encoding}{settings}"
    unicode = encoding.lower().replace("-", "").startswith("utf")
    advice = "what is beyond ASCII may look wrong: set PYTHONUTF8=1, or LC_ALL to a UTF-8 locale"
    return Check("terminal", found, "" if unicode or sys.stdout is None else advice)
