"""A Python handler: its code, imports and types."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from local_snowflake.sql.types import SfType

Columns = tuple[tuple[str, SfType], ...]


@dataclass(frozen=True)
class HandlerSpec:
    """A handler and what it needs.

    Attributes:
        name: the function's or procedure's name, for error messages.
        handler: ``module.function``, or a name in ``code``.
        kind: ``scalar``, ``table``, ``aggregate`` or ``procedure``.
        code: the inline source text, or None: the handler is in the imports.
        imports: name in the import directory -> local file or folder.
        inputs: the arguments' names and types.
        outputs: the result's; one for all kinds but ``table``.
        strict: NULL in an argument returns NULL without a call.
    """

    name: str
    handler: str
    kind: str = "scalar"
    code: str | None = None
    imports: Mapping[str, Path] = field(default_factory=dict)
    packages: tuple[str, ...] = ()
    inputs: Columns = ()
    outputs: Columns = ()
    strict: bool = False

    @cached_property
    def key(self) -> str:
        """Processes are reused for the same key: the same code, state of the imported files, and packages."""
        digest = hashlib.sha256(repr((self.code, sorted(self.packages))).encode())
        for name, path in sorted(self.imports.items()):
            state = path.stat()
            digest.update(repr((name, str(path), state.st_mtime_ns, state.st_size)).encode())
        return digest.hexdigest()[:32]

    def header(self) -> dict[str, Any]:
        """The call as the worker reads it."""
        return {
            "do": "call",
            "kind": self.kind,
            "handler": self.handler,
            "inputs": [(n, t.key) for n, t in self.inputs],
            "outputs": [(n, t.key) for n, t in self.outputs],
            "strict": self.strict,
        }


def folder_imports(folder: Path) -> dict[str, Path]:
    """The content of a folder as imports, eg: a model version's files."""
    return {entry.name: entry for entry in sorted(folder.iterdir())}
