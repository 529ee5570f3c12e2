from __future__ import annotations

import pytest

from localshift.queries.correlated import doubtful


@pytest.mark.parametrize(
    "sql",
    [
        "select a from t",
        "insert into t select a from s where not exists (select 1 from t where t.a = s.a)",
        "select a from (select a from (select a from t) as u) as v group by a",
        "with w as (select a, row_number() over (order by a) from t) select a from w",
        "select a from t union all (select a from u group by a)",
        "select 'select select select' from t",
    ],
)
def test_most_statements_need_no_look_at_their_tree(sql: str) -> None:
    assert not doubtful(sql)


@pytest.mark.parametrize(
    "sql",
    [
        "select a from t where exists (select 1 from u where exists (select 1 from v where v.a = t.a))",
        "select a from t where exists (select 1 from (select a from u where u.a = t.a) as v)",
        "select a from t left join u on t.a = u.a and u.b = (select max(b) from v where v.a = t.a)",
        "select a from t where a in (select sum(b) over () from u where u.a = t.a)",
        "select (select count(*) from u where u.a = t.a) as n from t group by n",
        "delete from t where exists (select 1 from u where exists (select 1 from v where v.a = t.a))",
    ],
)
def test_statements_with_a_subquery_that_may_be_beyond_redshift_do(sql: str) -> None:
    assert doubtful(sql)
