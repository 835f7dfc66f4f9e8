"""A worker's import directory, its ``_snowflake`` module, and how a handler is found in it."""

import importlib
import linecache
import sys
import types
from collections.abc import Callable
from functools import reduce
from pathlib import Path
from typing import Any

INLINE_MODULE = "_udf_code"
_INLINE_FILE = "_udf_code.py"
_ARCHIVES = (".zip", ".whl", ".egg")


def prepare(import_directory: str, code: str | None) -> None:
    """Make the imports importable and run the inline code, if there is any."""
    folder = Path(import_directory)
    sys._xoptions["snowflake_import_directory"] = str(folder) + "/"
    archives = [str(f) for f in sorted(folder.iterdir()) if f.name.endswith(_ARCHIVES)]
    sys.path[:0] = [str(folder), *archives]
    sys.modules["_snowflake"] = snowflake_module()
    if code is not None:
        module = types.ModuleType(INLINE_MODULE)
        module.__file__ = _INLINE_FILE
        sys.modules[INLINE_MODULE] = module
        linecache.cache[_INLINE_FILE] = (len(code), None, code.splitlines(keepends=True), _INLINE_FILE)
        exec(compile(code, _INLINE_FILE, "exec"), module.__dict__)  # noqa: S102 (it is the function's code)


def find_handler(handler: str) -> Any:
    """The function or class that a HANDLER clause names.

    Args:
        handler: ``function`` of the inline code, or ``module.function``.

    Raises:
        AttributeError: if the module has nothing of that name.
        ModuleNotFoundError: if there is no such module among the imports and packages.
    """
    parts = handler.split(".")
    inline = sys.modules.get(INLINE_MODULE)
    if inline is not None and hasattr(inline, parts[0]):
        return reduce(getattr, parts, inline)
    for length in range(len(parts) - 1, 0, -1):
        name = ".".join(parts[:length])
        try:
            module = importlib.import_module(name)
        except ModuleNotFoundError as error:
            # a module that the handler's own module misses is an error of its own
            if error.name is None or not (name == error.name or name.startswith(error.name + ".")):
                raise
            continue
        return reduce(getattr, parts[length:], module)
    where = "the inline code" if inline is not None else "the imports and packages"
    raise ModuleNotFoundError(f"handler '{handler}' was not found in {where}")


def snowflake_module() -> types.ModuleType:
    """The ``_snowflake`` module that Snowflake provides to handlers.

    Source: https://docs.snowflake.com/en/developer-guide/udf/python/udf-python-batch
    """
    module = types.ModuleType("_snowflake")
    secrets = ("generic_secret_string", "oauth_access_token", "secret_type", "username_password")
    refused = {f"get_{name}": _no_secrets for name in (*secrets, "cloud_provider_token", "wif_token")}
    module.__dict__.update(refused, vectorized=_vectorized, udf_init_once=_init_once)
    return module


def _vectorized(
    input: Any,  # noqa: A002 (Snowflake's name)
    max_batch_size: int | None = None,
    flatten_object_input: bool = False,
) -> Callable[[Any], Any]:
    def mark(function: Any) -> Any:
        function._sf_vectorized_input = input
        function._sf_max_batch_size = max_batch_size
        function._sf_flatten_object_input = flatten_object_input
        return function

    return mark


def _init_once(function: Callable[[], Any]) -> Callable[[], Any]:
    """Run a function once a process, before the first row."""
    function()
    return function


def _no_secrets(*_: object, **__: object) -> None:
    raise NotImplementedError("secrets are not supported by the local Snowflake")
