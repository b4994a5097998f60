"""What a loss means: its units, and the n-gram baseline beside it. The trainer and the evaluation measure alike."""

from gen.metrics.ngram import BOUNDED_TRAIN, BOUNDED_VALIDATION, witten_bell
from gen.metrics.units import bits, bits_per_unit, perplexity

__all__ = ["BOUNDED_TRAIN", "BOUNDED_VALIDATION", "bits", "bits_per_unit", "perplexity", "witten_bell"]
