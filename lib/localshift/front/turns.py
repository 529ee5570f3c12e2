"""The turn of a writer: a table's write lock, taken before the statement that writes gets its snapshot.

PostgreSQL takes a statement's snapshot first and lets it wait for the table then; what it finds changed is a conflict.
In Redshift the snapshot comes after the wait, and there is none. The lock is Redshift's own kind, SHARE ROW EXCLUSIVE:
writers wait for one another, readers for nobody.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from localshift.backend.upstream import Upstream, UpstreamError
from localshift.sql.lex import quote_literal

# The statement itself will say it better.
LEFT_TO_THE_STATEMENT = frozenset({"42501", "42P01", "3F000", "42809"})


@dataclass(slots=True, kw_only=True)
class Turn:
    """The locks of one session's transaction.

    `held` are the tables it has, `written` their numbers, kept until its end is known, `own` says that the transaction was begun here, around one statement, `busy` that the
    client has sent a statement and no Sync yet: then the transaction, and its snapshot, are there already.
    """

    upstream: Upstream
    own: bool = False
    busy: bool = False
    held: dict[str, int] = field(default_factory=dict)
    written: set[int] = field(default_factory=set)

    async def take(self, target: str, check: str = "") -> None:
        """Wait for the lock of a table, quoted, and have it to the end of the transaction; begins one where there is none.

        `check` is a query that fails where the table must not be written to.
        """
        if not target or self.busy:
            return
        if self.upstream.status == b"I":
            self.held = {}
            # A Parse may have begun a transaction of its own, with a snapshot.
            await self.upstream.sync()
            number = await self._try("BEGIN", _lock(target), check, _number(target), undo=("ROLLBACK",))
            self.own = number is not None
        elif self.upstream.status == b"T" and target not in self.held:
            save, back, free = "SAVEPOINT rs_turn", "ROLLBACK TO SAVEPOINT rs_turn", "RELEASE SAVEPOINT rs_turn"
            number = await self._try(save, _lock(target), check, _number(target), free, undo=(back, free))
        else:
            return
        self.held[target] = number or 0
        self.written |= {number} if number else set()

    async def _try(self, *statements: str, undo: tuple[str, ...]) -> int | None:
        """Return the table's number; None when it could not be had, and the statement itself is to say why."""
        try:
            results = await self.upstream.check(*filter(None, statements))
        except UpstreamError as error:
            # After a savepoint's error the transaction still has its other locks.
            await self.upstream.check(*undo)
            if error.code not in LEFT_TO_THE_STATEMENT:
                raise
            return None
        return next(int(row[0] or 0) for result in reversed(results) for row in result.rows)

    def hand_over(self) -> None:
        """From its BEGIN on the transaction is the client's."""
        self.own, self.held = False, {}

    async def begin(self) -> None:
        """Begin a transaction around one statement, where there is none yet."""
        if self.upstream.status == b"I":
            await self.upstream.query("BEGIN")
            self.own = True

    async def settle(self) -> None:
        """End the transaction that was begun here, as its statement ended; UpstreamError when it cannot be committed."""
        own, self.own = self.own, False
        if own and self.upstream.status != b"I":
            await self.upstream.query("COMMIT" if self.upstream.status == b"T" else "ROLLBACK")
        if self.upstream.status == b"I":
            self.held = {}

    async def undo(self) -> None:
        """Roll back the transaction that was begun here."""
        own, self.own = self.own, False
        if own:
            await self.upstream.query("ROLLBACK")


def _number(target: str) -> str:
    return f"SELECT {quote_literal(target)}::regclass::oid"


def _lock(target: str) -> str:
    return f"LOCK TABLE {target} IN SHARE ROW EXCLUSIVE MODE"
