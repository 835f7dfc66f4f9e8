"""The JSON Schemas of project.yaml and targets.yaml for editors, generated from the types of the declarations."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from snowloop.project.base import Declaration
from snowloop.project.declaration import Project
from snowloop.project.files.loading import include_dir
from snowloop.project.targets import Targets

DIALECT = "https://json-schema.org/draft/2020-12/schema"


@dataclass(frozen=True)
class SchemaFile:
    """A schema that is kept next to what it describes.

    Args:
        declares: The type of the declaration.
        title: Its title.
        path: Its place below ``include``: the file to which the first line of a declaration points.
    """

    declares: type[Declaration]
    title: str
    path: str

    def schema(self) -> dict[str, Any]:
        """The schema; a field without a description has that of its type, so that an editor always has one to show.

        pydantic generates it, in the dialect 2020-12 (https://docs.pydantic.dev/latest/concepts/json_schema).
        """
        schema = self.declares.model_json_schema()
        for part in (schema, *schema["$defs"].values()):
            for declared in part.get("properties", {}).values():
                for name in _references(declared):
                    words = schema["$defs"][name].get("description", "").partition("\n\n")[0]
                    declared.setdefault("description", words.replace("``", "`"))
        return {"$schema": DIALECT, "title": self.title, **schema}

    def text(self) -> str:
        """The schema as it stands in its file."""
        return json.dumps(self.schema(), indent=2, ensure_ascii=False) + "\n"

    def file(self) -> Path:
        """Where it is kept."""
        return include_dir() / self.path

    @property
    def path_in_repository(self) -> str:
        """Where a repository of projects keeps it."""
        return f"include/{self.path}"


SCHEMAS = {
    "project": SchemaFile(Project, "project.yaml of Snowloop", "projects/project.schema.json"),
    "targets": SchemaFile(Targets, "targets.yaml of Snowloop", "targets.schema.json"),
}


def _references(declared: dict[str, Any]) -> Iterator[str]:
    """Names of the types to which a field itself refers; those of its items and values have their own descriptions."""
    for part in (declared, *declared.get("anyOf", ())):
        if "$ref" in part:
            yield part["$ref"].rpartition("/")[2]
