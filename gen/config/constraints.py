"""TextConstraints: what a generated text has to be."""

import re
import warnings
from collections.abc import Sequence
from dataclasses import dataclass

from gen.config.checks import Settings, is_whole, require
from gen.errors import ConfigError

_MOST = 10_000  # characters of a regex or of all words
_IN_A_CLASS = re.compile(r"\\.|[\[\]^&~|]", re.DOTALL)


@dataclass(frozen=True, kw_only=True)
class TextConstraints(Settings):
    r"""What a generated text has to be. All of it holds at once; upper and lower case differ.

    Attributes:
        regex: of Python's `re`; the whole text matches it, without its prompt.
        must_include: each of these is in the text, without its prompt.
        ban: none of these is in the text, nor across the end of its prompt.
        allowed_characters: the text has no others. Written as between the brackets of a regex: `a-z` is a range, `\n`
            the end of a line, `\w` what is in a word, `\-` a hyphen; brackets and `^` stand for themselves.
        banned_characters: the text has none of these; written in the same way.
        line_length: characters of a line, at most; the first goes on from the last line of the prompt.
    """

    regex: str | None = None
    must_include: tuple[str, ...] = ()
    ban: tuple[str, ...] = ()
    allowed_characters: str | None = None
    banned_characters: str | None = None
    line_length: int | None = None

    def __post_init__(self) -> None:
        if self.regex is not None:
            sound = isinstance(self.regex, str) and len(self.regex) <= _MOST
            require(sound, "regex", self.regex, f"a regular expression of at most {_MOST:,} characters")
            _compile("regex", self.regex, self.regex)
        for name in ("must_include", "ban"):
            object.__setattr__(self, name, _words(name, getattr(self, name)))
        for name in ("allowed_characters", "banned_characters"):
            value = getattr(self, name)
            if value is not None:
                sound = isinstance(value, str) and 0 < len(value) <= _MOST
                require(sound, name, value, f"1 … {_MOST:,} characters and ranges, such as 'a-z '")
                _compile(name, character_class(value), value)
        length = self.line_length
        require(length is None or (is_whole(length) and length >= 1), "line_length", length, "a whole number above 0")

    @property
    def must_finish(self) -> bool:
        """Whether a text can be wrong because it is not whole yet."""
        return self.regex is not None or bool(self.must_include)


def character_class(characters: str) -> str:
    """Characters and ranges as a regular expression of one of them."""
    return "[" + _IN_A_CLASS.sub(lambda found: found[0] if len(found[0]) == 2 else "\\" + found[0], characters) + "]"


def _compile(name: str, pattern: str, value: str) -> None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of what a later Python may read in another way
            re.compile(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        reason = "it is nested too deeply" if isinstance(error, RecursionError) else error
        raise ConfigError(f"{name} is {value!r}, which cannot be read: {reason}") from error


def _words(name: str, given: object) -> tuple[str, ...]:
    sound = isinstance(given, Sequence) and not isinstance(given, str) and all(isinstance(it, str) for it in given)
    require(sound, name, given, "texts")
    words = tuple(dict.fromkeys(given))  # type: ignore[call-overload]
    require(all(words), name, given, "texts, none of them empty")
    require(sum(map(len, words)) <= _MOST, name, f"{sum(map(len, words)):,} characters", f"{_MOST:,} at most")
    return words
