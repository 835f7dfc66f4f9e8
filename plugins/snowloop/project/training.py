"""The declaration of training: which rows are held out, and which candidates are trained."""

import hashlib
import itertools
import json
import math
import random
import re
from collections.abc import Iterable, Iterator
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Discriminator, Field, GetPydanticSchema, JsonValue, Tag, model_validator

from snowloop.project.base import Declaration, Identifier, Name, Text
from snowloop.project.sources import Source

MAX_COMBINATIONS = 50
"""Maximum number of candidates of one search."""
MAX_DRAWS = 10_000
"""Maximum number of draws of a random search: small ranges of whole numbers repeat themselves."""

Json = Annotated[Any, GetPydanticSchema(lambda _, schema: schema(JsonValue))]
"""A value that reaches build_model as JSON: YAML's dates, for one, do not."""

PACKAGE = re.compile(
    r"[A-Za-z0-9](?:[\w.-]*[A-Za-z0-9])?(?:\[[\w, -]+\])? *(?:(?:==|>=|<=|~=|!=|<|>) *[\w.*+!]+ *,? *)*"
)
"""A package with its version or its bounds (https://docs.snowflake.com/en/developer-guide/udf/python/udf-python-packages)."""


def _package(value: str) -> str:
    if not PACKAGE.fullmatch(value):
        message = f"'{value}' is not a package: write its name and version, such as scikit-learn==1.9.1"
        raise ValueError(message)
    return value


Package = Annotated[Text, AfterValidator(_package)]
"""A package that model.py needs."""


class Split(Declaration):
    """Which labelled rows are held out.

    ``hash``: a share of the keys; ``group``: a share of the groups that a column names, each kept whole; ``order``: the
    last rows in the order of a column; ``time``: the last rows by event time, rows with the same time together.
    """

    by: Literal["hash", "group", "order", "time"] = Field(
        "hash",
        description="How rows are held out: by hash of the key, whole groups, or the last by a column or event time.",
    )
    holdout: float = Field(0.25, gt=0, lt=1, description="Share of the labelled rows that is held out for evaluation.")
    order_by: Identifier | None = Field(None, description="With `by: order`: the column that orders the rows.")
    column: Identifier | None = Field(None, description="With `by: group`: the column that names the group.")

    @property
    def kept_as(self) -> str | None:
        """The column of a training set with the group of a row, or its position in the order; None by hash."""
        return {"group": "SNOWLOOP_GROUP", "order": "SNOWLOOP_ORDER", "time": "SNOWLOOP_ORDER"}.get(self.by)

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if (self.by == "order") != (self.order_by is not None):
            message = "order_by is for `by: order`: name the column whose last rows are held out, or use `by: hash`"
            raise ValueError(message)
        if (self.by == "group") != (self.column is not None):
            raise ValueError("column is for `by: group`: name the column whose groups stay whole, or use `by: hash`")
        return self

    def problems(self, source: Source, key: tuple[str, ...]) -> Iterator[str]:
        """What does not fit the source whose rows are split."""
        columns = source.table_columns
        if self.by == "time" and source.event_time is None:
            yield "split `by: time` needs the source's event time: declare its `event_time`, or use `by: order`"
        if self.column in columns and columns[self.column].nullable and self.column not in key:
            yield f"split column {self.column} may be null, and such rows have no group: declare it nullable: false"


class Range(Declaration):
    """Numbers between two bounds, for a random search."""

    low: float = Field(description="Lowest value.")
    high: float = Field(description="Highest value.")
    log: bool = Field(False, description="Draw on a logarithmic scale: for rates and penalties.")
    whole: bool = Field(False, description="Draw only whole numbers.")

    @model_validator(mode="after")
    def _ascending(self) -> Self:
        if self.low >= self.high or (self.log and self.low <= 0):
            raise ValueError(f"low {self.low:g} must be below high {self.high:g}, and above 0 with log: correct them")
        return self

    def draw(self, chance: random.Random) -> float | int:
        """One number, rounded to four significant digits so that names and reports stay short."""
        low, high = (math.log(self.low), math.log(self.high)) if self.log else (self.low, self.high)
        drawn = chance.uniform(low, high)
        value = math.exp(drawn) if self.log else drawn
        return round(value) if self.whole else min(max(float(f"{value:.4g}"), self.low), self.high)


def _kind(values: Any) -> str | None:
    if isinstance(values, list | tuple):
        return "values"
    return "range" if isinstance(values, dict | Range) else None


