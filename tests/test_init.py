"""The public names: all there, loaded on first use, the same for people and for type checkers."""

import ast
from pathlib import Path

import pytest

import gen
from gen import errors


def test_every_public_name_resolves_and_is_listed() -> None:
    for name in gen.__all__:
        assert getattr(gen, name) is not None
        assert name in dir(gen)
    assert len(gen.__all__) == len(set(gen.__all__))


def test_the_names_that_type_checkers_see_are_those_that_load() -> None:
    tree = ast.parse(Path(gen.__file__).read_text("utf-8"))
    block = next(node for node in tree.body if isinstance(node, ast.If))
    seen = {
        (statement.module, alias.name, alias.asname)
        for statement in block.body
        if isinstance(statement, ast.ImportFrom)
        for alias in statement.names
    }
    assert seen == {(room, name, name) for room, names in gen._ROOMS.items() for name in names}


def test_the_whole_error_tree_is_public() -> None:
    tree = {value for value in vars(errors).values() if isinstance(value, type) and issubclass(value, errors.GenError)}
    assert tree == {getattr(gen, name) for name in gen.__all__ if name.endswith("Error")}


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'gen' has no attribute 'Samplr'"):
        gen.Samplr  # type: ignore[attr-defined]  # noqa: B018
