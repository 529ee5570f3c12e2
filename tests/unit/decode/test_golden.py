"""Every sentence of lib/lakemart/decode/README.md as a case in tests/golden/decode, by each path that may decode it."""

from __future__ import annotations

import bz2
import gzip
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import yaml

from lakemart.decode import api
from lakemart.decode.pieces import joined
from lakemart.decode.reasons import DAMAGES, REASONS
from lakemart.decode.result import DamagedError, Decoded
from lakemart.decode.times import instant
from unit.decode.feeds import feed_of

GOLDEN = Path(__file__).parents[2] / "golden" / "decode"
KEY = b"a key of the golden cases"
COMPRESSED = {
    "gzip": gzip.compress,
    "bzip2": bz2.compress,
    "zstd": lambda data: pa.compress(data, codec="zstd", asbytes=True),
}


def _cases() -> Iterator[tuple[str, dict[str, Any]]]:
    """The cases of all files by name; a case with `values` is one case for each of them (see values/types.yaml)."""
    for file in sorted(GOLDEN.glob("*.yaml")):
        for case in yaml.safe_load(file.read_text("utf-8")):
            if "values" not in case:
                yield f"{file.stem}: {case['case']}", case
                continue
            for source, expected in case["values"]:
                yield f"{file.stem}: {case['case']}: {source[:60]}", _value_case(case, source, expected)


def _value_case(case: dict[str, Any], source: str, expected: object) -> dict[str, Any]:
    """One value of a column `v`: its JSON text, and the typed value or `{reject: reason, message: ..}`."""
    made = {"feed": {"columns": {"v": case["column"]}}, "input": f'{{"v":{source}}}'}
    if isinstance(expected, dict):
        reject = {"reason": expected["reject"], "column": "v", **{k: v for k, v in expected.items() if k != "reject"}}
        return {**made, "rejects": [reject]}
    return {**made, "rows": [{} if expected is None else {"v": expected}]}


CASES = dict(_cases())


def _input_of(case: dict[str, Any]) -> bytes:
    """`input` as UTF-8 text; a list joins texts and `{hex: ..}`, `{text:, times:}`; then `compress` and `cut`."""
    parts = case["input"] if isinstance(case["input"], list) else [case["input"]]
    data = b"".join(_part(part) for part in parts)
    for compression in case.get("compress", []):
        data = COMPRESSED[compression](data) if compression in COMPRESSED else data + bytes.fromhex(compression)
    if case.get("encode"):
        data = data.decode().encode(case["encode"])
    return data[: len(data) - case.get("cut", 0)]


def _part(part: str | dict[str, Any]) -> bytes:
    if isinstance(part, str):
        return part.encode()
    return bytes.fromhex(part["hex"]) if "hex" in part else part["text"].encode() * part["times"]


def _decoded(case: dict[str, Any], data: bytes, block: int, decoder: api.Decoder = "auto") -> Decoded:
    blocks = [data[start : start + block] for start in range(0, len(data), block)]
    size = case.get("size", len(data))
    salvage = case.get("salvage", False)
    return joined(
        api.decode_object(blocks, feed_of(case["feed"]), size=size, decoder=decoder, pii_key=KEY, salvage=salvage)
    )


def _plain(value: object) -> object:
    """A value as the cases write it: times and dates in ISO form, decimals as text."""
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if value is None or isinstance(value, bool | int | float | str):
        return value
    text = str(value)
    return text.replace(" ", "T").replace("+00:00", "Z")


def _rows(decoded: Decoded, table: str, *, offsets: bool) -> list[dict[str, object]]:
    batch = decoded.rows[table]
    for index, field in enumerate(batch.schema):
        if pa.types.is_timestamp(field.type):
            text = pa.array([_iso(micros) for micros in batch.column(index).cast(pa.int64()).to_pylist()], pa.string())
            batch = batch.set_column(index, field.name, text)
    return [
        {name: _plain(value) for name, value in row.items() if value is not None and (offsets or name != "_offset")}
        for row in batch.to_pylist()
    ]


def _iso(micros: int | None) -> str | None:
    return None if micros is None else instant(micros).isoformat().replace("+00:00", "Z")


def _check_rows(case: dict[str, Any], decoded: Decoded) -> None:
    expected = case.get("rows", [])
    by_table = expected if isinstance(expected, dict) else {next(iter(decoded.rows)): expected}
    for table in decoded.rows:
        rows = by_table.get(table, [])
        assert _rows(decoded, table, offsets=any("_offset" in row for row in rows)) == rows


def _check_rejects(case: dict[str, Any], decoded: Decoded) -> None:
    rejects = decoded.rejects.to_pylist()
    expected = [{"reason": e} if isinstance(e, str) else e for e in case.get("rejects", [])]
    shown = [
        {key: _raw(value) if key == "raw" else value for key, value in reject.items() if key in wanted}
        for reject, wanted in zip(rejects, expected, strict=False)
    ]
    assert [*shown, *rejects[len(expected) :]] == expected
    assert {reject["reason"] for reject in rejects} <= set(REASONS)


def _raw(raw: bytes | None) -> str | None:
    return None if raw is None else raw.decode("latin-1")


@pytest.mark.parametrize("name", CASES)
def test_the_case_holds(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    case = CASES[name]
    data = _input_of(case)
    if "damaged" in case:
        with pytest.raises(DamagedError) as caught:
            _decoded(case, data, 7)
        assert caught.value.reason == case["damaged"]
        assert caught.value.reason in DAMAGES
        return

    decoded = _decoded(case, data, 1 << 20)
    by_bytes = _decoded(case, data, 1 if len(data) < 5000 else 4999)
    by_fast_path = _decoded(case, data, 1 << 20, "reference")
    monkeypatch.setattr(api, "eligible", lambda _plan: False)
    by_reference = _decoded(case, data, 1 << 20)

    _check_rows(case, decoded)
    _check_rejects(case, decoded)
    if "census" in case:
        assert [list(entry.values())[1:] for entry in decoded.census.to_pylist()] == case["census"]
    for key, value in case.get("counts", {}).items():
        assert getattr(decoded.counts, key) == value
    counts = decoded.counts
    assert counts.records == counts.good + counts.quarantined + counts.filtered
    assert decoded == by_bytes
    assert decoded == by_fast_path
    assert decoded == by_reference


def test_every_reason_has_a_case() -> None:
    seen = {
        reject if isinstance(reject, str) else reject["reason"]
        for case in CASES.values()
        for reject in case.get("rejects", [])
    }

    assert set(REASONS) <= seen
    assert set(DAMAGES) <= {case.get("damaged") for case in CASES.values()}


def test_the_specification_lists_the_reasons_and_no_others() -> None:
    text = (Path(api.__file__).parent / "README.md").read_text("utf-8")
    section = text.split("## 15. Reasons")[1].split("## 16.")[0]
    listed = {
        name
        for line in section.splitlines()
        if line.startswith("| `")
        for name in line.split("|")[1].replace("`", "").split()
    }

    assert listed == set(REASONS)
