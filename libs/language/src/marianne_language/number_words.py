"""Makes one number of the words that tell it."""

from collections.abc import Sequence
from decimal import Decimal

from marianne_language.literals import Piece, are_near
from marianne_language.numerals import add_up, goes_on, is_joining, number_word
from marianne_language.units import COLLECTIVES, SCALES, UNITS


def join_numbers(pieces: Sequence[Piece], text: str, language: str) -> list[Piece]:
    """Replaces « quatre-vingt-dix » and « 1,5 million » by one number each."""
    joined: list[Piece] = []
    index = 0
    while index < len(pieces):
        is_unit = bool(joined) and _is_unit_of(joined[-1], pieces[index], text)
        taken, piece = (1, pieces[index]) if is_unit else _number_at(pieces, index, text, language)
        joined.append(piece)
        index += taken
    return joined


def _is_unit_of(number: Piece, word: Piece, text: str) -> bool:
    """Whether a word that may be a number is the unit of the one before it: « năm năm » is five years."""
    return number.kind in ("figures", "spelled") and word.form in UNITS and are_near(text, number, word)


def _number_at(pieces: Sequence[Piece], index: int, text: str, language: str) -> tuple[int, Piece]:
    piece = pieces[index]
    if piece.kind == "figures":
        return _scaled(pieces, index, text)
    value = _word(piece, text, language)
    if value is None:
        return 1, piece
    if value == 1 and (counted := _collective(pieces, index, text)):
        end = pieces[index + 1].end
        return 2, Piece("spelled", text[piece.start : end].lower(), piece.start, end, Decimal(counted))
    parts, last = [value], index
    while (step := _step(pieces, last, text, language)) and goes_on(parts[-1], step[1]):
        last, part = step
        parts.append(part)
    end = pieces[last].end
    return last - index + 1, Piece("spelled", text[piece.start : end].lower(), piece.start, end, add_up(parts))


def _collective(pieces: Sequence[Piece], index: int, text: str) -> int | None:
    """What « une » counts as when a word such as « trentaine » follows it."""
    following = pieces[index + 1] if index + 1 < len(pieces) else None
    return COLLECTIVES.get(following.form) if following and are_near(text, pieces[index], following) else None


def _word(piece: Piece, text: str, language: str) -> int | None:
    return number_word(text[piece.start : piece.end], language) if piece.kind == "word" else None


def _step(pieces: Sequence[Piece], index: int, text: str, language: str) -> tuple[int, int] | None:
    """The next number word after `index`, as its index and value, when only a joining word may stand between."""
    for following in (index + 1, index + 2):
        if following >= len(pieces) or not are_near(text, pieces[following - 1], pieces[following]):
            return None
        value = _word(pieces[following], text, language)
        if value is not None:
            return following, value
        if not is_joining(pieces[following].form, language):
            return None
    return None


def _scaled(pieces: Sequence[Piece], index: int, text: str) -> tuple[int, Piece]:
    piece = pieces[index]
    following = pieces[index + 1] if index + 1 < len(pieces) else None
    scale = SCALES.get(following.form) if following and are_near(text, piece, following) else None
    if following is None or scale is None:
        return 1, piece
    return 2, Piece("figures", piece.form, piece.start, following.end, piece.number * Decimal(scale))
