"""What a loss means: its units, and the n-gram baseline beside it. The trainer and the evaluation measure alike."""

from gen.metrics.ngram import BOUNDED_TRAIN, BOUNDED_VALIDATION, witten_bell
from gen.metrics.units import bits, figures, perplexity

__all__ = ["BOUNDED_TRAIN", "BOUNDED_VALIDATION", "bits", "figures", "perplexity", "witten_bell"]
