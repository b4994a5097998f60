"""What gen/engine/native/module.c offers. Buffers are C-contiguous arrays; those that are changed are marked."""

from typing import Any

from numpy.typing import NDArray

Buffer = NDArray[Any]

def kernels() -> list[str]: ...
def read_speed(bytes: int, seconds: float, threads: int, /) -> float: ...

class Model:
    def __new__(
        cls,
        kernels: str,
        cell: int,
        is_int8: bool,
        layers: int,
        hidden: int,
        vocabulary: int,
        ngrams: int,
        ngram_rows: int,
        ngram_width: int,
        first_residual: int,
        weights: tuple[Buffer, ...],
        /,
    ) -> Model: ...
    @property
    def weight_bytes(self) -> int: ...
    def read(
        self,
        ids: Buffer,
        batch: int,
        length: int,
        h: Buffer,  # changed
        c: Buffer | None,  # changed
        context: Buffer | None,  # changed
        logits: Buffer,  # changed
        after_each: bool,
        threads: int,
        /,
    ) -> None: ...
    def sample(
        self,
        ids: Buffer,
        batch: int,
        count: int,
        h: Buffer,  # changed
        c: Buffer | None,  # changed
        context: Buffer | None,  # changed
        draws: Buffer,
        bias: Buffer | None,
        numbers: tuple[float, float, float, int, float, float, float],
        counts: Buffer | None,  # changed
        recent: Buffer | None,
        window: int,
        chosen: Buffer,  # changed
        threads: int,
        /,
    ) -> int: ...
