"""Turns in Redis: read, resumed and stopped through any process, and ended in the place of an owner that died."""

import asyncio
import secrets
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import structlog

from marianne_orchestrator import event_json, redis_scripts
from marianne_orchestrator.events import Done, Event
from marianne_orchestrator.interruption import Interruption
from marianne_orchestrator.redis_connection import WAIT_S, RedisConnection, RedisUnavailableError
from marianne_orchestrator.turn_log import (
    MemoryTurn,
    MemoryTurnLog,
    Opened,
    TurnsUnavailableError,
    UnknownTurnError,
)

logger = structlog.get_logger(__name__)

STOPS = "marianne:stops"
_STOPS_KEPT = 1_000
_RUNNING, _NEW, _LAPSED = 0, 1, 2


@dataclass(frozen=True, slots=True)
class _State:
    length: int
    after: int
    ended: bool


class RedisTurnLog:
    """A stream for each turn, whose entry n is event n; its owner holds a lease of `lease_s`, renewed while it runs.

    Redis hears of an event before any reader does, so that nobody has read what a successor does not know. While Redis
    is away turns run on in memory: those that begin then are not shared, and what the others said meanwhile follows
    when it is back.
    """

    def __init__(self, redis: RedisConnection, interruption: Interruption, *, ttl_s: float, lease_s: float) -> None:
        self._redis = redis
        self._interruption = interruption
        self._ttl_ms = round(ttl_s * 1000)
        self._lease_ms = round(lease_s * 1000)
        self._here = MemoryTurnLog(ttl_s)
        self._own: dict[str, _OwnTurn] = {}

    async def open(self, message_id: str, origin: str, on_stop: Callable[[], None]) -> Opened:
        if turn := self._here.find(message_id):
            return Opened(turn.after, None)
        token = secrets.token_hex(8)
        try:
            outcome, after = await self._claim(message_id, token, origin)
        except RedisUnavailableError:
            return await self._open_here_only(message_id, origin, on_stop)
        if outcome == _RUNNING:
            return Opened(after, None)
        local = self._here.make(message_id, after, origin, on_stop)
        own = self._own[message_id] = _OwnTurn(self, message_id, token, local)
        return Opened(after, own)

    async def read(self, message_id: str, after: int = 0) -> AsyncGenerator[tuple[int, Event]]:
        local = self._here.find(message_id)
        events = local.read(after) if local and after >= local.after else self._read_shared(message_id, after)
        async for numbered in events:
            yield numbered

    async def origin(self, message_id: str) -> str:
        if local := self._here.find(message_id):
            return local.origin
        try:
            told: Any = await self._redis.call(lambda redis: redis.hget(_state_key(message_id), "origin"))
        except RedisUnavailableError:
            return ""
        return told.decode() if told else ""

    async def stop(self, message_id: str) -> None:
        if self._here.find(message_id):
            await self._here.stop(message_id)
            return
        try:
            await self._redis.call(
                lambda redis: redis.xadd(STOPS, {"message_id": message_id}, maxlen=_STOPS_KEPT, approximate=True)
            )
        except RedisUnavailableError as error:
            raise TurnsUnavailableError from error

    async def is_read_elsewhere(self, message_id: str) -> bool:
        try:
            return bool(await self._redis.call(lambda redis: redis.exists(_readers_key(message_id))))
        except RedisUnavailableError:
            return False

    @asynccontextmanager
    async def at_work(self) -> AsyncIterator[None]:
        """Renews leases and hears stops; in the end, tells Redis what it has not heard."""
        tasks = [asyncio.create_task(self._renew()), asyncio.create_task(self._hear_stops())]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self._flush_all()

    async def append(self, message_id: str, token: str, first: int, events: tuple[Event, ...]) -> bool:
        """Adds the events, of which the first has the sequence `first`, and renews the lease; an event that is there
        already is not added again. False when the turn is in other hands. Raises RedisUnavailableError.
        """
        ended = bool(events) and isinstance(events[-1], Done)
        told = [part for event in events for part in event_json.encode(event)]
        return bool(
            await self._run(
                redis_scripts.APPEND, message_id, token, self._lease_ms, self._ttl_ms, first, int(ended), *told
            )
        )

    def release(self, message_id: str) -> None:
        """From now on the turn is read from Redis."""
        self._own.pop(message_id, None)
        self._here.forget(message_id)

    async def _claim(self, message_id: str, token: str, origin: str) -> tuple[int, int]:
        while True:
            outcome, after = await self._run(
                redis_scripts.CLAIM, message_id, token, self._lease_ms, self._ttl_ms, origin
            )
            if outcome != _LAPSED:
                return outcome, after
            await self._interrupt(message_id)

    async def _open_here_only(self, message_id: str, origin: str, on_stop: Callable[[], None]) -> Opened:
        opened = await self._here.open(message_id, origin, on_stop)
        return Opened(opened.after, _UnsharedTurn(opened.turn) if isinstance(opened.turn, MemoryTurn) else None)

    async def _read_shared(self, message_id: str, after: int) -> AsyncGenerator[tuple[int, Event]]:
        try:
            while True:
                state = await self._look(message_id)
                if state.ended and after >= state.length:
                    return
                entries = await self._wait_for_events(message_id, after)
                for sequence, event in entries:
                    after = sequence
                    yield sequence, event
                    if isinstance(event, Done):
                        return
                if not entries:
                    await self._interrupt(message_id)
        except RedisUnavailableError as error:
            raise TurnsUnavailableError from error

    async def _look(self, message_id: str) -> _State:
        """Tells the owner, too, that somebody reads."""
        fields = await self._redis.call(lambda redis: redis.hmget(_state_key(message_id), "length", "after", "ended"))
        length, after, ended = fields
        if length is None or after is None:
            raise UnknownTurnError(message_id)
        await self._redis.call(lambda redis: redis.set(_readers_key(message_id), 1, px=self._lease_ms))
        return _State(int(length), int(after), bool(ended))

    async def _wait_for_events(self, message_id: str, after: int) -> list[tuple[int, Event]]:
        key = _events_key(message_id)
        block_ms = round(min(WAIT_S * 1000, self._lease_ms / 5))
        found: Any = await self._redis.wait(lambda redis: redis.xread({key: f"{after}-0"}, block=block_ms))
        return [_numbered(entry) for _, entries in _pairs(found) for entry in entries]

    async def _interrupt(self, message_id: str) -> None:
        """Ends the turn if its owner's lease has lapsed; one of those who notice does."""
        if await self._redis.call(lambda redis: redis.exists(_lease_key(message_id))):
            return
        state = await self._look(message_id)
        if state.ended:
            return
        key, first = _events_key(message_id), f"{state.after + 1}-0"
        entries: Any = await self._redis.call(lambda redis: redis.xrange(key, first))
        told = [event for _, event in map(_numbered, entries)]
        words = [part for event in self._interruption.last_words(told) for part in event_json.encode(event)]
        if await self._run(redis_scripts.INTERRUPT, message_id, state.length, self._ttl_ms, *words):
            logger.warning("turn_interrupted")
            self._interruption.record(message_id, told)

    async def _run(self, script: str, message_id: str, *arguments: str | bytes | int) -> Any:
        keys = (_state_key(message_id), _lease_key(message_id), _events_key(message_id))
        return await self._redis.call(lambda redis: redis.register_script(script)(keys, arguments))

    async def _renew(self) -> None:
        while True:
            await asyncio.sleep(self._lease_ms / 3000)
            await self._flush_all()

    async def _flush_all(self) -> None:
        for own in tuple(self._own.values()):
            await own.flush()

    async def _hear_stops(self) -> None:
        last = b""
        while True:
            try:
                last = await self._heed_stops(last or await self._last_stop())
            except RedisUnavailableError:
                await asyncio.sleep(WAIT_S)

    async def _heed_stops(self, last: bytes) -> bytes:
        """Waits for stops after the one with that id; the id of the newest."""
        found: Any = await self._redis.wait(lambda redis: redis.xread({STOPS: last}, block=round(WAIT_S * 1000)))
        for _, entries in _pairs(found):
            for place, fields in entries:
                await self._here.stop(fields[b"message_id"].decode())
                last = place
        return last

    async def _last_stop(self) -> bytes:
        newest: Any = await self._redis.call(lambda redis: redis.xrevrange(STOPS, count=1))
        return newest[0][0] if newest else b"0-0"


