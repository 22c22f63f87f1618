"""The library's front door: what `natsobj` exports, and what importing it costs."""

from __future__ import annotations

import ast
import importlib
import subprocess
import sys
from pathlib import Path

import pytest

import natsobj
from natsobj import errors, models


def names_for_type_checkers() -> set[str]:
    """What the `if TYPE_CHECKING` block of natsobj/__init__.py imports."""
    tree = ast.parse(Path(natsobj.__file__).read_text(encoding="utf-8"))
    blocks = [node for node in tree.body if isinstance(node, ast.If)]
    names: set[str] = set()
    for node in (node for block in blocks for node in block.body):
        assert isinstance(node, ast.ImportFrom)
        assert node.module is not None
        exported = importlib.import_module(node.module).__all__ if node.names[0].name == "*" else ()
        names.update(exported or (alias.name for alias in node.names))
    return names


@pytest.mark.parametrize("name", natsobj.__all__)
def test_every_exported_name_can_be_imported(name: str) -> None:
    """`__all__` promises nothing that is not there."""
    assert getattr(natsobj, name) is not None


def test_everything_importable_is_exported() -> None:
    """`dir()`, `__all__` and what type checkers see are one list without repetition."""
    assert sorted(dir(natsobj)) == sorted(natsobj.__all__)
    assert len(set(natsobj.__all__)) == len(natsobj.__all__)
    assert {"__version__", *names_for_type_checkers()} == set(natsobj.__all__)


def test_all_errors_and_models_are_exported() -> None:
    """Whoever uses the library can name every error it raises and every value it returns."""
    assert set(errors.__all__) | set(models.__all__) <= set(natsobj.__all__)
    defined = {
        name
        for name, value in vars(errors).items()
        if isinstance(value, type) and issubclass(value, BaseException)
    }
    assert defined == set(errors.__all__)


def test_unknown_name_is_an_attribute_error() -> None:
    """The lazy front door answers for names that it does not have as any module does."""
    name = "no_such_thing"
    with pytest.raises(AttributeError, match=name):
        getattr(natsobj, name)


def test_importing_the_library_imports_neither_nats_nor_asyncio() -> None:
    """`import natsobj` and its models cost next to nothing: `natsobj --version` depends on it."""
    code = (
        "import sys, natsobj; natsobj.BucketConfig; natsobj.NatsobjError;"
        "print(sorted({'nats', 'asyncio', 'typer', 'rich', 'ssl'} & set(sys.modules)))"
    )
    found = subprocess.check_output([sys.executable, "-c", code], text=True, timeout=60)
    assert found == "[]\n"
