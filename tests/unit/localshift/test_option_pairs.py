"""Every pair of parameters of COPY and of UNLOAD with every format: taken or refused as AWS's pages say.

COPY: copy-parameters-data-format, copy-parameters-data-conversion, copy-parameters-data-load,
copy-parameters-file-compression, copy-usage_notes-copy-from-columnar. UNLOAD: r_UNLOAD.
"""

from __future__ import annotations

from itertools import permutations

import pytest

from localshift.errors import SqlError
from localshift.loading.copy import parse_copy
from localshift.sql.grammar import Cursor
from localshift.unloading.unload import parse_unload

COPY = {
    "MANIFEST": "manifest",
    "BLANKSASNULL": "blanksasnull",
    "EMPTYASNULL": "emptyasnull",
    "EXPLICIT_IDS": "explicit_ids",
    "FILLRECORD": "fillrecord",
    "IGNOREBLANKLINES": "ignoreblanklines",
    "NOLOAD": "noload",
    "REMOVEQUOTES": "removequotes",
    "ROUNDEC": "roundec",
    "TRIMBLANKS": "trimblanks",
    "TRUNCATECOLUMNS": "truncatecolumns",
    "ESCAPE": "escape",
    "GZIP": "gzip",
    "BZIP2": "bzip2",
    "ZSTD": "zstd",
    "IGNOREALLERRORS": "ignoreallerrors",
    "SERIALIZETOJSON": "serializetojson",
    "ACCEPTANYDATE": "acceptanydate",
    "ACCEPTINVCHARS": "acceptinvchars as '^'",
    "DELIMITER": "delimiter as ';'",
    "QUOTE": "quote as '%'",
    "NULL AS": "null as 'none'",
    "DATEFORMAT": "dateformat as 'auto'",
    "TIMEFORMAT": "timeformat as 'epochsecs'",
    "ENCODING": "encoding as utf16",
    "REGION": "region as 'eu-west-1'",
    "MAXERROR": "maxerror as 5",
    "IGNOREHEADER": "ignoreheader as 1",
    "COMPROWS": "comprows 1000",
    "COMPUPDATE": "compupdate preset",
    "STATUPDATE": "statupdate off",
    "READRATIO": "readratio 50",
    "MASTER_SYMMETRIC_KEY": "master_symmetric_key 'k'",
    "ENCRYPTED": "encrypted",
}
# Of DynamoDB only, and of the encryption that has ended.
COPY_NEVER = {"READRATIO", "MASTER_SYMMETRIC_KEY", "ENCRYPTED"}
COLUMNAR = {"MANIFEST", "ACCEPTINVCHARS", "FILLRECORD", "STATUPDATE", "EXPLICIT_IDS", "SERIALIZETOJSON"}
COPY_TAKES = {
    "": set(COPY) - COPY_NEVER - {"QUOTE", "SERIALIZETOJSON"},
    "csv": set(COPY) - COPY_NEVER - {"REMOVEQUOTES", "ESCAPE", "SERIALIZETOJSON"},
    "json 'auto'": set(COPY)
    - COPY_NEVER
    - {"DELIMITER", "QUOTE", "ESCAPE", "FILLRECORD", "IGNOREBLANKLINES", "NULL AS", "REMOVEQUOTES", "SERIALIZETOJSON"},
    "parquet": COLUMNAR,
}
COPY_NOT_TOGETHER = ({"GZIP", "BZIP2", "ZSTD"}, {"IGNOREALLERRORS", "MAXERROR"})

