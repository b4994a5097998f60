"""What a generated text has to be: a regular expression, words, characters, lines; one automaton that looks ahead."""

from gen.constraints.text import TextConstraint, text_constraint

__all__ = ["TextConstraint", "text_constraint"]
