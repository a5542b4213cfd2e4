"""How well a unit of a passage answers a question, by the words they share.

The score of a unit adds up, each as a share between 0 and 1 with its weight:

* the words of the question that stand in the unit itself, rare ones counting most (inverse document frequency over the
  sentences at hand, so that what every passage speaks of counts little);
* how like the question the heading above it and the title of its document are;
* where it holds the kind of thing that is asked for (an amount, a duration, documents, a place), how much of the
  question it speaks of together with its heading and title;
* the rank that retrieval gave its passage, and how early it stands there.

Words are compared without accents and by their first six letters, because French inflects at the end.
"""

import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet

from marianne_language.acronyms import expand
from marianne_language.folding import flatten
from marianne_language.synonyms import related
from marianne_orchestrator.llm.prompting import NumberedPassage
from marianne_orchestrator.llm.units import Unit

_HEADINGS, _TITLE, _KIND, _RANK, _LATER = 0.5, 0.5, 0.8, 0.25, 0.01
_EXPANDED = 0.5
_STEM_LETTERS = 6
_LONG_CHARS = 600
_LONG_FACTOR = 0.5

_WORD = re.compile(r"[a-z0-9]+")
_FUNCTION_WORDS = """
a ai ainsi alors apres as au aucun aupres autre aux avant avec avoir avons ayant c car ce ceci cela celle celui ces cet
cette ceux chaque chez ci combien comme comment contre d dans de depuis des dois doit doivent donc du elle elles en
encore entre est et etait etant etc ete etre eu faire fait fais faut hors ici il ils j je jusqu l la le les leur leurs
lors lorsqu lorsque lui m ma mais me meme mes moi moins mon n ne ni non nos notre nous on ont or ou oui par pas pendant
peu peut peuvent peux plus pour pourquoi pourrait puis puisque qu quand que quel quelle quelles quels qui quoi s sa sans
se sera ses si soit son sont sous sur t ta tant te tes toi ton tous tout toute toutes tres tu un une vers veux vos votre
vous y
"""
_STOP_WORDS = frozenset(_FUNCTION_WORDS.split())

# What a question asks for, and how a sentence looks that gives it. Both are matched without accents.
_KINDS = tuple(
    (re.compile(asked), re.compile(given))
    for asked, given in (
        (
            r"\b(?:prix|tarif|cout|montant|pay(?!s\b)|frais|taxe|timbre|gratuit|combien (?:ca|cela|je|vaut|d'argent))",
            r"\d ?(?:€|euros?\b|%)|\b(?:gratuit|tarif|montant|taxe|timbre|droit de)",
        ),
        (
            r"\b(?:delai|quand|duree|date|valable|validite|expir|anciennete|combien d\S* ?(?:temps|jour|sem|mois|an))",
            r"\d ?(?:heure|jour|semaine|mois|an)|\b(?:avant l'expiration|des que|sans delai)",
        ),
        (
            r"\b(?:document|papier|piece|justificatif|dossier|fournir|apporter)",
            r"\b(?:document|piece|justificatif|justifi|passeport|photo|formulaire|certificat|attestation)",
        ),
        (
            r"^ou\b|\bou(?: ?\?|$| (?:aller|dois|demand|depos|est|faire|faut|peut|puis|s'))|\b(?:guichet|contact)",
            r"\b(?:en ligne|site|prefecture|mairie|consulat|guichet|tribunal|caisse|agence|aupres|teleservice)",
        ),
    )
)


class Ranking:
    """Scores units of these passages, given in the order of retrieval, against one question."""

    def __init__(self, question: str, passages: Sequence[NumberedPassage]) -> None:
        sentences = [stems(sentence) for passage in passages for sentence in passage.sentences]
        self._sentences = len(sentences)
        self._counts = Counter(stem for sentence in sentences for stem in sentence)
        self._asked = _asked(question, known=self._counts.keys())
        self._kinds = [given for asked, given in _KINDS if asked.search(flatten(question))]
        self._ranks = {passage.number: rank for rank, passage in enumerate(passages, start=1)}

    def score(self, passage: NumberedPassage, unit: Unit) -> float:
        """At least 0; comparable between the passages of this ranking."""
        text = " ".join(passage.sentences[index] for index in unit.indices)
        words, title = stems(text), stems(passage.title)
        heading = stems(unit.heading or " ".join(passage.context[-1:]))
        relevance = (
            self._covered(words)
            + _HEADINGS * self._likeness(heading)
            + _TITLE * self._likeness(title)
            + _KIND * self._covered(words | heading | title) * self._is_of_kind(text)
            + _RANK / self._ranks[passage.number]
        )
        early = 1 - _LATER * min(unit.indices[-1], 20)
        longest = max(len(passage.sentences[index]) for index in unit.indices)
        return relevance * early * (_LONG_FACTOR if longest > _LONG_CHARS else 1)

    def _covered(self, words: set[str]) -> float:
        """The part of the question that `words` cover."""
        return self._weight(self._asked.keys() & words) / (self._weight(self._asked) or 1)

    def _is_of_kind(self, text: str) -> bool:
        flat = flatten(text)
        return any(given.search(flat) for given in self._kinds)

    def _likeness(self, words: set[str]) -> float:
        """How far `words` and the question speak of the same, and of nothing else (Dice's coefficient)."""
        return 2 * self._weight(self._asked.keys() & words) / (self._weight(self._asked) + self._weight(words) or 1)

    def _weight(self, words: Iterable[str]) -> float:
        return sum(
            self._asked.get(word, 1.0) * (1 + math.log(self._sentences / (self._counts[word] or 1))) for word in words
        )


def _asked(question: str, known: AbstractSet[str]) -> dict[str, float]:
    """The words to look for and how much each counts: those of the question, and what officials say for them."""
    asked = {stem: weight for term, weight in related(question).items() for stem in stems(term)}
    asked |= dict.fromkeys(stems(" ".join(expand(question))), _EXPANDED)
    asked |= dict.fromkeys(stems(question), 1.0)
    return {stem: weight for stem, weight in asked.items() if stem in known}


def stems(text: str) -> set[str]:
    """The content words of a text, each by its first letters."""
    words = (word for word in _WORD.findall(flatten(text)) if word not in _STOP_WORDS)
    return {word.rstrip("sx")[:_STEM_LETTERS] or word for word in words}
