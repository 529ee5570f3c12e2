"""The readable part of a damaged object: its blocks up to the damage, and one frame for whatever lies behind."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from lakemart.decode.frames import Frame
from lakemart.decode.result import DamagedError


class Readable:
    """Blocks that end where damage begins instead of raising; `damage` then says which it was.

    With `by_line` only whole lines are given: the last, which the damage may have cut, belongs to the rest.
    """

    def __init__(self, blocks: Iterable[bytes], *, by_line: bool) -> None:
        self.damage: DamagedError | None = None
        self._blocks = blocks
        self._by_line = by_line
        self._offset = 0
        self._tail: list[bytes] = []

    def __iter__(self) -> Iterator[bytes]:
        try:
            for block in self._blocks:
                yield from self._whole_lines(block) if self._by_line else (block,)
        except DamagedError as damage:
            self.damage = damage
            return
        yield from self._tail

    def rest(self, limit: int) -> Frame:
        """The frame of what was not read: the bytes of the last line that were still readable, or none."""
        assert self.damage is not None  # noqa: S101 - asked for only then
        raw = b"".join(self._tail)
        offset = self._offset if self._by_line else self.damage.offset
        message = f"{self.damage.reason}: {self.damage.detail}"
        return Frame(offset, len(raw), raw if len(raw) <= limit else None, "unreadable", message)

    def _whole_lines(self, block: bytes) -> Iterator[bytes]:
        end = block.rfind(b"\n") + 1
        if end:
            whole = b"".join([*self._tail, block[:end]])
            self._offset += len(whole)
            self._tail = []
            yield whole
        self._tail.append(block[end:])
