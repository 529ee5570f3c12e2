"""Logging, set up here and nowhere else: JSON lines on stderr, or on a terminal only what someone should look at."""

from __future__ import annotations

import logging
import sys
from typing import Any

import structlog
from rich.console import Console

_SHARED: tuple[Any, ...] = (
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
)


def set_up(run: str, *, debug: bool) -> None:
    """Sends the events of lakemart and of libraries to stderr, each with the run id. Progress tells the story on a terminal."""
    on_terminal = sys.stderr.isatty()
    level = logging.DEBUG if debug else logging.WARNING if on_terminal else logging.INFO
    renderer = (
        structlog.dev.ConsoleRenderer(colors=not Console(stderr=True).no_color)
        if on_terminal
        else structlog.processors.JSONRenderer(ensure_ascii=False)
    )
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(run=run)
    structlog.configure(
        processors=[
            *_SHARED,
            structlog.processors.format_exc_info,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*_SHARED, structlog.stdlib.ExtraAdder()],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                renderer,
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    for room in ("lakemart", "localshift"):
        logging.getLogger(room).setLevel(level)
