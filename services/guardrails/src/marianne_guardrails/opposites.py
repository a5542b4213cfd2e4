"""Words that say the reverse of each other where a sentence is otherwise the same. French, flattened."""

import re
from typing import Final

_PAIRS: Final = (
    (r"accept\w+|acceptation|favorables?|approuv\w+", r"refus\w*|rejet\w*|defavorables?"),
    (r"gratuit\w*|sans frais", r"payante?s?|a vos frais|a la charge d\w+"),
    (r"augment\w+|hauss\w+|major\w+|relev(?:e|ee|es|ees|er)", r"diminu\w+|baiss\w+|minor\w+"),
    (r"conserv\w+|gard(?:e|er|ez|ee?s?)", r"jet(?:e|er|ez|ee?s?)|detrui\w+"),
    (r"involontaire\w*", r"(?<!in)volontaire\w*"),
    (r"unanimite", r"majorite"),
    (r"ecrit(?:e|es|s)?", r"orale?s?|verba(?:l|ux|le|les)"),
    (r"suspen(?:d|dent|du|dre|sif|sive)", r"maint(?:ient|iennent|enu|enir)"),
    (r"individuel\w*", r"collecti\w+"),
    (r"publi(?:c|que|cs|ques)", r"privee?s?"),
)
_SIDES: Final = tuple((re.compile(rf"\b(?:{left})\b"), re.compile(rf"\b(?:{right})\b")) for left, right in _PAIRS)


def say_the_reverse(claim: str, source: str) -> bool:
    """Whether a claim has one word of a pair and the source only the other one."""
    return any(
        _is_turned(left, right, claim, source) or _is_turned(right, left, claim, source) for left, right in _SIDES
    )


def _is_turned(one: re.Pattern[str], other: re.Pattern[str], claim: str, source: str) -> bool:
    return (
        one.search(claim) is not None
        and other.search(source) is not None
        and other.search(claim) is None
        and one.search(source) is None
    )
