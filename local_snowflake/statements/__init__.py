"""One module a kind of object; importing the package announces every handler."""

import importlib
import pkgutil

# every module here announces its handlers when it is imported, so that adding a kind of object is adding a file
MODULES = sorted(module.name for module in pkgutil.iter_modules(__path__))
for _name in MODULES:
    importlib.import_module(f"{__name__}.{_name}")
