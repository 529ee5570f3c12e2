"""An HTTP proxy before an object store that goes wrong by rule: late, busy, cut off, mute, or telling old news.

Bytes go through as they came, so signatures hold. A rule names requests by method and target; the first rule with a turn
left takes the request.
"""

from __future__ import annotations

import re
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Literal
from urllib.parse import unquote

Act = Literal[
    "pass", "busy", "forbid", "expired", "unknown_key", "kms_disabled", "kms_forbidden", "reset", "lose", "late", "cut"
]

_HOPS = {"connection", "expect", "keep-alive", "transfer-encoding", "content-length"}
_KMS_KEY = "arn:aws:kms:us-east-1:123456789012:key/1234abcd"
_ANSWERS = {
    "busy": (503, "SlowDown", "Please reduce your request rate."),
    "forbid": (403, "AccessDenied", "Access Denied"),
    "expired": (400, "ExpiredToken", "The provided token has expired."),
    "unknown_key": (403, "InvalidAccessKeyId", "The AWS Access Key Id you provided does not exist in our records."),
    "kms_disabled": (400, "KMS.DisabledException", f"{_KMS_KEY} is disabled."),
    "kms_forbidden": (
        403,
        "AccessDenied",
        f"User: arn:aws:iam::123456789012:role/lake is not authorized to perform: kms:Decrypt on resource: {_KMS_KEY}",
    ),
}
"""Status, code and message of the answers that need no store, in S3's own words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A request as it came: `target` is its path and query, `headers` have their names in lower case."""

    method: str
    target: str
    headers: Mapping[str, str]

    @property
    def access_key(self) -> str:
        """The access key that signed it; empty when none did."""
        found = re.search(r"Credential=([^/]+)/", self.headers.get("authorization", ""))
        return found[1] if found else ""


@dataclass(slots=True, kw_only=True)
class Rule:
    """What goes wrong with which requests: `method` (an expression), and `target`, searched for in path and query.

    busy, forbid, expired, unknown_key and the two of KMS answer without asking the store; reset breaks off with half of the request's body taken, and the store
    never hears of it; lose lets the store do it and breaks off instead of answering; late breaks off first, and lets the store do it after
    `first`; cut breaks off in the middle of the
    answer's body. `skip` requests go through first, `times` (None: all) are taken. `first` is called before the store is
    asked, `last` after it, `rewrite` makes another answer of its body, `seconds` pass before anything. `signed` takes only requests that were
    signed with this access key. With `spreads` it takes every request once it has taken one (signed by that key).
    """

    act: Act
    method: str
    target: str
    skip: int = 0
    times: int | None = 1
    first: Callable[[], object] | None = None
    last: Callable[[], object] | None = None
    rewrite: Callable[[bytes], bytes] | None = None
    seconds: float = 0.0
    signed: str | None = None
    spreads: bool = False
    taken: int = 0

    def takes(self, seen: Seen) -> bool:
        """Whether this request is the rule's; counts it."""
        if self.signed is not None and seen.access_key != self.signed:
            return False
        if self.spreads and self.taken:
            self.taken += 1
            return True
        if not re.fullmatch(self.method, seen.method) or not re.search(self.target, seen.target):
            return False
        if self.skip:
            self.skip -= 1
            return False
        if self.times is not None and self.taken >= self.times:
            return False
        self.taken += 1
        return True


