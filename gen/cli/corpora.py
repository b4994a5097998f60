"""`gen corpora`: the corpora that have a name."""

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from gen.corpus.catalog import CatalogEntry


def corpora(
    name: Annotated[
        str | None, typer.Argument(help="One of them, in full.", metavar="@NAME", show_default=False)
    ] = None,
    *,
    fetch: Annotated[bool, typer.Option("--fetch", help="Bring it into the cache, or the rest of it.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a corpus and line.")] = False,
) -> None:
    """List the corpora that have a name. Nothing is fetched unless --fetch says so, or 'gen train @NAME' needs it."""
    from gen.cli.fetching import fetch_visibly
    from gen.cli.report import report, screen_width
    from gen.cli.terminal import say, write_product
    from gen.corpus.catalog import entries, find
    from gen.errors import ConfigError

    if fetch and name is None:
        raise ConfigError("--fetch needs a name, as in 'gen corpora @shakespeare --fetch'")
    chosen = entries() if name is None else (find(name),)
    if fetch:
        if chosen[0].embedded:
            say(f"@{chosen[0].name} is built in: there is nothing to fetch")
        fetch_visibly(chosen[0])
    if as_json:
        write_product("".join(json.dumps(_facts(entry), ensure_ascii=False) + "\n" for entry in chosen))
    elif name is None:
        rows = [["name", "medium", "size", "what, licence, source"], *map(_row, chosen)]
        write_product(report(rows, screen_width()))
    else:
        write_product(report(_in_full(chosen[0]), screen_width()))


def _facts(entry: "CatalogEntry") -> dict[str, Any]:
    """An entry as JSON values."""
    return {
        "name": f"@{entry.name}", "title": entry.title, "medium": entry.medium, "licence": entry.licence,
        "homepage": entry.homepage, "url": entry.url or None, "size": entry.size, "sha256": entry.sha256,
        "tree_sha256": entry.tree_sha256, "embedded": entry.embedded, "cached": entry.cached,
        "folder": None if entry.embedded else str(entry.folder),
    }  # fmt: skip


def _row(entry: "CatalogEntry") -> list[str]:
    return [f"@{entry.name}", entry.medium, _size(entry), f"{entry.title}; {entry.licence}; {entry.homepage}"]


def _size(entry: "CatalogEntry") -> str:
    """Of what is, or was, to fetch."""
    from gen.storage import human_size

    if entry.embedded:
        return "built in"
    return human_size(entry.size) + (", cached" if entry.cached else "")


def _in_full(entry: "CatalogEntry") -> list[list[str]]:
    from gen.cli.terminal import plain
    from gen.storage import human_size

    rows = [
        ["name", f"@{entry.name}"],
        ["what", entry.title],
        ["medium", entry.medium],
        ["licence", entry.licence],
        ["source", entry.homepage],
    ]
    if entry.embedded:
        return [*rows, ["to fetch", "nothing: it is here"], ["use", f"gen train @{entry.name}"]]
    rows += [["address", entry.url], ["size", f"{'' if entry.sha256 else 'about '}{entry.size:,} bytes to fetch"]]
    if entry.archive:
        rows.append(["unpacked", f"{human_size(entry.archive.size)} at most"])
    if entry.excerpt:
        rows.append(["excerpt", f"from “{entry.excerpt.first}” to “{entry.excerpt.end}”"])
    of_what = "" if entry.sha256 else ", of what is unpacked"
    rows.append(["checksum", f"{entry.sha256 or entry.tree_sha256} (SHA-256{of_what})"])
    here = plain(str(entry.folder)) if entry.cached else f"not there; 'gen corpora @{entry.name} --fetch' gets it"
    rows.append(["cache", here])
    return [*rows, ["use", f"gen train @{entry.name}"]]
