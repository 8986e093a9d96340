"""The architecture holds: foreign keys point down, and the house rules that code shows."""

import ast
from pathlib import Path

import pytest
from django.apps import apps
from django.conf import settings

FLOORS = [
    ["core"],
    ["users"],
    ["courses"],
    ["enrollments"],
    ["cart", "reviews"],
    ["orders"],
    ["payments"],
    ["notifications", "analytics"],
    ["api"],
]
LEVEL = {app: level for level, floor in enumerate(FLOORS) for app in floor}
ROOT = Path(settings.BASE_DIR)


def _sources() -> list[Path]:
    found = []
    for app in LEVEL:
        for path in sorted((ROOT / app).rglob("*.py")):
            if not {"tests", "migrations"} & set(path.relative_to(ROOT).parts):
                found.append(path)
    return found


def test_foreign_keys_point_down() -> None:
    for model in apps.get_models():
        app = model._meta.app_label
        if app not in LEVEL:
            continue
        for field in model._meta.get_fields():
            target = getattr(field, "related_model", None)
            if not field.concrete or target is None or target._meta.app_label not in LEVEL:
                continue
            other = target._meta.app_label
            assert other == app or LEVEL[other] < LEVEL[app], f"{model.__name__}.{field.name}"


def test_no_signals_and_no_bare_delay() -> None:
    for path in _sources():
        text = path.read_text()
        assert "django.dispatch" not in text, path
        assert ".delay(" not in text, path
        assert "apply_async(" not in text, path


@pytest.mark.parametrize("path", _sources(), ids=lambda path: str(path.relative_to(ROOT)))
def test_files_stay_readable(path: Path) -> None:
    assert path.name != "utils.py"
    assert len(path.read_text().splitlines()) <= 400


def test_errors_know_no_http() -> None:
    for path in _sources():
        if path.name == "errors.py":
            text = path.read_text()
            assert "rest_framework" not in text, path
            assert "status_code" not in text, path


def test_public_functions_have_docstrings() -> None:
    bare = []
    for path in _sources():
        if path.name not in {"services.py", "selectors.py"} and path.parent.name not in {
            "services",
            "selectors",
        }:
            continue
        for node in ast.parse(path.read_text()).body:
            if not isinstance(node, ast.FunctionDef | ast.ClassDef) or node.name[0] == "_":
                continue
            if not ast.get_docstring(node):
                bare.append(f"{path.relative_to(ROOT)}:{node.lineno} {node.name}")
    assert bare == []


def test_services_and_selectors_take_keywords_only() -> None:
    """A pure function of one value may take that one by position; facts are always named."""
    wrong = []
    for path in _sources():
        names = {path.stem, path.parent.name}
        if not names & {"services", "selectors"}:
            continue
        for node in ast.parse(path.read_text()).body:
            if not isinstance(node, ast.FunctionDef) or node.name.startswith("_"):
                continue
            by_position = len(node.args.args) + len(node.args.posonlyargs)
            if by_position > 1 or node.args.kwarg:
                wrong.append(f"{path.relative_to(ROOT)}:{node.lineno} {node.name}")
    assert wrong == []
