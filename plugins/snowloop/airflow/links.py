"""The link from a task in Airflow to the query in Snowsight that did its work."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from airflow.sdk import BaseOperatorLink

if TYPE_CHECKING:
    from airflow.sdk import BaseOperator
    from airflow.sdk.types import TaskInstanceKey
    from snowflake.snowpark import Session

PUBLIC_HOST = ".snowflakecomputing.com"
OLDEST_REGION = "us-west-2"
"""The region of an account locator that names none."""


class SnowsightLink(BaseOperatorLink):
    """A button on the task: its main query on Snowsight's query history page.

    The worker writes the address into an XCom when the task ends, and the API server reads it there; so Airflow 3 needs
    no entry for it in the plugin. The button is disabled where Snowsight does not serve the account's host.
    """

    @property
    def name(self) -> str:
        """The button's text."""
        return "Query in Snowsight"

    def get_link(self, operator: BaseOperator, *, ti_key: TaskInstanceKey) -> str:
        """Give the address that the operator has recorded; empty if there is none."""
        return getattr(operator, "query_url", "")


@contextmanager
def watched_queries(session: Session) -> Iterator[Callable[[], str]]:
    """Record the queries of a block.

    Yields:
        A function that gives the address of the query that failed, or else of the last CALL, or else of the last
        query; empty if there is none.
    """
    host = session.connection.host
    with session.query_history() as good, session.query_history(include_error=True) as every:

        def url() -> str:
            succeeded = {query.query_id: query.sql_text for query in good.queries}
            failed = [query.query_id for query in every.queries if query.query_id and query.query_id not in succeeded]
            calls = [query for query, text in succeeded.items() if text.lstrip().upper().startswith("CALL")]
            chosen = failed or calls or list(succeeded)
            return snowsight_url(host, chosen[-1]) if chosen else ""

        yield url


def snowsight_url(host: str, query_id: str) -> str:
    """Address of a query on Snowsight's query history page.

    Args:
        host: The account's host, such as ``org-account.snowflakecomputing.com`` or
            ``locator.region.snowflakecomputing.com``; one that is not public, such as a private link, has no address.
        query_id: The query's id.
    """
    account, dot, region = host.lower().removesuffix(PUBLIC_HOST).partition(".")
    if not host.lower().endswith(PUBLIC_HOST) or "privatelink" in region or not account or (dot and not region):
        return ""
    organization, dash, name = account.partition("-")
    place = f"{organization}/{name}" if dash else f"{region or OLDEST_REGION}/{account}"
    return f"https://app.snowflake.com/{place}/#/compute/history/queries/{query_id}/detail"
