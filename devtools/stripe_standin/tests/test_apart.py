"""The stand-in and the product know nothing of each other."""

import ast
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1]
ROOT = PACKAGE.parents[1]
LIBRARIES = {"httptools", "httpx", "orjson", "stripe", "requests", "pytest", "devtools"}
PRODUCT = {"api", "learnflow", *(path.parent.name for path in ROOT.glob("*/apps.py"))}


def imported(path: Path) -> set[str]:
    """The modules that a file imports, by their full names."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
    return names


def test_the_stand_in_imports_nothing_from_the_product():
    for path in PACKAGE.rglob("*.py"):
        for name in imported(path):
            top = name.partition(".")[0]
            assert top in LIBRARIES or top in sys.stdlib_module_names, f"{path}: {name}"
            assert top != "devtools" or name.startswith("devtools.stripe_standin"), path


@pytest.mark.parametrize("app", sorted(PRODUCT))
def test_no_production_path_imports_the_stand_in(app):
    for path in (ROOT / app).rglob("*.py"):
        if "tests" not in path.parts:
            assert not any(name.startswith("devtools") for name in imported(path)), path