UNLOAD = {
    "PARTITION BY": "partition by (a)",
    "MANIFEST": "manifest",
    "HEADER": "header",
    "DELIMITER": "delimiter as ';'",
    "FIXEDWIDTH": "fixedwidth as '0:3'",
    "ENCRYPTED": "encrypted",
    "KMS_KEY_ID": "kms_key_id 'k'",
    "BZIP2": "bzip2",
    "GZIP": "gzip",
    "ZSTD": "zstd",
    "ADDQUOTES": "addquotes",
    "NULL AS": "null as 'none'",
    "ESCAPE": "escape",
    "ALLOWOVERWRITE": "allowoverwrite",
    "CLEANPATH": "cleanpath",
    "PARALLEL": "parallel off",
    "MAXFILESIZE": "maxfilesize 6.2 gb",
    "ROWGROUPSIZE": "rowgroupsize 128 mb",
    "REGION": "region as 'eu-west-1'",
    "EXTENSION": "extension 'x'",
}
LINES = {"DELIMITER", "HEADER", "ADDQUOTES", "ESCAPE", "NULL AS"}
UNLOAD_TAKES = {
    "": set(UNLOAD) - {"FIXEDWIDTH", "ROWGROUPSIZE"},
    "csv": set(UNLOAD) - {"FIXEDWIDTH", "ROWGROUPSIZE", "ESCAPE"},
    "json": set(UNLOAD) - {"FIXEDWIDTH", "ROWGROUPSIZE"} - LINES,
    "parquet": set(UNLOAD) - {"FIXEDWIDTH", "GZIP", "BZIP2", "ZSTD"} - LINES,
}
UNLOAD_NOT_TOGETHER = ({"GZIP", "BZIP2", "ZSTD"}, {"ALLOWOVERWRITE", "CLEANPATH"})


def excluded(pair: set[str], groups: tuple[set[str], ...]) -> bool:
    return any(pair <= group for group in groups)


def takes_copy(text: str) -> bool:
    try:
        parse_copy(f"copy t from 's3://b/k' iam_role default {text}")
    except SqlError:
        return False
    return True


def takes_unload(text: str) -> bool:
    try:
        parse_unload(Cursor(f"unload ('select 1') to 's3://b/k' iam_role default {text}"))
    except SqlError:
        return False
    return True


@pytest.mark.parametrize("file_format", COPY_TAKES)
def test_a_pair_of_parameters_is_taken_by_copy_or_refused(file_format: str) -> None:
    wrong = {}
    for one, other in permutations(COPY, 2):
        expected = {one, other} <= COPY_TAKES[file_format] and not excluded({one, other}, COPY_NOT_TOGETHER)
        if takes_copy(f"{file_format} {COPY[one]} {COPY[other]}") != expected:
            wrong[one, other] = expected
    assert wrong == {}


@pytest.mark.parametrize("file_format", UNLOAD_TAKES)
def test_a_pair_of_parameters_is_taken_by_unload_or_refused(file_format: str) -> None:
    wrong = {}
    for one, other in permutations(UNLOAD, 2):
        pair = {one, other}
        expected = pair <= UNLOAD_TAKES[file_format] and not excluded(pair, UNLOAD_NOT_TOGETHER)
        # A key goes with what it encrypts.
        expected = expected and ("KMS_KEY_ID" not in pair or "ENCRYPTED" in pair)
        if takes_unload(f"{file_format} {UNLOAD[one]} {UNLOAD[other]}") != expected:
            wrong[one, other] = expected
    assert wrong == {}


@pytest.mark.parametrize(
    ("text", "taken"),
    [
        ("maxerror 0", True),
        ("maxerror 100000", True),
        ("maxerror 100001", False),
        ("comprows 999", False),
        ("comprows 2147483647", True),
        ("comprows 2147483648", False),
        ("ignoreheader 0", True),
        ("ignoreheader -1", False),
        ("delimiter ''", False),
        ("delimiter '||'", False),
        ("delimiter '\\t'", True),
        ("delimiter '\\001'", True),
        ("acceptinvchars 'ab'", False),
        ("acceptinvchars", True),
        ("statupdate", True),
        ("compupdate", True),
        ("encoding utf8", True),
        ("encoding utf16le", True),
        ("encoding latin9", False),
        ("json 'auto ignorecase'", True),
        ("json 'sometimes'", False),
        ("csv csv", False),
        ("gzip gzip", False),
    ],
)
def test_values_have_their_bounds(text: str, *, taken: bool) -> None:
    assert takes_copy(text) == taken