Space = Annotated[
    Annotated[tuple[Json, ...], Tag("values")] | Annotated[Range, Tag("range")],
    Discriminator(
        _kind,
        custom_error_type="space",
        custom_error_message="expected a list of values, such as [2, 4], or a range such as {low: 0.01, high: 1}",
    ),
]


class Search(Declaration):
    """Parameters to search: every combination of a grid, or combinations drawn at random."""

    kind: Literal["grid", "random"] = Field("grid", description="grid: every combination; random: `samples` of them.")
    space: dict[str, Space] = Field(min_length=1, description="Values, or a range, for each parameter.")
    samples: int | None = Field(
        None, ge=1, le=MAX_COMBINATIONS, description="With `kind: random`: the number of combinations."
    )
    seed: int = Field(0, description="With `kind: random`: the seed of the draw.")

    @model_validator(mode="after")
    def _drawable(self) -> Self:
        empty = [name for name, values in self.space.items() if values == ()]
        ranges = [name for name, values in self.space.items() if isinstance(values, Range)]
        points = math.prod(len(values) for values in self.space.values() if isinstance(values, tuple))
        if empty:
            message = f"the space of {empty[0]} is empty: give a list of values or a range {{low: …, high: …}}"
        elif (self.kind == "random") != (self.samples is not None):
            message = "samples is for `kind: random`: declare the number of combinations, or use `kind: grid`"
        elif self.kind == "grid" and ranges:
            message = f"the space of {ranges[0]} is a range, which has no grid: list its values, or use `kind: random`"
        elif self.kind == "grid" and points > MAX_COMBINATIONS:
            message = (
                f"the grid has {points} combinations, more than {MAX_COMBINATIONS}: list fewer, or use `kind: random`"
            )
        elif self.samples and not ranges and self.samples > points:
            message = f"the space has {points} combinations, {self.samples} samples are too many: use `kind: grid`"
        else:
            return self
        raise ValueError(message)

    def combinations(self) -> list[dict[str, Any]]:
        """The combinations, in an order that depends only on the declaration, without duplicates."""
        names = sorted(self.space)
        if self.kind == "grid":
            grid = itertools.product(*(self.space[name] for name in names))
            return _distinct(dict(zip(names, values, strict=True)) for values in grid)
        chance = random.Random(self.seed)  # noqa: S311 - reproducible, not secret
        drawn: list[dict[str, Any]] = []
        for _ in range(MAX_DRAWS):
            drawn = _distinct([*drawn, {name: _draw(self.space[name], chance) for name in names}])
            if len(drawn) == self.samples:
                break
        return drawn


def _draw(values: tuple[Any, ...] | Range, chance: random.Random) -> Any:
    return values.draw(chance) if isinstance(values, Range) else chance.choice(values)


def _distinct(combinations: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    return list({_written(each): each for each in combinations}.values())


def _written(params: dict[str, Any]) -> str:
    return json.dumps(params, sort_keys=True, default=str)


class Candidate(Declaration):
    """One way to build the model: a name and the keyword arguments for ``build_model``; or many, by a search."""

    name: Name = Field(description="Its name, with which the names of its versions begin.")
    params: dict[str, Json] = Field({}, description="Keyword arguments of `build_model` in model.py.")
    search: Search | None = Field(
        None, description="A search over more arguments: each combination is a candidate of its own."
    )

    @model_validator(mode="after")
    def _disjoint(self) -> Self:
        both = sorted(set(self.params) & set(self.search.space)) if self.search else []
        if both:
            raise ValueError(f"parameter {both[0]} is in params and in search.space: keep one of them")
        return self

    def expanded(self) -> list["Candidate"]:
        """Itself, or a candidate for each combination; its name has a hash of the combination, so it is stable."""
        if self.search is None:
            return [self]
        return [
            Candidate(
                name=f"{self.name}_{hashlib.sha256(_written(chosen).encode()).hexdigest()[:6]}",
                params={**self.params, **chosen},
            )
            for chosen in self.search.combinations()
        ]


def expanded(candidates: Iterable[Candidate]) -> tuple[Candidate, ...]:
    """The candidates with searches expanded, in the order of the declaration."""
    return tuple(each for candidate in candidates for each in candidate.expanded())


class Limits(Declaration):
    """Limits on the training of a candidate; memory is limited by `environment.warehouse_size`."""

    minutes: float | None = Field(
        None, gt=0, le=10_080, description="Maximum time per candidate, in minutes; null: Snowflake's own."
    )

    @property
    def seconds(self) -> int | None:
        """The limit as Snowflake takes it."""
        return None if self.minutes is None else math.ceil(self.minutes * 60)
