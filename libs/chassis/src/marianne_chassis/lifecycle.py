"""The life of a service process: logs, telemetry, metrics, then the service until a signal, then all of it back."""

import asyncio
import signal
import sys
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from typing import Any

import structlog
import uvloop

from marianne_chassis.logging import configure_logging
from marianne_chassis.metrics import serve_metrics
from marianne_chassis.settings import ServiceSettings, SettingError
from marianne_chassis.telemetry import setup_telemetry

log = structlog.get_logger()


def run_service(name: str, settings: ServiceSettings, serve: Callable[[asyncio.Event], Awaitable[None]]) -> None:
    """Runs `serve` on uvloop until it returns; SIGTERM and SIGINT set the event that it is given.

    Leaves the process with status 0, or with 1 and one log line that says why when anything raised.
    """
    development = settings.environment == "development"
    configure_logging(name, settings.log_level, json=not (development and sys.stdout.isatty()))
    try:
        with ExitStack() as stack:
            stack.callback(setup_telemetry(name))
            _start_metrics(stack, settings)
            uvloop.run(_serve_until_signalled(serve))
    except Exception as error:
        _tell_why(error)
        raise SystemExit(1) from error
    log.info("service_stopped")


def _start_metrics(stack: ExitStack, settings: ServiceSettings) -> None:
    try:
        stack.enter_context(serve_metrics(settings.metrics_bind, settings.metrics_port))
    except OSError as error:
        where = f"{settings.metrics_bind}:{settings.metrics_port}"
        raise SettingError(settings, "metrics_port", f"cannot listen on {where}: {error.strerror}") from error


async def _serve_until_signalled(serve: Callable[[asyncio.Event], Awaitable[None]]) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    loop.set_exception_handler(_tell_of_stray)
    await serve(stop)


def _tell_of_stray(_loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Of an error that nobody awaited; asyncio's own handler prints its message, which may carry a user's words."""
    log.error("event_loop_error", message=context["message"], exc_info=context.get("exception"))


def _tell_why(error: Exception) -> None:
    while isinstance(error, ExceptionGroup) and len(error.exceptions) == 1:
        error = error.exceptions[0]
    if isinstance(error, SettingError):
        log.error("service_failed", reason=str(error))
    else:
        log.error("service_failed", reason=f"{type(error).__name__}: {error}", exc_info=error)
