"""The assets that tasks change: the scores and the model of an environment, and that a training is asked for.

Which environment a run works on is known only when it runs. So tasks declare an alias, and name the asset itself, with
its account and database, in the event.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from airflow.sdk import Asset, AssetAlias

if TYPE_CHECKING:
    from snowloop.workspace import Workspace

Kind = Literal["scored", "model", "retrain"]


def asset_alias(project: str, kind: Kind) -> AssetAlias:
    """The alias under which the tasks of a project report a change, for schedules of any environment."""
    return AssetAlias(f"{project}__{kind}")


def retrain_asset(project: str, target: str) -> Asset:
    """The asset whose events ask for a training in an environment."""
    return Asset(f"snowloop://{project}/{target}/retrain")


def table_asset(workspace: Workspace, schema: str, name: str) -> Asset:
    """The asset of an object in the environment's database, such as ``snowflake://MYORG-PROD/CHURN_PROD/SERVING/SCORED``.

    Args:
        workspace: The environment; its account is asked for.
        schema: The schema.
        name: The table, or the model.

    Returns:
        The asset, with an address as Airflow's Snowflake provider defines it.

    Raises:
        snowflake.snowpark.exceptions.SnowparkSQLException: if Snowflake does not answer.
    """
    from airflow.providers.snowflake.assets.snowflake import create_asset

    from snowloop.identity import Identity

    account = Identity.of(workspace.session).account
    asset: Asset = create_asset(account=account, database=workspace.database, schema=schema, table=name)
    return asset
