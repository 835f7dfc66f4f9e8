"""The methods of a model version, from its files MANIFEST.yml and model/model.yaml: names, arguments and results."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from local_snowflake.catalog.objects import Argument
from local_snowflake.errors import SnowflakeError, not_supported
from local_snowflake.sql.types import SfType, parse_type

MANIFEST = "MANIFEST.yml"
_SPECIFICATION = Path("model") / "model.yaml"
# Snowflake's own channel
_CHANNELS = {"snowflake", "https://repo.anaconda.com/pkgs/snowflake"}
# libyaml reads the same files many times faster, where it is there
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True)
class Method:
    """A method of a model version, as SQL calls it."""

    name: str
    handler: str
    is_table_function: bool
    inputs: tuple[Argument, ...]
    parameters: tuple[Argument, ...]
    # the types of the results: one, without a name, unless it is a table function
    outputs: tuple[Argument, ...]
    # the fields of the OBJECT that the method returns, from the model's signature; empty if it returns another type
    fields: dict[str, SfType] = field(default_factory=dict)

    @property
    def arguments(self) -> tuple[Argument, ...]:
        """Inputs and parameters, in the order of a call."""
        return self.inputs + self.parameters

    @property
    def return_type(self) -> str:
        """The result's type, as SHOW FUNCTIONS IN MODEL prints it."""
        if self.is_table_function:
            return "TABLE (" + ", ".join(f"{o.name} {o.type}" for o in self.outputs) + ")"
        return self.outputs[0].type

    @property
    def signature(self) -> str:
        """The method's arguments and result, eg: ``PREDICT(FLOAT, FLOAT) RETURN OBJECT``."""
        types = ", ".join(parse_type(a.type).name for a in self.arguments)
        return f"{self.name}({types}) RETURN {self.return_type}"


@dataclass(frozen=True)
class Package:
    """The files of a model version, read."""

    methods: tuple[Method, ...]
    user_data: dict[str, Any]
    target_platforms: tuple[str, ...]
    # the text of model/model.yaml, which clients parse; None if there is no such file
    specification: str | None
    framework: str
    task: str

    def method(self, name: str) -> Method | None:
        """The method of a normalised name."""
        return next((m for m in self.methods if m.name == name), None)


def read_package(folder: Path) -> Package:
    """Read the files of a model version.

    Raises:
        SnowflakeError: 398507 as Snowflake reports it, if MANIFEST.yml is missing or not as it should be.
    """
    file = folder / MANIFEST
    if not file.is_file():
        raise _unreadable("it is not there. Put the files that the Registry makes into the stage first")
    try:
        manifest = yaml.load(file.read_text(), _LOADER)  # noqa: S506 (a safe loader)
        specification = folder / _SPECIFICATION
        text = specification.read_text() if specification.is_file() else None
        model = yaml.load(text, _LOADER) if text else {}  # noqa: S506 (a safe loader)
        return Package(
            methods=tuple(_method(m, model.get("signatures", {})) for m in manifest["methods"]),
            user_data=manifest.get("user_data") or {},
            target_platforms=tuple(manifest.get("target_platforms") or ("WAREHOUSE", "SNOWPARK_CONTAINER_SERVICES")),
            specification=text,
            framework=str(model.get("model_type", "custom")),
            task=str(model.get("task", "UNKNOWN")),
        )
    except (yaml.YAMLError, KeyError, TypeError, AttributeError, UnicodeDecodeError) as error:
        raise _unreadable(f"{type(error).__name__}: {error}") from None


def check_new_package(folder: Path) -> None:
    """Check the files that a new model version is to be made of.

    Raises:
        SnowflakeError: as for ``read_package``; 000002 if the model is to run in a warehouse and needs a package of
            another conda channel than Snowflake's: a warehouse takes none from there.

    Source: https://docs.snowflake.com/en/developer-guide/snowflake-ml/model-registry/overview
    """
    read_package(folder)
    try:
        manifest = yaml.load((folder / MANIFEST).read_text(), _LOADER)  # noqa: S506 (a safe loader)
        packages = _conda_packages(folder, manifest) if "WAREHOUSE" in (manifest.get("target_platforms") or ()) else []
    except (yaml.YAMLError, AttributeError, TypeError, UnicodeDecodeError) as error:
        raise _unreadable(f"{type(error).__name__}: {error}") from None
    for package in packages:
        channel, is_named, _ = package.partition("::")
        if is_named and channel not in _CHANNELS:
            raise not_supported(f"{package} in a model that runs in a warehouse: packages of other channels")


def _conda_packages(folder: Path, manifest: dict[str, Any]) -> list[str]:
    """What the environments of a model list as conda's packages, eg: ``channel::name<2,>=1.1``."""
    runtimes = (manifest.get("runtimes") or {}).values()
    written = [(runtime.get("dependencies") or {}).get("conda") for runtime in runtimes]
    files = [folder / str(path) for path in written if path]
    within = [f for f in files if f.resolve().is_relative_to(folder.resolve()) and f.is_file()]
    environments = [yaml.load(f.read_text(), _LOADER) or {} for f in within]  # noqa: S506 (a safe loader)
    return [str(package) for e in environments for package in e.get("dependencies") or ()]


def _unreadable(why: str) -> SnowflakeError:
    return SnowflakeError(398507, "22000", f"Unable to read file {MANIFEST}: {why}.")


def _method(entry: dict[str, Any], signatures: dict[str, Any]) -> Method:
    handler = str(entry["handler"])
    target = handler.split(".")[-2]
    outputs = tuple(Argument(str(o.get("name", "")), str(o["type"])) for o in entry["outputs"])
    packed = not outputs[0].name and outputs[0].type.upper() == "OBJECT"
    declared = signatures.get(target, {}).get("outputs", []) if packed else []
    return Method(
        name=str(entry["name"]),
        handler=handler,
        is_table_function=str(entry["type"]).upper() == "TABLE_FUNCTION",
        inputs=tuple(Argument(str(i["name"]), str(i["type"])) for i in entry["inputs"]),
        parameters=tuple(
            Argument(str(p["name"]), str(p["type"]), str(p["default"])) for p in entry.get("params") or ()
        ),
        outputs=outputs,
        fields={str(f["name"]): _field_type(f) for f in declared},
    )


def _field_type(feature: dict[str, Any]) -> SfType:
    """The Snowflake type of a signature's feature; arrays and groups of features are semi-structured."""
    kind = str(feature.get("type", ""))
    if feature.get("shape") is not None or not kind:
        return SfType("VARIANT")
    if kind.startswith(("INT", "UINT")):
        return SfType("NUMBER", 38, 0)
    if kind in {"FLOAT", "DOUBLE"}:
        return SfType("FLOAT")
    names = {"BOOL": "BOOLEAN", "BYTES": "BINARY", "TIMESTAMP_NTZ": "TIMESTAMP_NTZ"}
    return SfType(names.get(kind, "VARCHAR"))
