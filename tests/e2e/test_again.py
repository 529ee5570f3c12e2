"""Replay, backfill and replace by the command, through to the mart."""

from __future__ import annotations

from typing import Any

import pytest
from deltalake import DeltaTable

from e2e.driving import Project
from e2e.shop import FIRST, MART, NO_SHOP, SECOND, lines, order

pytestmark = [pytest.mark.e2e, pytest.mark.spark, pytest.mark.timeout(600)]


def rows(project: Project, table: str, *columns: str) -> list[tuple[Any, ...]]:
    found = DeltaTable(str(project.lake / table)).to_pyarrow_table(columns=list(columns)).to_pylist()
    return sorted(tuple(map(str, row.values())) for row in found)


def mart(project: Project) -> list[list[Any]]:
    found: list[list[Any]] = project.ok("query", "select * from marts.daily order by 1, 2")["rows"]
    return found


def test_replay_backfill_and_replace_reach_the_mart_and_keep_the_books(built: Project) -> None:
    built.ok("up")
    built.ok("run")
    published = mart(built)
    assert len(published) == len(MART)
    content = rows(built, "orders", "id", "day", "shop", "amount")
    built.rewrite("sources/orders.yaml", "pattern:", "overwritten: replace, pattern:")  # from now on losers keep bytes

    again = built.ok("--set", "engine.inline_below=1B", "backfill", "--from", FIRST, "--to", SECOND)  # in Spark tasks

    assert rows(built, "orders", "id", "day", "shop", "amount") == content
    assert again["sources"]["orders"]["records"] > 0
    assert again["balanced"]
    assert again["models"]["daily"]["slices"]
    assert mart(built) == published
    totals = built.ok("books")["sources"]["orders"]
    assert totals["good"] == len(content)

    built.rewrite("sources/orders.yaml", "type: string, required: true}\n  amount", "type: string}\n  amount")
    replayed = built.ok("replay", "orders")

    assert replayed["sources"]["orders"]["good"] == 1
    assert len(rows(built, "orders", "id")) == len(content) + 1
    assert [group["reason"] for group in built.ok("quarantine")["groups"]] == ["invalid_json"]
    assert len(mart(built)) == len(published) + 1  # a shop without a name, of the first day
    after = built.ok("books")["sources"]["orders"]
    assert (after["good"], after["quarantined"]) == (totals["good"] + 1, totals["quarantined"] - 1)

    first = next(path for path in sorted((built.raw / "orders").iterdir()) if NO_SHOP in path.read_bytes())
    first.write_bytes(lines(order(1), order(100, amount=1)))
    replaced = built.ok("run")

    assert replaced["sources"]["orders"]["records"] == 2
    assert ("o100",) in rows(built, "orders", "id")
    assert ("o3",) not in rows(built, "orders", "id")
    assert ("o2", "77.00") in rows(built, "orders", "id", "amount")  # it had lost against the record that went
    assert built.ok("books")["balanced"]
    assert built.ok("verify")["good"]
