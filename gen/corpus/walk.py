"""Files below folders, each once: links may lead in circles, and hidden files are passed over."""

import glob
import os
import stat
from collections.abc import Iterator

from gen.corpus.findings import Findings
from gen.corpus.readers import shown


class Walk:
    """One walk over files and folders, which remembers where it has been.

    Args:
        findings: takes note of what is no file, or cannot be reached.

    Attributes:
        repeated: how many files it came upon again.
    """

    def __init__(self, findings: Findings) -> None:
        self.repeated = 0
        self._findings = findings
        self._seen: set[int] = set()

    def is_new(self, status: os.stat_result) -> bool:
        """Whether it is here for the first time."""
        identity = status.st_dev << 128 | status.st_ino  # one integer: a pair would take twice the memory
        new = identity not in self._seen
        self._seen.add(identity)
        return new

    def files(self, folder: str) -> Iterator[str]:
        """The regular files below a folder, sorted by name in each.

        Raises:
            OSError: at once, if the folder itself cannot be read.
        """
        return self._files(_below(folder))

    def _files(self, below: Iterator[str]) -> Iterator[str]:
        levels = [below]
        while levels:
            path = next(levels[-1], None)
            if path is None:
                levels.pop()
                continue
            try:
                status = os.stat(path)
                new = self.is_new(status)
                if stat.S_ISDIR(status.st_mode):
                    if new:
                        levels.append(_below(path))
                elif not stat.S_ISREG(status.st_mode):
                    self._findings.leave_out(shown(path), "not a regular file")
                elif new:
                    yield path
                else:
                    self.repeated += 1
            except OSError as error:
                self._findings.leave_out(shown(path), f"cannot be read ({error.strerror})")


def matches(source: str) -> list[str]:
    """The paths that a source means: itself if it is there, else what fits it as a pattern that no shell expanded."""
    return [source] if os.path.lexists(source) else sorted(glob.glob(source, recursive=True))


def _below(folder: str) -> Iterator[str]:
    """What is in a folder and not hidden, by name (`OSError`: it cannot be read)."""
    with os.scandir(folder) as entries:
        return iter(sorted(entry.path for entry in entries if not entry.name.startswith(".")))
