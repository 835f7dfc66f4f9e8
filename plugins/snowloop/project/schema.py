"""The JSON Schema of project.yaml for editors, generated from the types of the declaration."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from snowloop.project.declaration import Project
from snowloop.project.loading import include_dir

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def project_schema() -> dict[str, Any]:
    """The schema; a field without a description has that of its type, so that an editor always has one to show.

    Returns:
        A JSON Schema of the dialect 2020-12, which pydantic generates (https://docs.pydantic.dev/latest/concepts/json_schema).
    """
    schema = Project.model_json_schema()
    for part in (schema, *schema["$defs"].values()):
        for declared in part.get("properties", {}).values():
            for name in _references(declared):
                words = schema["$defs"][name].get("description", "").partition("\n\n")[0]
                declared.setdefault("description", words.replace("``", "`"))
    return {"$schema": DIALECT, "title": "project.yaml of Snowloop", **schema}


def _references(declared: dict[str, Any]) -> Iterator[str]:
    """Names of the types to which a field itself refers; those of its items and values have their own descriptions."""
    for part in (declared, *declared.get("anyOf", ())):
        if "$ref" in part:
            yield part["$ref"].rpartition("/")[2]


def schema_text() -> str:
    """The schema as it stands in ``schema_file()``."""
    return json.dumps(project_schema(), indent=2, ensure_ascii=False) + "\n"


def schema_file() -> Path:
    """Where the schema is kept: the file to which the first line of a project.yaml points."""
    return include_dir() / "projects" / "project.schema.json"
