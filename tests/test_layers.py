"""The arrows between the modules: who may import whom, and who may import what from outside."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "natsobj"

VALUES = {"errors", "arguments", "models", "units", "adr20", "settings", "files"}
CONNECTION = {
    "connection",
    *(f"connection.{name}" for name in "message info translate answers address transport".split()),
    *(f"connection.{name}" for name in "watchers lane pings sign_in timed_event websocket".split()),
}
LIBRARY = {"store", "bucket", "reader", "folders", "checks", "blocking"} | VALUES
FRONT = LIBRARY | {"", "local_server", "folders.outcomes"}
ARGUMENTS = {"cli.arguments", "cli.arguments.grammar"}

ARROWS: dict[str, set[str]] = {
    "errors": set(),
    "arguments": {"errors"},
    "models": {"arguments", "errors"},
    "adr20": {"adr20", "arguments", "errors", "models"},
    "units": {"errors"},
    "settings": {"settings", "arguments", "units", "errors"},
    "files": {"arguments", "errors", "files", "units"},
    "connection.message": set(),
    "connection.info": set(),
    "connection.translate": {"errors"},
    "connection.timed_event": set(),
    "connection.answers": {f"connection.{name}" for name in "message timed_event watchers".split()}
    | {"errors"},
    "connection.address": {"settings"},
    "connection.transport": set(),
    "connection.pings": set(),
    "connection.watchers": {"errors"},
    "connection.lane": {f"connection.{name}" for name in "message timed_event translate transport".split()},
    "connection.sign_in": {"connection.info", "errors", "settings"},
    "connection.websocket": {"connection.address", "connection.lane", "connection.translate", "errors"},
    "connection": CONNECTION | VALUES,
    "jetstream": {"jetstream", "connection"} | VALUES,
    "stream": {"stream", "jetstream", "connection"} | VALUES,
    "objects": {"objects", "stream", "jetstream", "connection"} | VALUES,
    "reader": {"models", "errors"},
    "bucket": {"reader", "objects", "stream"} | VALUES,
    "store": {"bucket", "stream", "jetstream", "connection"} | VALUES,
    "blocking": {"blocking", "store", "bucket", "reader"} | VALUES,
    "folders.outcomes": {"errors", "models"},
    "folders.pace": set(),
    "folders": {"folders", "folders.outcomes", "folders.pace", "bucket", "objects", "stream"} | VALUES,
    "checks": {"checks", "folders.pace", "bucket", "stream", "jetstream"} | VALUES,
    "local_server": {"local_server", "settings", "errors"},
    "fsspec": {"fsspec", "local_server", ""} | VALUES,
    "serve": {"serve", "folders", ""} | VALUES,
    "": LIBRARY,
    "cli.arguments.grammar": set(),
    "cli.exits": {"cli.arguments.grammar", "errors"},
    "cli.output": {"cli.output", "cli.exits", "folders.outcomes", "models", "files", "units"},
    "cli.arguments": ARGUMENTS | {"cli.exits"} | FRONT,
    "cli.session": {"cli.session", "cli.output", "cli.exits"} | ARGUMENTS | FRONT,
    "cli.topics": {"cli.output", "cli.exits"} | ARGUMENTS,
    "cli.manual": {"cli.topics", "adr20"},
    "cli.commands": {"serve", "cli.session", "cli.output", "cli.exits", "cli.topics"} | ARGUMENTS | FRONT,
    "cli": {"", "errors", "cli.session", "cli.output", "cli.exits"} | ARGUMENTS,
    "__main__": {"cli"},
}
"""What each part of the package may import of the others; the longest name that fits a module counts.

`""` is `natsobj/__init__.py`, the library's front door: the command may use it, nothing below it does.
"""

FROM_OUTSIDE: dict[str, set[str]] = {
    "connection": {"nkeys"},
    "connection.websocket": {"aiohttp"},
    "fsspec": {"fsspec"},
    "serve": {"starlette", "uvicorn"},
    "cli": {"typer", "rich"},
}
"""What may be imported that is neither natsobj nor the standard library."""


def modules() -> list[str]:
    """All modules by their name below `natsobj`."""
    paths = (path.relative_to(PACKAGE).with_suffix("") for path in PACKAGE.rglob("*.py"))
    return sorted(".".join(path.parts).removesuffix("__init__").rstrip(".") for path in paths)


def path_of(module: str) -> Path:
    """The file of a module."""
    path = PACKAGE.joinpath(*module.split(".")) if module else PACKAGE
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


def imports_of(module: str) -> set[str]:
    """Every module that is imported anywhere in it, inside functions and for type checking included."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path_of(module).read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}: relative import"
            for alias in node.names:
                full = f"{node.module}.{alias.name}"
                found.add(full if full.removeprefix("natsobj.") in MODULES else str(node.module))
    return found


MODULES = modules()


def own_imports(module: str) -> set[str]:
    """The modules of natsobj that it imports, by their name below `natsobj`."""
    names = {name for name in imports_of(module) if name.partition(".")[0] == "natsobj"}
    return {name.removeprefix("natsobj").lstrip(".") for name in names}


