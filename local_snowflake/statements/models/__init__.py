"""Models of the registry: making and changing them, showing them, calling them, and what their client asks for."""

from local_snowflake import predict
from local_snowflake.statements.models import change, client, create, show

__all__ = ["change", "client", "create", "predict", "show"]
