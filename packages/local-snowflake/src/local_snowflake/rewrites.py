"""The rewrites of queries and DML in their order, from all the packages that have one."""

from sqlglot import exp

from local_snowflake.copy.infer import use_template
from local_snowflake.copy.load_history import keep_full_name
from local_snowflake.copy.staged_queries import read_stages, typed_stages
from local_snowflake.functions import bulk
from local_snowflake.models.call_syntax import rewrite_calls
from local_snowflake.models.predict import expand_table_functions
from local_snowflake.routines import expansion
from local_snowflake.routines.procedure_rows import procedure_rows
from local_snowflake.sql.checks.arguments import CHECKS, checked_arguments
from local_snowflake.sql.checks.frames import checked_frames
from local_snowflake.sql.checks.orders import checked_orders
from local_snowflake.sql.columns import casts, variants
from local_snowflake.sql.columns.kinds import known_kinds
from local_snowflake.sql.columns.stars import stars_as_arguments
from local_snowflake.sql.columns.unions import alike_columns
from local_snowflake.sql.compiler import Pipeline
from local_snowflake.sql.rewrites.chains import balanced_concatenations
from local_snowflake.sql.rewrites.coercions import coerced
from local_snowflake.sql.rewrites.ctes import recursive_ctes
from local_snowflake.sql.rewrites.generators import (
    checked_samples,
    order_of_generation,
    samples_of_blocks,
    samples_of_generated_rows,
)
from local_snowflake.sql.rewrites.group_keys import single_keys
from local_snowflake.sql.rewrites.hierarchies import paths_of_hierarchies
from local_snowflake.sql.rewrites.joins import joins_of_snowflake
from local_snowflake.sql.rewrites.naming.aliases import written_out_aliases
from local_snowflake.sql.rewrites.naming.ambiguous import checked_names
from local_snowflake.sql.rewrites.naming.lateral import lateral_names
from local_snowflake.sql.rewrites.order_by_all import order_by_all
from local_snowflake.sql.rewrites.outer_marks import outer_marks
from local_snowflake.sql.rewrites.pivots import pivots_as_groups, pivots_of_snowflake
from local_snowflake.sql.rewrites.result_scans import result_scans
from local_snowflake.sql.rewrites.semi_structured.arrays import (
    ARRAYS,
    VARIANTS,
    arrays_as_json,
    sorted_members,
    subscripts,
    variants_as_json,
)
from local_snowflake.sql.rewrites.semi_structured.flatten import flatten_options
from local_snowflake.sql.rewrites.semi_structured.lambdas import HIGHER_ORDER, higher_order_functions, lambda_parameters
from local_snowflake.sql.rewrites.semi_structured.splits import split_tables
from local_snowflake.sql.rewrites.sequences import next_values
from local_snowflake.sql.rewrites.windows import checked_windows

PIPELINE = Pipeline(
    text=(use_template, rewrite_calls),
    tree=(
        # before bulk.rewrite: the arguments of a table function may contain calls of other functions
        (expand_table_functions, (exp.Anonymous,)),
        # before everything below: the body of a SQL function may contain whatever a query contains
        (expansion.expand, (exp.Anonymous,)),
        (procedure_rows, (exp.TableFromRows,)),
        (checked_windows, (exp.Window,)),
        # before all that looks at what is ordered by
        (order_by_all, (exp.Order,)),
        (checked_orders, (exp.Order,)),
        # before all that looks at the operands of each operator
        (balanced_concatenations, (exp.DPipe,)),
        # before all that reads columns: NEXTVAL is none
        (next_values, (exp.Column,)),
        # before all that reads names: which of them are common table expressions
        (recursive_ctes, (exp.With,)),
        # before the types of what they give are looked at
        (result_scans, (exp.TableFromRows,)),
        (typed_stages, (exp.Table,)),
        # before all that looks at arguments
        (stars_as_arguments, (exp.Star,)),
        # before all that looks at types
        (lambda_parameters, HIGHER_ORDER),
        (checked_names, (exp.Subquery, exp.CTE)),
        # before all that looks at the types of columns
        (written_out_aliases, (exp.Alias,)),
        # before FLATTEN and the like become macros
        (lateral_names, (exp.Lateral, exp.TableFromRows, exp.Alias)),
        (subscripts, (exp.Dot, exp.Bracket)),
        (sorted_members, (exp.Struct, exp.JSONObject)),
        (pivots_as_groups, (exp.Pivot,)),
        (single_keys, (exp.Group,)),
        (checked_arguments, tuple(CHECKS)),
        (checked_frames, (exp.Window,)),
        # before what they make is cast
        (known_kinds, (exp.Typeof, exp.Count, exp.Cast)),
        (variants.kinds_of_variants, variants.NODES),
        (casts.limited_casts, casts.NODES),
        (alike_columns, (exp.SetOperation,)),
        # before arrays and variants become calls of macros: their types are those of Snowflake's functions
        (coerced, ()),
        (higher_order_functions, HIGHER_ORDER),
        (arrays_as_json, ARRAYS),
        (variants_as_json, VARIANTS),
        (flatten_options, (exp.Lateral, exp.TableFromRows)),
        (split_tables, (exp.Lateral, exp.TableFromRows)),
    ),
    block=(
        (bulk.rewrite, ()),
        (order_of_generation, (exp.Window,)),
        # before the joins: a marked condition makes one
        (outer_marks, (exp.Column,)),
        (joins_of_snowflake, (exp.MatchRecognize, exp.Join)),
        (keep_full_name, (exp.Anonymous,)),
        # before read_stages: the query for the values of IN (ANY) ends with dropping the rows that are registered
        (pivots_of_snowflake, (exp.Pivot,)),
        (checked_samples, (exp.TableSample,)),
        (samples_of_blocks, (exp.TableSample,)),
        (samples_of_generated_rows, (exp.TableFromRows, exp.TableSample)),
        (read_stages, (exp.Table,)),
        (paths_of_hierarchies, (exp.Anonymous,)),
    ),
)