class _OwnTurn:
    """A turn that this process runs, told to Redis first and to its readers here at once after."""

    shared = True

    def __init__(self, log: RedisTurnLog, message_id: str, token: str, local: MemoryTurn) -> None:
        self._log = log
        self._message_id = message_id
        self._token = token
        self._local = local
        self._sent = local.after
        self._unsent: list[Event] = []
        self._telling = asyncio.Lock()

    async def append(self, event: Event) -> None:
        self._unsent.append(event)
        try:
            await self.flush()
        finally:
            self._local.tell(event)
            self._release_if_over()

    async def flush(self) -> None:
        """Tells Redis what it has not heard, and renews the lease; without Redis, later."""
        async with self._telling:
            events = tuple(self._unsent)
            try:
                kept = await self._log.append(self._message_id, self._token, self._sent + 1, events)
            except RedisUnavailableError:
                return
            self._sent += len(events)
            del self._unsent[: len(events)]
        if not kept:
            logger.warning("turn_lost_to_another")
            self._log.release(self._message_id)
        self._release_if_over()

    def _release_if_over(self) -> None:
        if self._local.ended and not self._unsent:
            self._log.release(self._message_id)


@dataclass(frozen=True, slots=True)
class _UnsharedTurn:
    """A turn that only this process knows of."""

    local: MemoryTurn
    shared: bool = False

    async def append(self, event: Event) -> None:
        self.local.tell(event)


def _numbered(entry: tuple[bytes, dict[bytes, bytes]]) -> tuple[int, Event]:
    place, fields = entry
    return int(place.split(b"-")[0]), event_json.decode(fields[b"kind"].decode(), fields[b"event"])


def _pairs(found: Any) -> list[tuple[bytes, Any]]:
    """What XREAD found by stream, in either version of the protocol."""
    if isinstance(found, dict):
        return [
            (key, entries[0] if entries and isinstance(entries[0], list) else entries) for key, entries in found.items()
        ]
    return list(found or ())


# The braces keep the keys of one turn on one node of a cluster.
def _state_key(message_id: str) -> str:
    return f"marianne:turn:{{{message_id}}}"


def _lease_key(message_id: str) -> str:
    return f"marianne:turn:{{{message_id}}}:lease"


def _events_key(message_id: str) -> str:
    return f"marianne:turn:{{{message_id}}}:events"


def _readers_key(message_id: str) -> str:
    return f"marianne:turn:{{{message_id}}}:readers"
