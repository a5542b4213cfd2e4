"""The command `marianne`."""

import argparse
import asyncio
import datetime as dt
import sys
from collections.abc import AsyncGenerator
from contextlib import aclosing

import orjson

from marianne_client.client import MarianneClient
from marianne_client.config import Config, read_config
from marianne_client.errors import ConnectionLostError, MarianneError, RequestRefusedError, UnreachableError
from marianne_client.events import Done, Error, Event, name_of
from marianne_client.transcript import Transcript

ANSWERED, FAILED, WRONG_REQUEST, NOT_REACHED, DECLINED, INTERRUPTED = 0, 1, 2, 3, 4, 130

_EPILOG = """exit status:
  0    answered, or asked back
  1    the turn failed
  2    wrong usage, or a request that the gateway refused
  3    nobody answers at the address, or the connection was lost for good
  4    Marianne declined, or withheld every sentence
  130  interrupted

environment: MARIANNE_URL, MARIANNE_API_KEY; NO_COLOR turns styles off.
"""


def main() -> None:
    config = read_config()
    arguments = _parser(config).parse_args()
    try:
        sys.exit(asyncio.run(_ask(arguments, config)))
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)


def _parser(config: Config) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="marianne", description="Questions on French administration and law.")
    commands = parser.add_subparsers(required=True, metavar="command")
    ask = commands.add_parser(
        "ask",
        help="ask one question and print the answer as it comes",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    ask.add_argument("query", help="the question")
    ask.add_argument("--url", default=config.url, help="address of the gateway (default: %(default)s)")
    ask.add_argument("--language", help="language of the answer: fr, en, es, pt, vi, ar (default: the question's)")
    ask.add_argument("--nationality", metavar="CODE", help="nationality, ISO 3166-1 alpha-2")
    ask.add_argument("--as-of", type=dt.date.fromisoformat, metavar="DATE", help="the day whose law is asked for")
    ask.add_argument("--model", help="a model that the gateway lists")
    ask.add_argument("--thread", metavar="ID", help="the conversation to go on with")
    ask.add_argument("--json", action="store_true", help="print one JSON object for each event")
    return parser


async def _ask(arguments: argparse.Namespace, config: Config) -> int:
    async with MarianneClient(arguments.url, config.api_key) as client:
        events = client.ask(
            arguments.query,
            thread_id=arguments.thread,
            language=arguments.language,
            user_nationality=arguments.nationality,
            as_of=arguments.as_of,
            model=arguments.model,
        )
        try:
            return await _print(events, as_json=arguments.json, styled=sys.stdout.isatty() and not config.plain)
        except MarianneError as error:
            print(f"marianne: {error}", file=sys.stderr)
            return _status_of(error)


async def _print(events: AsyncGenerator[Event], *, as_json: bool, styled: bool) -> int:
    transcript = Transcript(styled=styled)
    status = FAILED
    async with aclosing(events):
        async for event in events:
            text = _json_line(event) if as_json else transcript.say(event)
            print(text, end="", flush=True)
            if isinstance(event, Error) and not as_json:
                print(f"marianne: {event.message}", file=sys.stderr)
            if isinstance(event, Done):
                status = _outcome(event)
    return status


def _json_line(event: Event) -> str:
    return orjson.dumps({"event": name_of(event), "data": event}).decode() + "\n"


def _outcome(done: Done) -> int:
    match done.finish_reason:
        case "stop" | "length" | "clarification":
            return ANSWERED
        case "refused" | "withheld":
            return DECLINED
        case _:
            return FAILED


def _status_of(error: MarianneError) -> int:
    match error:
        case UnreachableError() | ConnectionLostError():
            return NOT_REACHED
        case RequestRefusedError() if error.status < 500:
            return WRONG_REQUEST
        case _:
            return FAILED
