"""dbt-snowflake, unmodified: https://docs.getdbt.com/reference/resource-configs/snowflake-configs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import snowflake.connector
from tests.clients.environments import environment, run_client

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

_FILES = {
    "dbt_project.yml": "name: shop\nversion: '1.0'\nprofile: shop\nmodels: {shop: {+materialized: view}}\n",
    "seeds/orders.csv": "id,amount,at\n1,9.90,2024-01-01\n2,20.00,2024-01-02\n",
    "models/v_orders.sql": "select id, amount, at from {{ ref('orders') }}",
    "models/t_orders.sql": "{{ config(materialized='table') }}\n"
    "select id, amount * 2 as doubled from {{ ref('v_orders') }}",
    "models/i_orders.sql": """{{ config(materialized='incremental', unique_key='id') }}
        select id, amount from {{ ref('v_orders') }}
        {% if is_incremental() %} where id >= (select max(id) from {{ this }}) {% endif %}""",
    "models/d_orders.sql": """
        {{ config(materialized='incremental', unique_key='id', incremental_strategy='delete+insert') }}
        select id, amount from {{ ref('v_orders') }}""",
    "models/schema.yml": """
models:
  - name: t_orders
    description: twice as much
    columns:
      - {name: id, description: the order, data_tests: [unique, not_null]}
""",
    "snapshots/orders.sql": """{% snapshot s_orders %}
        {{ config(target_schema='SNAPSHOTS', unique_key='id', strategy='check', check_cols=['amount']) }}
        select id, amount from {{ ref('orders') }}
        {% endsnapshot %}""",
}


def test_a_project_is_built_twice(tmp_path: Path, snowflake_connection: dict[str, Any]) -> None:
    command = environment("dbt-core<1.12", "dbt-snowflake") / "dbt"
    for name, content in _FILES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(content)
    known = {k: v for k, v in snowflake_connection.items() if k != "session_parameters"}
    target = {"type": "snowflake", "database": "T_DBT", "schema": "PUBLIC", "warehouse": "WH", "threads": 1, **known}
    profiles = {"shop": {"target": "local", "outputs": {"local": target}}}
    (tmp_path / "profiles.yml").write_text(json.dumps(profiles))

    def dbt(*arguments: str) -> str:
        given = [str(command), "--no-use-colors", "--no-version-check", *arguments, "--profiles-dir", "."]
        ran = run_client(given, tmp_path, DBT_SEND_ANONYMOUS_USAGE_STATS="false")
        assert ran.returncode == 0, f"dbt {arguments}: {ran.stdout[-3000:]}{ran.stderr[-1000:]}"
        return ran.stdout

    with snowflake.connector.connect(**snowflake_connection) as connection:
        cursor = connection.cursor()
        cursor.execute("CREATE OR REPLACE DATABASE T_DBT")
        cursor.execute("CREATE WAREHOUSE IF NOT EXISTS WH")
        # seeds, models, the snapshot and the tests, in the order of their dependencies
        dbt("build")
        cursor.execute("INSERT INTO T_DBT.PUBLIC.I_ORDERS VALUES (7, 0)")
        (tmp_path / "seeds" / "orders.csv").write_text(
            "id,amount,at\n1,9.90,2024-01-01\n2,25.00,2024-01-02\n8,1.00,2024-01-03\n"
        )
        dbt("build")
        dbt("docs", "generate")

        def rows(sql: str) -> list[list[str]]:
            cursor.execute(sql)
            return [[str(value) for value in row] for row in cursor.fetchall()]

        # the row that was put in between is still there: the second run went on from the first
        assert [row[0] for row in rows("SELECT ID FROM T_DBT.PUBLIC.I_ORDERS ORDER BY ID")] == ["1", "2", "7", "8"]
        assert [float(r[1]) for r in rows("SELECT ID, DOUBLED FROM T_DBT.PUBLIC.T_ORDERS ORDER BY ID")] == [19.8, 50, 2]
        assert len(rows("SELECT ID FROM T_DBT.PUBLIC.D_ORDERS")) == 3
        history = "SELECT ID, AMOUNT, DBT_VALID_TO IS NULL FROM T_DBT.SNAPSHOTS.S_ORDERS ORDER BY ID, DBT_VALID_FROM"
        assert [row[2] for row in rows(history)] == ["True", "False", "True", "True"]
    catalog = json.loads((tmp_path / "target" / "catalog.json").read_text())
    assert "model.shop.t_orders" in catalog["nodes"]