def part_of(module: str, parts: set[str]) -> str | None:
    """The longest of `parts` that the module is, or is inside of."""
    fitting = [part for part in parts if module == part or module.startswith(f"{part}.")]
    return max(fitting, key=len, default=None)


@pytest.mark.parametrize("module", MODULES)
def test_every_module_has_its_place(module: str) -> None:
    """A module that the arrows do not name is one that nobody has thought about."""
    assert part_of(module, set(ARROWS)) is not None


@pytest.mark.parametrize("module", MODULES)
def test_imports_follow_the_arrows(module: str) -> None:
    """Nothing imports upwards, sideways between commands, or past what its part may know."""
    part = part_of(module, set(ARROWS))
    assert part is not None
    strangers = {name for name in own_imports(module) if part_of(name, set(ARROWS)) not in ARROWS[part]}
    assert strangers - {module} == set()


@pytest.mark.parametrize("module", MODULES)
def test_imports_from_outside_stay_where_they_belong(module: str) -> None:
    """typer and rich live in cli only, what the network needs in the connection only."""
    part = part_of(module, set(FROM_OUTSIDE))
    allowed = {"natsobj", *sys.stdlib_module_names, *(FROM_OUTSIDE[part] if part is not None else ())}
    assert {name.partition(".")[0] for name in imports_of(module)} <= allowed


def test_no_module_imports_itself_by_a_detour() -> None:
    """The imports form no circle; the front door imports lazily and is left out."""
    graph = {module: own_imports(module) - {module, ""} for module in MODULES if module}
    TopologicalSorter(graph).prepare()


def reaching_in(path: Path) -> Iterator[str]:
    """Where a test replaces a part of the program, or names what is private to it."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    imported = {
        alias.asname or alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.Import)
        for alias in node.names
        if alias.name.partition(".")[0] in sys.stdlib_module_names
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "monkeypatch.setattr":
            if ast.unparse(node.args[0]) not in imported:
                yield f"{path.name}:{node.lineno}: {ast.unparse(node)}"
        elif isinstance(node, ast.Attribute) and node.attr.startswith("_") and not node.attr.endswith("__"):
            owner = ast.unparse(node.value)
            ours = owner in {"self", "cls"} | imported or owner.startswith("self.")
            if not ours and node.attr != "_replace":
                yield f"{path.name}:{node.lineno}: {ast.unparse(node)}"


def test_tests_look_from_outside() -> None:
    """No test replaces a part of the program or reaches for a private name: it breaks things around it.

    What belongs to Python may be replaced: the program finds it there as it finds the system.
    """
    assert [found for path in Path(__file__).parent.rglob("*.py") for found in reaching_in(path)] == []


@pytest.mark.parametrize("module", [name for name in MODULES if name.startswith("cli.commands.")])
def test_a_command_catches_nothing(module: str) -> None:
    """A command reads arguments, awaits the store and emits a model: errors are the session's business."""
    tree = ast.parse(path_of(module).read_text(encoding="utf-8"))
    assert not [node.lineno for node in ast.walk(tree) if isinstance(node, ast.Try | ast.TryStar)]
    assert "contextlib.suppress" not in names_of(tree)


@pytest.mark.parametrize("module", [name for name in MODULES if name.startswith("cli.commands.")])
def test_a_command_returns_its_exit_status(module: str) -> None:
    """What is called by the bridge gives an int, and none of them sets the session's."""
    tree = ast.parse(path_of(module).read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and any(
            isinstance(each, ast.Name) and each.id == "bridge" for each in node.decorator_list
        ):
            assert node.returns is not None
            assert ast.unparse(node.returns) == "int"
        if isinstance(node, ast.Assign):
            assert not [each for each in node.targets if ast.unparse(each) == "session.status"]


def test_only_the_grammar_knows_what_typer_does_not_promise() -> None:
    """The private names of Typer, and of the Click in it, stand in one file, which has tests of its own."""
    root = PACKAGE.parent
    programs = [
        path
        for path in (root / "scripts").iterdir()
        if path.read_text(encoding="utf-8").startswith("#!/usr/bin/env python")
    ]
    paths = {
        *programs,
        *(path for part in ("natsobj", "tests", "benchmarks") for path in (root / part).rglob("*.py")),
    }
    found = {
        path.relative_to(root): private_names(path) for path in paths - {path_of("cli.arguments.grammar")}
    }
    assert {path: names for path, names in found.items() if names} == {}


def private_names(path: Path) -> list[str]:
    """The names in a file that Typer, or Click, has for itself."""
    found = names_of(ast.parse(path.read_text(encoding="utf-8")))
    return [name for name in found if re.match(r"click\b|typer\.(core\b|_(?!_version__))", name)]


def names_of(tree: ast.AST) -> list[str]:
    """The names that a file has of modules, imported from them or written behind them."""
    found: list[str] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            found += [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            found.append(f"{node.value.id}.{node.attr}")
    return found
