"""The JSON Schema of project.yaml: up to date, with words for every field, and of one mind with the declaration."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator
from typer.testing import CliRunner

from snowloop.cli.main import app
from snowloop.project import declared_projects
from snowloop.project.files.schema import SCHEMAS

SCHEMA = json.loads(SCHEMAS["project"].file().read_text())
PROJECTS = {project.name: project.directory / "project.yaml" for project in declared_projects()}


def problems(declared: Any) -> list[str]:
    return [error.message for error in Draft202012Validator(SCHEMA).iter_errors(declared)]


@pytest.mark.parametrize("of", SCHEMAS)
def test_the_committed_schema_is_that_of_the_declaration(of: str):
    assert SCHEMAS[of].file().read_text() == SCHEMAS[of].text(), "run: make schema"


@pytest.mark.parametrize("of", SCHEMAS)
def test_the_command_prints_it(of: str):
    assert CliRunner().invoke(app, ["schema", "--of", of]).output == SCHEMAS[of].text()


@pytest.mark.parametrize("of", SCHEMAS)
def test_it_is_a_schema(of: str):
    Draft202012Validator.check_schema(SCHEMAS[of].schema())


@pytest.mark.parametrize("of", SCHEMAS)
def test_every_field_has_words_and_every_optional_one_its_default(of: str):
    schema = SCHEMAS[of].schema()
    parts = {"the file": schema, **schema["$defs"]}
    fields = {
        f"{part}.{name}": (field, name in shape.get("required", ()))
        for part, shape in parts.items()
        for name, field in shape.get("properties", {}).items()
    }
    assert [name for name, (field, _) in fields.items() if not field.get("description")] == []
    assert [name for name, (field, needed) in fields.items() if not needed and "default" not in field] == []


@pytest.mark.parametrize("name", PROJECTS)
def test_a_declared_project_fits_and_names_the_schema_for_editors(name: str):
    text = PROJECTS[name].read_text()
    assert problems(yaml.safe_load(text)) == []
    mark, _, place = text.splitlines()[0].partition("$schema=")
    assert mark == "# yaml-language-server: "
    assert (PROJECTS[name].parent / place).resolve() == SCHEMAS["project"].file().resolve()


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"owner": ["me"]}, "'owner' was unexpected"),
        ({"seed": "many"}, "'many' is not of type 'integer'"),
        ({"candidates": []}, "[] should be non-empty"),
        ({"split": {"by": "chance"}}, "'chance' is not one of"),
        ({"metric": {"name": "roc_auc", "min_support": 0}}, "0 is less than the minimum of 1"),
    ],
)
def test_what_the_declaration_refuses_an_editor_marks(change: dict[str, Any], says: str):
    declared = yaml.safe_load(Path(PROJECTS["credit_approval"]).read_text())
    assert any(says in message for message in problems({**declared, **change}))
