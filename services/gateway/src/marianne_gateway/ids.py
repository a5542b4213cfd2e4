"""Ids of threads and messages: made here, and good only for the key that they were made for."""

import base64
import hashlib
import hmac
import secrets
from typing import Literal

Kind = Literal["thread", "message"]

_PREFIX: dict[Kind, str] = {"thread": "t_", "message": "m_"}
_NONCE_BYTES = 12
_TAG_BYTES = 12


class Ids:
    """`t_` or `m_`, then 32 characters of base64url: 12 bytes of nonce, 12 bytes of HMAC-SHA256.

    The HMAC covers the kind, the name of the key and the nonce, so an id says nothing about its holder and cannot be
    guessed, moved to another key or used as the other kind.
    """

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def new(self, kind: Kind, holder: str) -> str:
        return self._signed(kind, holder, secrets.token_bytes(_NONCE_BYTES))

    def derived(self, kind: Kind, holder: str, idempotency_key: str) -> str:
        """The same id each time for one idempotency key of one holder."""
        return self._signed(kind, holder, self._mac("nonce", kind, holder, idempotency_key.encode())[:_NONCE_BYTES])

    def is_valid(self, kind: Kind, holder: str, token: str) -> bool:
        prefix = _PREFIX[kind]
        if not (token.startswith(prefix) and token.isascii()):
            return False
        try:
            nonce = base64.urlsafe_b64decode(token.removeprefix(prefix))[:_NONCE_BYTES]
        except ValueError:
            return False
        return hmac.compare_digest(token, self._signed(kind, holder, nonce))

    def _signed(self, kind: Kind, holder: str, nonce: bytes) -> str:
        tag = self._mac("tag", kind, holder, nonce)[:_TAG_BYTES]
        return _PREFIX[kind] + base64.urlsafe_b64encode(nonce + tag).decode()

    def _mac(self, purpose: str, kind: Kind, holder: str, last: bytes) -> bytes:
        # No name and no header value holds a NUL, so the parts cannot run into each other.
        message = b"\0".join((purpose.encode(), kind.encode(), holder.encode(), last))
        return hmac.digest(self._secret, message, hashlib.sha256)
