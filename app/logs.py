"""Structured logs: a static sentence plus fields, with the ids of the call at hand bound by context variables.

What people said, digits, numbers and tokens never go into a log message.
"""

import logging
import sys
from typing import TextIO

import structlog
from structlog.typing import FilteringBoundLogger


def configure_logs(*, level: int = logging.INFO, stream: TextIO | None = None) -> None:
    """Send all logs as one line per event to `stream` (standard error by default); call once, at the edge."""
    output = stream or sys.stderr
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="%Y-%m-%d %H:%M:%S.%f", utc=True),
            structlog.processors.format_exc_info,
            structlog.dev.ConsoleRenderer(colors=output.isatty(), sort_keys=False, pad_event_to=0),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(output),
        cache_logger_on_first_use=False,
    )


def get_log(name: str) -> FilteringBoundLogger:
    """Return a logger whose lines carry `part=name` (the last word of a module's name)."""
    log: FilteringBoundLogger = structlog.get_logger(part=name)
    return log