@dataclass(slots=True)
class Faults:
    """The rules in force, the requests that came since, and where the proxy answers."""

    url: str
    rules: list[Rule] = field(default_factory=list)
    seen: list[Seen] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def rule_for(self, seen: Seen) -> Rule | None:
        """The rule that takes the request."""
        with self.lock:
            self.seen.append(seen)
            return next((rule for rule in self.rules if rule.takes(seen)), None)

    @contextmanager
    def during(self, *rules: Rule) -> Iterator[None]:
        """These rules alone are in force in the body; each must have taken a request by its end."""
        self.rules, self.seen = list(rules), []
        try:
            yield
        finally:
            self.rules = []
        idle = [rule for rule in rules if not rule.taken]
        assert not idle, (idle, [(one.method, one.target) for one in self.seen])

    def count(self, method: str, target: str) -> int:
        """How many requests came since the rules were set."""
        return sum(method == one.method and re.search(target, one.target) is not None for one in self.seen)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    upstream: tuple[str, int]
    faults: Faults

    def _handle(self) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        seen = Seen(method=self.command, target=unquote(self.path), headers=headers)
        rule = self.faults.rule_for(seen) or Rule(act="pass", method="", target="")
        time.sleep(rule.seconds)
        size = int(self.headers.get("Content-Length") or 0)
        if rule.act == "reset":
            self.rfile.read(size // 2)
            self._break_off()
            return
        body = self.rfile.read(size)
        if rule.act == "late":
            threading.Thread(target=self._done_late, args=(rule, body), daemon=True).start()
            self._break_off()
            return
        if rule.first is not None:
            rule.first()
        if rule.act in _ANSWERS:
            status, code, message = _ANSWERS[rule.act]
            said = f"<Error><Code>{code}</Code><Message>{message}</Message></Error>".encode()
            self._answer(status, [("Content-Type", "application/xml")], said, len(said))
            return
        status, answered, answer = self._forwarded(body)
        if rule.last is not None:
            rule.last()
        if rule.act == "lose":
            self._break_off()
            return
        if rule.rewrite is not None:
            answer = rule.rewrite(answer)
        length = len(answer) if self.command != "HEAD" else int(dict(answered).get("Content-Length") or 0)
        self._answer(status, answered, answer[: len(answer) // 2] if rule.act == "cut" else answer, length)
        if rule.act == "cut":
            self._break_off()

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = _handle  # noqa: N815 - the names are the base class's

    def _done_late(self, rule: Rule, body: bytes) -> None:
        """Outlives the connection, which is broken off only when its handler has ended."""
        if rule.first is not None:
            rule.first()
        self._forwarded(body)
        if rule.last is not None:
            rule.last()

    def _forwarded(self, body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
        connection = HTTPConnection(*self.upstream, timeout=60)
        try:
            connection.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
            for name, value in self.headers.items():
                if name.lower() not in _HOPS:
                    connection.putheader(name, value)
            connection.putheader("Content-Length", str(len(body)))
            connection.endheaders(body)
            answer = connection.getresponse()
            return answer.status, answer.getheaders(), answer.read()
        finally:
            connection.close()

    def _answer(self, status: int, headers: list[tuple[str, str]], body: bytes, length: int) -> None:
        self.send_response_only(status)
        for name, value in headers:
            if name.lower() not in _HOPS:
                self.send_header(name, value)
        self.send_header("Content-Length", str(length))
        self.end_headers()
        self.wfile.write(body)

    def _break_off(self) -> None:
        """Ends the connection as a reset, not as an orderly end."""
        self.close_connection = True
        self.wfile.flush()
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.shutdown(socket.SHUT_RD)
        self.connection.close()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Nothing."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Nothing: a client that went away is what the rules are for."""


@contextmanager
def faulty_proxy(upstream: str) -> Iterator[Faults]:
    """A proxy on loopback before the store at the URL `upstream`, without rules yet."""
    host, _, port = upstream.removeprefix("http://").rpartition(":")
    server = _Server(("127.0.0.1", 0), _Handler)
    faults = Faults(f"http://127.0.0.1:{server.server_port}")
    server.RequestHandlerClass = type("Handler", (_Handler,), {"upstream": (host, int(port)), "faults": faults})
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, name="proxy", daemon=True)
    thread.start()
    try:
        yield faults
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def listed_twice(key: str) -> Callable[[bytes], bytes]:
    """Makes a listing name the key twice in a row."""
    return lambda xml: re.sub(_entry(key), rb"\1\1", xml)


def not_listed(key: str) -> Callable[[bytes], bytes]:
    """Makes a listing leave the key out."""
    return lambda xml: re.sub(_entry(key), b"", xml)


def _entry(key: str) -> bytes:
    return rb"(<Contents>\s*<Key>[^<]*" + re.escape(key).encode() + rb"</Key>.*?</Contents>)"
