"""What reading a corpus met that its owner should know: encodings found, files left out, characters mended."""

from dataclasses import dataclass, field

_LISTED = 4  # kinds of file that a notice tells apart


@dataclass(slots=True)
class Findings:
    """What one pass over documents found.

    Attributes:
        files: how many were read to their end.
        bytes: of files, as they are on the disk, that were read.
        encodings: name of a file -> the encoding it was found to have, where that is not UTF-8.
        left_out: reason -> how many files were left out for it, and the first of them.
        mended: halves of characters (lone surrogates in JSON) that were replaced by U+FFFD.
    """

    files: int = 0
    bytes: int = 0
    encodings: dict[str, str] = field(default_factory=dict)
    left_out: dict[str, tuple[int, str]] = field(default_factory=dict)
    mended: int = 0

    def leave_out(self, name: str, reason: str) -> None:
        """Count a file that is read over."""
        count, first = self.left_out.get(reason, (0, name))
        self.left_out[reason] = (count + 1, first)

    def left_out_text(self) -> str:
        """How many files were left out and why: "2 files left out: a.png (a PNG image), and 1 for other reasons"."""
        total = sum(count for count, _ in self.left_out.values())
        listed = sorted(self.left_out.items(), key=lambda item: -item[1][0])[:_LISTED]
        reasons = [f"{_with_others(first, count)} ({reason})" for reason, (count, first) in listed]
        rest = total - sum(count for _, (count, _) in listed)
        if rest:
            reasons.append(f"{rest:,} for other reasons")
        return f"{total:,} {'file' if total == 1 else 'files'} left out: {', '.join(reasons)}"

    def notices(self) -> tuple[str, ...]:
        """All of it, a sentence each."""
        found: dict[str, list[str]] = {}
        for name, encoding in self.encodings.items():
            found.setdefault(encoding, []).append(name)
        notices = [
            f"{_with_others(names[0], len(names))}: read as {encoding}, which was detected; --encoding sets another"
            for encoding, names in sorted(found.items())
        ]
        if self.left_out:
            notices.append(self.left_out_text())
        if self.mended:
            notices.append(f"halves of characters (lone surrogates) in JSON: {self.mended:,}, replaced by U+FFFD")
        return tuple(notices)


def _with_others(first: str, count: int) -> str:
    return first if count == 1 else f"{first} and {count - 1:,} more"
