"""Checks the files next to project.yaml without running them, for errors that would fail the first stage."""

import ast
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from jinja2 import TemplateSyntaxError, meta, nodes

from snowloop.project.files.as_of_joins import AS_OF, join_problems
from snowloop.templates import ProjectEnvironment, counted_work

if TYPE_CHECKING:
    from snowloop.project.declaration import Candidate, Project

TABLES = {"features.sql": "source", "label.sql": "raw"}
"""The variable of each template that stands for its table, or for the schema of its tables."""

HELPERS = {"features.sql": {"identifier", AS_OF}, "label.sql": {"identifier"}}
"""Functions that each template may call."""

FILTERS = ("identifier", "identifiers", "literal", "bind")
"""Filters of snowloop/sql.py, which each template may use besides Jinja's own."""


class FileLine(NamedTuple):
    """A line of a file of the project."""

    file: str
    line: int


FilePlace = FileLine | tuple[int | str, ...]
"""A line of a file, or the keys that lead to a part of project.yaml."""

Problem = tuple[FilePlace, str]


def file_problems(directory: Path, project: "Project") -> Iterator[Problem]:
    """Find errors in features.sql, label.sql and model.py, as far as they show without Snowflake.

    Yields:
        The place, and the error with what to do.
    """
    for file in (*TABLES, "model.py"):
        try:
            text = (directory / file).read_text(encoding="utf-8")
        except UnicodeDecodeError as error:
            line = error.object[: error.start].count(b"\n") + 1
            yield FileLine(file, line), "this is not UTF-8: save the file as UTF-8"
            continue
        if file == "model.py":
            yield from _model_problems(text, directory, project.candidates)
        else:
            yield from _template_problems(file, text, project)


def _template_problems(file: str, text: str, project: "Project") -> Iterator[Problem]:
    table = TABLES[file]
    environment = ProjectEnvironment(dict.fromkeys(FILTERS, str))
    try:
        with counted_work():  # constants are computed while it is compiled
            tree = environment.parse(text)
            undeclared = meta.find_undeclared_variables(tree)  # also finds filters and tests that there are not
    except TemplateSyntaxError as error:
        yield FileLine(file, error.lineno), f"this is not a valid Jinja template: {error.message}; correct the line"
        return
    except RecursionError:
        yield FileLine(file, 1), "this Jinja template is nested too deeply: simplify it"
        return
    names = undeclared - set(environment.globals) - HELPERS[file]
    for name in sorted(names - {table}):
        line = next(node.lineno for node in tree.find_all(nodes.Name) if node.name == name)
        yield FileLine(file, line), f"'{{{{ {name} }}}}' is undefined: this file has only '{{{{ {table} }}}}'"
    if not any(line.strip() and not line.strip().startswith("--") for line in text.splitlines()):
        yield FileLine(file, 1), f"the file has no query: write one SELECT over {{{{ {table} }}}}"
    elif file == "features.sql" and not names and not list(meta.find_referenced_templates(tree)):
        what = "it never reads '{{ source }}': select FROM {{ source }}, the table in training, the stream in scoring"
        yield FileLine(file, 1), what
    if file == "features.sql":
        yield from ((FileLine(file, line), what) for line, what in join_problems(tree, text, project))


def _model_problems(text: str, directory: Path, candidates: "Sequence[Candidate]") -> Iterator[Problem]:
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError) as error:
        line = getattr(error, "lineno", None) or 1
        yield FileLine("model.py", line), f"this is not Python: {getattr(error, 'msg', error)}; correct the line"
        return
    except (RecursionError, MemoryError):  # of Python's parser
        yield FileLine("model.py", 1), "this Python is nested too deeply: simplify it"
        return
    builders = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == "build_model"]
    if builders:
        yield from _parameter_problems(builders[-1].args, candidates)
    elif "build_model" not in _bound(tree):
        what = "there is no function build_model: define `def build_model(**params)`, which returns an estimator"
        yield FileLine("model.py", 1), what
    yield from _folder_problems(tree, directory)


def _folder_problems(tree: ast.Module, directory: Path) -> Iterator[Problem]:
    """Only modules are uploaded to Snowflake, not folders: the import of a folder would fail there, much later."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names = [node.module or ""]
        else:
            continue
        for folder in sorted({name.split(".")[0] for name in names}):
            if folder and (directory / folder).is_dir() and not (directory / f"{folder}.py").is_file():
                what = (
                    f"'{folder}' is a folder, but only modules next to model.py are uploaded to Snowflake: put its "
                    f"code into {folder}.py next to model.py"
                )
                yield FileLine("model.py", node.lineno), what


def _bound(tree: ast.Module) -> set[str]:
    """Names that a module defines in other ways than by a plain function; a star import may define any."""
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    names |= {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.ClassDef)}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            names |= {alias.asname or alias.name for alias in node.names}
    return names | {"build_model"} if "*" in names else names


def _parameter_problems(arguments: ast.arguments, candidates: "Sequence[Candidate]") -> Iterator[Problem]:
    """Parameters of a candidate that build_model does not accept, and required ones that are missing."""
    accepted = [argument.arg for argument in (*arguments.args, *arguments.kwonlyargs)]
    positional = arguments.args[: len(arguments.args) - len(arguments.defaults)]
    keyword = [each for each, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True) if not default]
    needed = {argument.arg for argument in (*positional, *keyword)} - {"seed"}
    for place, candidate in enumerate(candidates):
        searched = candidate.search.space if candidate.search else {}
        for name in (*candidate.params, *searched):
            if arguments.kwarg is None and name not in accepted:
                names = ", ".join(accepted) or "no parameters"
                what = f"build_model of model.py takes no parameter '{name}' (it takes {names}): correct one of the two"
                part = ("search", "space") if name in searched else ("params",)
                yield ("candidates", place, *part, name), what
        for name in sorted(needed - set(candidate.params) - set(searched)):
            what = f"build_model of model.py needs '{name}': add it to the params of candidate {candidate.name}"
            yield ("candidates", place), what
