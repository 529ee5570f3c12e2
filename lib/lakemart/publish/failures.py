"""What an error of the warehouse means and who can mend it: one table, read by the client alone.

A server's error is known by its SQLSTATE, a few by words, for Redshift gives its own errors the state XX000.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from lakemart.errors import ConfigError, DataError, InternalError, LakemartError, TransientError

Verdict = Literal["retry", "lost", "transient", "login", "config", "data", "bug"]
During = Literal["connect", "load", "other"]
"""`load`: a COPY into staging or the insert from it, where data may be at fault."""


class SerializationError(TransientError):
    """Redshift ended the transaction for another one's sake; the whole transaction may be tried again."""


class LostConnectionError(TransientError):
    """The connection broke under a statement; whether the statement took effect is not known."""


class UnreachableError(TransientError):
    """No connection could be made; nothing was sent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """An error as it came: `state` is the SQLSTATE, empty when the error is the driver's or the network's own."""

    state: str = ""
    message: str
    detail: str = ""
    during: During = "other"

    @property
    def text(self) -> str:
        """Message and detail on one line, the detail's ruled lines and empty words left out."""
        words = re.sub(r"-{5,}", " ", f"{self.message} {self.detail}".replace("\n", " "))
        return re.sub(r"\s+", " ", words).strip()[:2000]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One row: an error of one of these states (a prefix each) whose text holds these words, during these acts."""

    verdict: Verdict
    states: tuple[str, ...] = ("",)
    says: str = ""
    during: tuple[During, ...] = ("connect", "load", "other")
    next_step: str = ""

    def fits(self, report: Report) -> bool:
        """Whether the row is about this error."""
        return (
            report.during in self.during
            and report.state.startswith(self.states)
            and (not self.says or re.search(self.says, report.text, re.IGNORECASE) is not None)
        )


_AGAIN = "Run again."
_RIGHTS = "Grant the right to the user of this project's warehouse section, and run again."
_MEND_DATA = "Mend the model, or widen the warehouse's column; nothing was published."

RULES: tuple[Rule, ...] = (
    Rule(verdict="retry", states=("40001", "40P01")),
    Rule(verdict="retry", says=r"\b1023\b.*(serializable|isolation|detail)|serializable isolation violation"),
    Rule(verdict="retry", says=r"\b1018\b.*relation does not exist"),
    Rule(verdict="retry", states=("23505",), says=r"\bpg_(namespace|class|type)_"),
    Rule(verdict="retry", states=("42P06", "42P07"), says=r"already exists"),
    Rule(verdict="login", states=("28",), next_step="Mend user and password of the warehouse section, or the secret it refers to."),
    Rule(verdict="config", states=("3D",), next_step="Create the database, or mend `warehouse.database`."),
    Rule(verdict="transient", states=("57P01", "57P02", "57P03", "08"), during=("connect",), next_step="Run again when the warehouse is up."),
    Rule(verdict="lost", states=("57P01", "57P02", "57P03", "08")),
    Rule(verdict="transient", states=("53",), next_step="The warehouse is short of space, memory or connections; run again when it is not."),
    Rule(verdict="transient", states=("55P03", "57014", "25P0"), next_step=_AGAIN),
    Rule(verdict="config", states=("42501",), next_step=_RIGHTS),
    Rule(verdict="config", says=r"permission denied|must be owner", next_step=_RIGHTS),
    Rule(verdict="config", states=("42704",), says=r"\b(role|user|group)\b", next_step="Create the role in the warehouse, or take it out of grant_select_to."),
    Rule(verdict="transient", states=("XX000", ""), says=r"\bkms[.:]", during=("load",),
         next_step="Enable the KMS key of the staging location, or let the role of `warehouse.iam_role` decrypt by it, and run again."),
    Rule(verdict="transient", states=("XX000", ""), says=r"\b(ExpiredToken|InvalidToken|TokenRefreshRequired|InvalidAccessKeyId)\b", during=("load",),
         next_step="The credentials that the warehouse reads staging with had expired; run again."),
    Rule(verdict="config", states=("XX000", ""), says=r"access ?denied|not authorized|is not allowed|assume.*role", during=("load",),
         next_step="Let the role of `warehouse.iam_role` read the staging location, and the warehouse assume it."),
    Rule(verdict="transient", says=r"no such ?key|not found|does not exist|connection refused|connect timeout|could not connect|slow ?down|service ?unavailable|s3serviceexception",
         states=("XX000", "58"), during=("load",), next_step="A staged file could not be read; run again, which stages anew if need be."),
    Rule(verdict="data", states=("22", "23", "XX000"), during=("load",), next_step=_MEND_DATA),
    Rule(verdict="config", states=("3F", "42P01"), next_step="Somebody changed the warehouse under this run; look at the table, and run again."),
    Rule(verdict="config", says=r"certificate verify failed|hostname mismatch|certificate is not valid", during=("connect",),
         next_step="Name the host as its certificate does, or make its authority known (SSL_CERT_FILE)."),
    Rule(verdict="config", says=r"server refuses ssl", during=("connect",), next_step="Only a warehouse on this machine may go without TLS; connect to one that has it."),
    Rule(verdict="config", says=r"no password was provided|not supported by redshift_connector", states=("",), during=("connect",),
         next_step="Give `warehouse.password` as a reference, or `iam: true`."),
    Rule(verdict="transient", states=("",), says=r"communication error|time(d)? ?out|refused|unreachable|name or service|brokenpipe|ip for host|reset by peer|closed|unpack requires", during=("connect",),
         next_step="See that the warehouse is up and that host and port are right; run again."),
    Rule(verdict="lost", states=("",), says=r"brokenpipe|broken pipe|communication error|closed|reset by peer|timed out|unpack requires|eof occurred"),
)  # fmt: skip


_RAISED: dict[Verdict, tuple[type[LakemartError], str]] = {
    "retry": (SerializationError, "the warehouse ended the transaction"),
    "lost": (LostConnectionError, "the connection to the warehouse broke"),
    "transient": (TransientError, "the warehouse could not do it now"),
    "login": (ConfigError, "the warehouse does not let the user in"),
    "config": (ConfigError, "the warehouse refuses"),
    "data": (DataError, "the warehouse does not take the data"),
    "bug": (InternalError, "the warehouse answered what nobody foresaw"),
}


def verdict(report: Report) -> Rule:
    """The first row that fits, or that nobody foresaw it."""
    return next(
        (rule for rule in RULES if rule.fits(report)), Rule(verdict="bug", next_step="Run with --debug and report it.")
    )


def raised(report: Report, *, where: str) -> LakemartError:
    """The error to raise for a report: its class says who mends it, its text what the warehouse said."""
    rule = verdict(report)
    kind, words = _RAISED[rule.verdict]
    if rule.verdict == "transient" and report.during == "connect":
        kind, words = UnreachableError, "the warehouse cannot be reached"
    said = f"{report.state} {report.text}" if rule.verdict == "bug" else report.text
    return kind(f"{words}: {said}", where=where, next_step=rule.next_step or _AGAIN)
