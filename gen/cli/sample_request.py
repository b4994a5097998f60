"""What `gen sample` was asked for, whatever the medium."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gen.cli.learned import Receipts
    from gen.cli.search_options import Search
    from gen.config import SamplingConfig
    from gen.sampler import Sampler


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """The options that samplers of text and of music share.

    Attributes:
        model: the file that writes.
        prompt: as it was given.
        keep_prompt: it is part of the product.
        config: how ids are chosen.
        max_tokens: ids to draw; None for no bound.
        ignore_end: go on where the model ends a document.
        streams: which of the streams under the seed.
        search: what is looked for in their place.
        receipts: what keeps them from copies, and is said of them.
        seed: of the draws.
        as_json: a JSON object a sample.
        outputs: files to write.
        quiet: nothing on stderr but errors.
    """

    model: Path
    prompt: str | None
    keep_prompt: bool
    config: "SamplingConfig"
    max_tokens: int | None
    ignore_end: bool
    streams: range
    search: "Search | None"
    receipts: "Receipts"
    seed: int
    as_json: bool
    outputs: tuple[Path, ...]
    quiet: bool

    @property
    def name(self) -> str:
        """The run's, or the file's."""
        from gen.runs import name_of

        return name_of(self.model)

    @property
    def count(self) -> int:
        """How many products there are, at most."""
        return self.search.returned if self.search is not None else len(self.streams)

    def announce(self, sampler: "Sampler") -> None:
        """Say who writes, and what reproduces it."""
        from gen.cli.terminal import say

        if not self.quiet:
            model = sampler.checkpoint.model
            say(f"{self.name}: {model.cell} {model.layers} x {model.hidden}, {sampler.engine}, seed {self.seed}", "dim")

    def numbered(self, path: Path, number: int) -> Path:
        """The file for sample `number`, counted from 0: tune.mid, or tune-1.mid, tune-2.mid … of several."""
        return path if self.count == 1 else path.with_stem(f"{path.stem}-{number + 1}")
