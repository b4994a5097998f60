"""A process that turns text into ids for another: `python -m gen.corpus.text_worker`.

A line with a tokenizer in JSON comes in, and then for each unit a line, `[bytes of each text]`, and the texts in UTF-8.
Out go a line, `{"lengths": [ids of each text]}`, and these ids, or `{"error": reason, "text": which}`.
"""

import json
import signal
import sys
from typing import TYPE_CHECKING, cast

import numpy as np

from gen.errors import TokenizerError
from gen.tokenizers import from_dict

if TYPE_CHECKING:
    from gen.tokenizers import TextTokenizer


def answer(tokenizer: "TextTokenizer", texts: list[str]) -> tuple[dict[str, object], bytes]:
    """What goes out for one unit: the line's content, and the ids."""
    ids = []
    for number, text in enumerate(texts):
        try:
            ids.append(tokenizer.encode(text))
        except TokenizerError as error:
            return {"error": str(error), "text": number}, b""
    return {"lengths": [len(one) for one in ids]}, np.concatenate(ids).tobytes()


def main() -> None:
    """Answer until there is no more line."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the one who asks ends this process, too
    tokenizer = cast("TextTokenizer", from_dict(json.loads(sys.stdin.buffer.readline())))
    for line in sys.stdin.buffer:
        texts = [sys.stdin.buffer.read(size).decode() for size in json.loads(line)]
        head, data = answer(tokenizer, texts)
        sys.stdout.buffer.write(json.dumps(head).encode() + b"\n" + data)
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
