"""Finds instructions addressed to the model: overrides, changes of role, requests for its own instructions.

Rules weigh the concepts of a sentence and ask for an order at the head of a clause, so that « mon employeur ignore les
instructions » is left alone. A linear model over the same text catches what no rule describes.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from marianne_guardrails.lexicon import Sentence, read_sentences
from marianne_guardrails.linear_model import CONFIDENT, HIDDEN, SUSPICIOUS, score
from marianne_guardrails.verdicts import Reason
from marianne_guardrails.views import View, views

_BLOCKING: Final = 4
_SUSPECT: Final = 2
_SPAN: Final = 12

# Marks that chat templates and hidden comments put around orders.
_DELIMITER: Final = re.compile(
    r"<\|?/?(?:im_start|im_end|system|endoftext|start_header_id)\|?>|<</?sys>>|\[/?inst\]"
    r"|\[/? ?(?:system|systeme|sistema|he thong|نظام|admin|developer)[^\]\n]{0,20}\]"
    r"|###? ?(?:instructions?|system|systeme|new instructions?)\b|(?:^|\n)\s*(?:system|systeme|sistema)\s*:"
)
_COMMENT: Final = re.compile(r"<!--|/\*|\{#")


@dataclass(frozen=True, slots=True)
class _Rule:
    """Fires where a concept of `first` stands and one of each of `others` follows within `span` words."""

    reason: Reason
    weight: int
    first: frozenset[str]
    others: tuple[frozenset[str], ...] = ()
    span: int = _SPAN
    both_ways: bool = False
    without: frozenset[str] = frozenset()

    def fires(self, sentence: Sentence) -> bool:
        if self.without and any(tag.concept.rstrip("!") in self.without for tag in sentence.tags):
            return False
        places = [tag.place for tag in sentence.tags if tag.concept in self.first]
        return any(all(self._near(other, place, sentence) for other in self.others) for place in places)

    def _near(self, other: frozenset[str], place: int, sentence: Sentence) -> bool:
        nearest = -self.span if self.both_ways else 0
        return any(nearest <= tag.place - place <= self.span and tag.concept in other for tag in sentence.tags)


def _at(text: str) -> frozenset[str]:
    """Concepts wherever they stand; with a ! only at the head of a clause."""
    names = text.split()
    return frozenset(names) | {f"{name}!" for name in names if not name.endswith("!")}


_OVERRIDE, _ROLE, _LEAK = Reason.INJECTION_OVERRIDE, Reason.INJECTION_ROLE, Reason.INJECTION_LEAK

_RULES: Final = (
    _Rule(
        _OVERRIDE, 4, _at("ignore!"), (_at("rules prompt"), _at("earlier yours given maker")), 9, without=_at("mine")
    ),
    _Rule(_OVERRIDE, 3, _at("ignore!"), (_at("rules"),), 5, without=_at("mine")),
    _Rule(_OVERRIDE, 1, _at("ignore!"), (_at("all"), _at("rules")), 5, without=_at("mine")),
    _Rule(_OVERRIDE, 4, _at("ignore!"), (_at("everything"), _at("earlier given before")), without=_at("mine")),
    _Rule(_OVERRIDE, 3, _at("ignore!"), (_at("everything"),), 3, without=_at("mine")),
    _Rule(_OVERRIDE, 3, _at("ignore!"), (_at("sources"),), 6),
    _Rule(_OVERRIDE, 2, _at("rules"), (_at("earlier yours given"), _at("void")), both_ways=True),
    _Rule(_OVERRIDE, 1, _at("rules"), (_at("void"),), both_ways=True),
    _Rule(_OVERRIDE, 2, _at("obey")),
    _Rule(_OVERRIDE, 3, _at("note delimiter"), (_at("model"),), 5, without=_at("person")),
    _Rule(_OVERRIDE, 3, _at("model"), (_at("must"), _at("ignore tell produce")), 14, without=_at("person")),
    _Rule(_OVERRIDE, 3, _at("model"), (_at("ignore! tell! produce! obey"),), 14, without=_at("person")),
    _Rule(_OVERRIDE, 1, _at("note"), (_at("model"), _at("produce tell verdict")), 16, without=_at("person")),
    _Rule(_OVERRIDE, 3, _at("delimiter")),
    _Rule(_OVERRIDE, 2, _at("delimiter"), (_at("ignore tell! produce! obey become void"),), 40),
    _Rule(_OVERRIDE, 3, _at("ignore!"), (_at("maker"),), 8, without=_at("mine")),
    _Rule(_OVERRIDE, 3, _at("ignore!"), (_at("yours"), _at("setup restraint")), 7, without=_at("mine")),
    _Rule(_OVERRIDE, 2, _at("yours given maker"), (_at("rules restraint setup"), _at("void")), both_ways=True),
    _Rule(_OVERRIDE, 2, _at("maker"), (_at("rules setup void everything"),), 10, both_ways=True),
    _Rule(_OVERRIDE, 3, _at("breakout"), (_at("tell produce ignore! model secret obey"),), 14),
    _Rule(_OVERRIDE, 1, _at("breakout")),
    _Rule(
        _OVERRIDE,
        3,
        _at("model"),
        (_at("verdict"), _at("only produce must")),
        16,
        both_ways=True,
        without=_at("person"),
    ),
    _Rule(
        _OVERRIDE, 2, _at("model"), (_at("tell produce must ask"), _at("only verdict url")), 18, without=_at("person")
    ),
    _Rule(_ROLE, 4, _at("become!"), (_at("unbound"),), 25),
    _Rule(_ROLE, 4, _at("become!"), (_at("persona"),), 14),
    _Rule(_ROLE, 2, _at("become"), (_at("persona unbound"),), 14),
    _Rule(_ROLE, 1, _at("unbound"), (_at("obey refusal"),), 25, both_ways=True),
    _Rule(_ROLE, 4, _at("enable!"), (_at("mode"),), 6),
    _Rule(_ROLE, 2, _at("become!"), (_at("model"),), 8),
    _Rule(_ROLE, 2, _at("become!"), (_at("restraint rules"),), 25),
    _Rule(_ROLE, 1, _at("become!")),
    _Rule(_ROLE, 3, _at("model"), (_at("unbound"),), both_ways=True),
    _Rule(_ROLE, 3, _at("produce! tell!"), (_at("unbound"),), 6),
    _Rule(_ROLE, 2, _at("refusal")),
    _Rule(_ROLE, 2, _at("opening"), (_at("surely"),), 3),
    _Rule(_ROLE, 1, _at("opening!")),
    _Rule(_ROLE, 2, _at("fiction"), (_at("harm persona"),), 40, both_ways=True),
    _Rule(_ROLE, 2, _at("refusal"), (_at("harm persona fiction"),), 40, both_ways=True),
    _Rule(_ROLE, 1, _at("fiction"), (_at("harm"), _at("explain")), 40, both_ways=True),
    _Rule(_ROLE, 1, _at("fiction")),
    _Rule(_ROLE, 2, _at("harm!")),
    _Rule(_ROLE, 1, _at("harm"), (_at("explain"),), 12, both_ways=True),
    _Rule(_LEAK, 4, _at("tell! ask!"), (_at("secret"),)),
    _Rule(_LEAK, 4, _at("tell! ask!"), (_at("yours given"), _at("prompt")), 8),
    _Rule(_LEAK, 4, _at("tell! ask!"), (_at("rules"), _at("given maker private")), 10),
    _Rule(_LEAK, 3, _at("tell!"), (_at("yours"), _at("rules")), 8),
    _Rule(_LEAK, 3, _at("private"), (_at("rules"), _at("yours given maker model")), 10, both_ways=True),
    _Rule(_LEAK, 2, _at("verbatim")),
    _Rule(_LEAK, 2, _at("secret")),
    _Rule(_LEAK, 4, _at("tell!"), (_at("before"),)),
    _Rule(_LEAK, 4, _at("tell!"), (_at("everything"), _at("before maker"))),
    _Rule(_LEAK, 3, _at("maker"), (_at("before everything tell rules"),), both_ways=True),
    _Rule(_LEAK, 3, _at("tell! ask asks"), (_at("firstline"), _at("yours given setup rules")), 12),
    _Rule(_LEAK, 3, _at("tell! asks"), (_at("yours given"), _at("setup")), 10),
    _Rule(_LEAK, 3, _at("tell! ask asks"), (_at("maker"),), 12, both_ways=True),
    _Rule(_LEAK, 3, _at("before"), (_at("given yours tell asks secret firstline"),), 14, both_ways=True),
    _Rule(_LEAK, 1, _at("before"), (_at("asks tell!"),), 25, both_ways=True),
    _Rule(_LEAK, 3, _at("tools")),
    _Rule(_LEAK, 3, _at("others"), (_at("people"), _at("tell! insert! asks ask!")), 14, both_ways=True),
    _Rule(_LEAK, 1, _at("others"), (_at("people"),), 14, both_ways=True),
    _Rule(_LEAK, 4, _at("tell! insert! asks"), (_at("credential"),), 8),
    _Rule(_LEAK, 3, _at("tell! insert!"), (_at("others"),), 10),
    _Rule(_LEAK, 1, _at("tell! insert!"), (_at("others"), _at("convo")), 14),
    _Rule(_LEAK, 4, _at("insert! tell! produce!"), (_at("url"), _at("convo")), 30),
    _Rule(_LEAK, 4, _at("image"), (_at("url"), _at("convo")), 30, both_ways=True),
    _Rule(_LEAK, 3, _at("convo"), (_at("url"),), 20, both_ways=True),
    _Rule(_LEAK, 3, _at("insert! produce! tell!"), (_at("image"), _at("url")), 10),
)


def find_injection(text: str, caution: float = 0.0) -> Reason | None:
    """What kind of instruction to the model `text` contains; INJECTION_OBFUSCATED when it was hidden.

    `caution` is added to the log odds that the linear model asks for.
    """
    for view in views(text):
        reason = _in_view(view, caution)
        if reason is not None:
            return reason if view.is_plain else Reason.INJECTION_OBFUSCATED
    return None


def _in_view(view: View, caution: float) -> Reason | None:
    sentences = sentences_of(view.text)
    fired = {rule for sentence in sentences for rule in _fired(sentence)}
    weight = sum(rule.weight for rule in fired)
    if weight < _BLOCKING:
        likelihood = score(view.text, sentences)
        if likelihood < _threshold(weight, view) + caution:
            return None
    return max(fired, key=lambda rule: (rule.weight, rule.reason)).reason if fired else _OVERRIDE


def _threshold(weight: int, view: View) -> float:
    if view.is_decoded:
        return HIDDEN
    return SUSPICIOUS if weight >= _SUSPECT else CONFIDENT


def sentences_of(text: str) -> Sequence[Sentence]:
    """The sentences of a canonical text, marks of chat templates among their concepts."""
    return tuple(read_sentences(_DELIMITER.sub("\nchatdelimiter : ", _COMMENT.sub("\nnote : ", text))))


def _fired(sentence: Sentence) -> Iterator[_Rule]:
    present = {tag.concept for tag in sentence.tags}
    for rule in _RULES:
        is_doubtful = sentence.is_question and rule.reason is _OVERRIDE
        if rule.first & present and not is_doubtful and rule.fires(sentence):
            yield rule
