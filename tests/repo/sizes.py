"""How long, deep and wide code is, measured on its syntax tree."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from typing import TypeAlias

LIMITS = {
    "lines per file": 500,
    "lines per function": 70,
    "branches": 10,
    "nesting": 4,
    "parameters": 5,
    "methods": 20,
}
Key: TypeAlias = tuple[str, str, str]
"""(path, name or empty for the file, measure)"""
_Function: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef
_BRANCH = (ast.If, ast.For, ast.AsyncFor, ast.While, ast.ExceptHandler, ast.match_case)
_BLOCK = (
    ast.If, ast.For, ast.AsyncFor, ast.While, ast.With, ast.AsyncWith, ast.Try, ast.TryStar,
    ast.Match,
)  # fmt: skip


def measure(path: str, source: str) -> dict[Key, int]:
    """Measure a file, its functions (docstring included) and classes.

    Args:
        path: for the keys only.
        source: its text.

    Returns:
        A value for each measure of each thing; names are dotted within the file.
    """
    found: dict[Key, int] = {(path, "", "lines per file"): len(source.splitlines())}
    for name, node in _definitions(ast.parse(source), ""):
        for what, value in _measure_one(node).items():
            found[path, name, what] = value
    return found


def over_limit(measured: Mapping[Key, int]) -> dict[Key, int]:
    """Keep what is beyond its limit."""
    return {key: value for key, value in measured.items() if value > LIMITS[key[2]]}


def ratchet_offences(over: Mapping[Key, int], excused: Mapping[Key, int]) -> list[str]:
    """Hold what is over its limit against the list of excuses, which may only shrink.

    Returns:
        One sentence for each new or grown case, and for each excuse that is too generous now.
    """
    return [
        *(
            f"{' '.join(key)}: {value}, at most {excused.get(key, LIMITS[key[2]])}"
            for key, value in over.items()
            if value > excused.get(key, 0)
        ),
        *(
            f"{' '.join(key)}: excused to {value}, is {over.get(key, 'within its limit')}: lower it"
            for key, value in excused.items()
            if over.get(key, 0) < value
        ),
    ]


def _definitions(tree: ast.AST, prefix: str) -> Iterator[tuple[str, _Function | ast.ClassDef]]:
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield prefix + node.name, node
            yield from _definitions(node, f"{prefix}{node.name}.")
        else:
            yield from _definitions(node, prefix)


def _measure_one(node: _Function | ast.ClassDef) -> dict[str, int]:
    if isinstance(node, ast.ClassDef):
        methods = [each for each in node.body if isinstance(each, _Function)]
        return {"methods": len(methods)}
    return {
        "lines per function": (node.end_lineno or node.lineno) - node.lineno + 1,
        "branches": sum(isinstance(each, _BRANCH) for each in _own(node)),
        "nesting": max((_depth(each) for each in node.body), default=0),
        "parameters": _parameter_count(node.args),
    }


def _own(node: ast.AST) -> Iterator[ast.AST]:
    """All nodes below, without those of functions and classes within."""
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield child
            yield from _own(child)


def _depth(node: ast.AST, *, is_elif: bool = False) -> int:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return 0  # measured by itself
    alone = node.orelse if isinstance(node, ast.If) and len(node.orelse) == 1 else []
    below = max(
        (
            _depth(each, is_elif=each in alone and isinstance(each, ast.If))
            for each in ast.iter_child_nodes(node)
        ),
        default=0,
    )
    return below + (isinstance(node, _BLOCK) and not is_elif)


def _parameter_count(args: ast.arguments) -> int:
    named = [*args.posonlyargs, *args.args, *args.kwonlyargs]
    is_bound = bool(named) and named[0].arg in {"self", "cls"}
    return len(named) - is_bound + (args.vararg is not None) + (args.kwarg is not None)
