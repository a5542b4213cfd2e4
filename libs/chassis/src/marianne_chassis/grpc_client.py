"""gRPC channels as every service opens them, and what an onward call takes from the call it serves."""

import json
from collections.abc import Sequence
from typing import Any

import grpc

from marianne_chassis.client_telemetry import TracedChannel
from marianne_chassis.rpc import Method

_RETRY_POLICY = {
    "maxAttempts": 3,
    "initialBackoff": "0.1s",
    "maxBackoff": "1s",
    "backoffMultiplier": 2,
    "retryableStatusCodes": ["UNAVAILABLE"],
}


def open_channel(address: str, retried: Sequence[str] = ()) -> grpc.aio.Channel:
    """A channel to every server that `address` (`host:port`, or a gRPC target with its scheme) resolves to, in turn.

    Its RPCs are traced and counted, streams at no cost per message. To be opened inside the running event loop, once
    for the process, and closed at its end. `retried` are the methods, `package.Service/Method`, that may safely be
    sent again when a server is UNAVAILABLE: idempotent unary ones.

    Whoever opens a stream cancels it in the end (`finally: call.cancel()`). A cancelled reader does not always do so by
    itself: cancelled in the instant of the first message, grpc.aio lets the RPC run on.
    """
    target = address if "://" in address or address.startswith(("ipv4:", "ipv6:", "unix:")) else f"dns:///{address}"
    options = [
        ("grpc.service_config", json.dumps(_service_config(retried))),
        ("grpc.initial_reconnect_backoff_ms", 200),
        ("grpc.min_reconnect_backoff_ms", 1_000),  # how long an attempt to connect may take
        ("grpc.max_reconnect_backoff_ms", 1_000),
        ("grpc.dns_min_time_between_resolutions_ms", 5_000),
        ("grpc.keepalive_time_ms", 30_000),
        ("grpc.keepalive_timeout_ms", 10_000),
    ]
    channel = TracedChannel(target, options)
    # Connects now, so that the first question after a start does not pay for it.
    channel.get_state(try_to_connect=True)
    return channel


def _service_config(retried: Sequence[str]) -> dict[str, Any]:
    """https://github.com/grpc/grpc/blob/master/doc/service_config.md"""
    config: dict[str, Any] = {
        "loadBalancingConfig": [{"round_robin": {}}],
        # Servers are watched, so that one which drains gets no call that it would have to refuse.
        "healthCheckConfig": {"serviceName": ""},
    }
    if retried:
        methods = [Method.parse(path) for path in retried]
        names = [{"service": method.service, "method": method.name} for method in methods]
        config["methodConfig"] = [{"name": names, "retryPolicy": _RETRY_POLICY}]
    return config


def remaining(context: grpc.aio.ServicerContext[Any, Any], limit_s: float) -> float:
    """Seconds that an onward call may take: `limit_s`, or less if the caller of this RPC waits less."""
    left: float | None = context.time_remaining()
    return limit_s if left is None else min(limit_s, left)
