"""What may enter: a user's message, and text that others wrote for the model to read."""

import hashlib
from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

from marianne_guardrails.injection import find_injection
from marianne_guardrails.pii import PiiType, redact
from marianne_guardrails.verdicts import Reason

MAX_INPUT_CHARS: Final = 2000
# Official texts tell people what to do all the time, and are long.
_PASSAGE_CAUTION: Final = 0.25


@dataclass(frozen=True, slots=True)
class InputVerdict:
    """`reason` is None when the message is allowed. `redacted_text` holds no recognised personal data; it is empty for
    a message that was too long to be looked at.
    """

    reason: Reason | None
    redacted_text: str
    pii_types: tuple[PiiType, ...]


def check_input(text: str) -> InputVerdict:
    """Judges a user's message."""
    if len(text) > MAX_INPUT_CHARS:
        return InputVerdict(Reason.TOO_LONG, "", ())
    redaction = redact(text)
    return InputVerdict(find_injection(text), redaction.text, redaction.types)


def check_passage(text: str) -> Reason | None:
    """Judges a text that is not the user's: why it must not be read as it is, None when it may."""
    return Reason.INJECTION_INDIRECT if find_injection(text, _PASSAGE_CAUTION) else None


class PassageCheck:
    """`check_passage` with a memory: the same texts are retrieved again and again. Keeps digests and verdicts of the
    latest `size` texts, never a text.
    """

    def __init__(self, size: int = 20_000) -> None:
        self._size = size
        self._verdicts: OrderedDict[bytes, Reason | None] = OrderedDict()

    def check(self, text: str) -> Reason | None:
        digest = hashlib.sha256(text.encode(errors="surrogatepass")).digest()
        if digest not in self._verdicts:
            self._verdicts[digest] = check_passage(text)
            if len(self._verdicts) > self._size:
                self._verdicts.popitem(last=False)
        self._verdicts.move_to_end(digest)
        return self._verdicts[digest]

    def __len__(self) -> int:
        return len(self._verdicts)
