"""How well the check of claims against their sources tells faithful ones from wrong ones.

    python -m benchmarks.grounding --pairs F.jsonl[.gz] [--json OUT] [--judge URL] [--wrong-values] [--misses]

A row has claim, evidence [{doc, text}], cited, label (1 faithful, 0 not), type, lang, and perhaps half. `cited` is a
list of [passage, sentence], both from 1; a bare passage number means all its sentences, and a row without `cited` is
judged as if every sentence of the evidence were cited. With --cite-original rows without `cited` cite the sentence most
like their `original`. The checker is the one that the service calls for every unit of an answer.
"""

import argparse
import asyncio
import gzip
import json
import re
import time
from collections.abc import AsyncIterator, Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import quantiles
from typing import Any, Final

import httpx
from benchmarks.grounding_scores import HARD_TYPES, Judged, bars, by, by_type, scores
from benchmarks.wrong_values import wrong_claims

from marianne_guardrails.answer_check import Judging, open_answer_check
from marianne_guardrails.evidence import Passage
from marianne_guardrails.grounding import Grounding, Unit, UnitVerdict
from marianne_guardrails.judge.batches import JudgeLimits
from marianne_guardrails.judge.openai_compatible import OpenAICompatibleJudge
from marianne_language.citations import SentenceId
from marianne_language.sentences import split_sentences
from marianne_language.words import content_words

Check = Callable[[Grounding, Unit], UnitVerdict]
"""The checker under test."""

_OPENED: Final = 4
_LIMITS: Final = JudgeLimits(first_s=2.5, later_s=2.5, linger_s=0.0)
_NAME_WORD: Final = re.compile(r"[^\W\d_]{3,}")


@dataclass(frozen=True, slots=True)
class Case:
    """A row, read."""

    id: str
    unit: Unit
    passages: tuple[Passage, ...]
    is_faithful: bool
    type: str
    half: str

    def texts(self, citations: Collection[SentenceId]) -> list[str]:
        """The source sentences of some ids."""
        return [
            sentence
            for passage in self.passages
            for number, sentence in enumerate(passage.sentences, start=1)
            if SentenceId(passage.number, number) in citations or SentenceId(passage.number, 0) in citations
        ]

    def judged(self, verdict: UnitVerdict) -> Judged:
        return Judged(
            id=self.id,
            claim=self.unit.text,
            is_faithful=self.is_faithful,
            type=self.type,
            language=self.unit.language,
            half=self.half,
            verdict=verdict.verdict.value,
            reason=verdict.reason.value if verdict.reason else "",
        )


def check_by_rules(grounding: Grounding, unit: Unit) -> UnitVerdict:
    """What the service does with one unit when no judge is configured."""
    return grounding.check(unit)


def read_cases(path: Path, *, cite_original: bool = False) -> list[Case]:
    """Reads JSON lines, gzipped or not. Raises KeyError for a row without claim, evidence, label or type."""
    read = gzip.open if path.suffix == ".gz" else open
    with read(path, "rt", encoding="utf-8") as lines:
        return [_case(number, json.loads(line), cite_original) for number, line in enumerate(lines, 1) if line.strip()]


def _case(number: int, row: dict[str, Any], cite_original: bool) -> Case:
    passages = tuple(
        Passage(place, tuple(split_sentences(passage["text"])), _title(passage))
        for place, passage in enumerate(row["evidence"], 1)
    )
    every = tuple(SentenceId(passage.number, 0) for passage in passages)
    if row.get("cited") is not None:
        citations = tuple(_id(citation) for citation in row["cited"])
    else:
        citations = _most_like(row["original"], passages) if cite_original else every
    unit = Unit(number, row["claim"], citations, row.get("lang", "fr"))
    return Case(str(row.get("id", number)), unit, passages, bool(row["label"]), row["type"], row.get("half", "all"))


def _title(passage: dict[str, str]) -> str:
    """The title of a passage, which the service always has; without one, the words of its document's name."""
    return passage.get("title") or " ".join(_NAME_WORD.findall(passage["doc"]))


def _id(citation: int | Sequence[int]) -> SentenceId:
    if isinstance(citation, int):
        return SentenceId(citation, 0)
    passage, *sentence = citation
    return SentenceId(passage, sentence[0] if sentence else 0)


def _most_like(original: str, passages: Sequence[Passage]) -> tuple[SentenceId, ...]:
    """The sentence that shares most of its words with `original`, and those that stand in it whole."""
    wanted = set(content_words(original))
    words = {
        SentenceId(passage.number, place): set(content_words(sentence))
        for passage in passages
        for place, sentence in enumerate(passage.sentences, start=1)
    }
    best = max(words, key=lambda id_: len(wanted & words[id_]) / (len(wanted | words[id_]) or 1))
    parts = [id_ for id_ in words if id_.passage == best.passage and words[id_] and words[id_] <= wanted]
    return tuple(dict.fromkeys((best, *parts)))


def judge(cases: Sequence[Case], check: Check = check_by_rules) -> Iterator[Judged]:
    """The verdict on each case, each over evidence of its own."""
    for case in cases:
        yield case.judged(check(Grounding(case.passages), case.unit))


async def judge_with(url: str, model: str, cases: Sequence[Case]) -> list[Judged]:
    """The verdicts of rules and judge together, over the service's own way through both."""
    async with httpx.AsyncClient(timeout=60) as http:
        judging = Judging(OpenAICompatibleJudge(http, url, model), _LIMITS)
        return [await _judged_by(judging, case) for case in cases]


async def _judged_by(judging: Judging, case: Case) -> Judged:
    async def units() -> AsyncIterator[Unit]:
        yield case.unit

    with open_answer_check(judging) as check:
        async for verdict in check.verdicts(Grounding(case.passages), case.passages, units()):
            return case.judged(verdict)
    raise RuntimeError(f"row {case.id}: no verdict")


def report(judged: Sequence[Judged], hard_types: Collection[str] = HARD_TYPES) -> dict[str, Any]:
    """All figures: of all rows, by type, language and half. `ok` says whether every bar of every language is met."""
    languages = by(judged, lambda row: row.language)
    by_lang = {language: scores(rows, hard_types) for language, rows in languages.items()}
    met = {language: bars(by_lang[language], rows, language) for language, rows in languages.items()}
    halves = {
        f"{language}_{half}": scores(rows, hard_types)
        for language, some in by(judged, lambda row: "fr" if row.language == "fr" else "others").items()
        for half, rows in by(some, lambda row: row.half).items()
    }
    return {
        **scores(judged, hard_types),
        "by_type": by_type(judged),
        "by_lang": by_lang,
        "by_half": halves,
        "bars": met,
        "ok": all(holds for some in met.values() for holds in some.values()),
    }


def wrong_values(cases: Sequence[Case], check: Check = check_by_rules) -> dict[str, dict[str, int]]:
    """Of the wrong values put into faithful claims that are released: how many, and how many wrong claims too."""
    counts = {where: {"claims": 0, "released": 0} for where in ("absent", "elsewhere", "swapped")}
    for case in (case for case in cases if case.is_faithful):
        grounding = Grounding(case.passages)
        every = [sentence for passage in case.passages for sentence in passage.sentences]
        cited = case.texts(case.unit.citations)
        for wrong in wrong_claims(case.unit.text, case.unit.language, cited, every):
            unit = Unit(0, wrong.claim, case.unit.citations, case.unit.language)
            counts[wrong.where]["claims"] += 1
            counts[wrong.where]["released"] += check(grounding, unit).verdict.value != "withheld"
    return counts


def speed(cases: Sequence[Case], check: Check = check_by_rules) -> dict[str, float]:
    """Milliseconds of CPU time for one unit over opened evidence, for opening four passages."""
    units, openings = list[float](), list[float]()
    for index, case in enumerate(cases):
        passages = [passage for near in cases[index : index + _OPENED] for passage in near.passages][:_OPENED]
        some = [Passage(number, passage.sentences) for number, passage in enumerate(passages, start=1)]
        openings.append(_spent(partial(Grounding, some)))
        grounding = Grounding(case.passages)
        units.append(_spent(partial(check, grounding, case.unit)))
    return {
        f"{name}_{rank}": value
        for name, spent in (("ms", units), ("open_ms", openings))
        for rank, value in _ranks(spent)
    }


def _spent(act: Callable[[], object]) -> float:
    start = time.thread_time()
    act()
    return (time.thread_time() - start) * 1e3


def _ranks(spent: Sequence[float]) -> Iterator[tuple[str, float]]:
    cuts = quantiles(spent, n=100, method="inclusive") if len(spent) > 1 else [spent[0]] * 99
    yield from (("p50", cuts[49]), ("p99", cuts[98]))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.grounding", description=__doc__.split("\n", 1)[0])
    parser.add_argument("--pairs", type=Path, required=True, help="JSON lines, gzipped or not")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures here")
    parser.add_argument("--judge", metavar="URL", help="an OpenAI-compatible server that judges what rules cannot")
    parser.add_argument("--judge-model", default="judge", metavar="NAME", help="the model to ask there")
    parser.add_argument("--hard-types", default=",".join(HARD_TYPES), help="types whose fault is a value")
    parser.add_argument("--cite-original", action="store_true", help="cite the sentence most like `original`")
    parser.add_argument("--wrong-values", action="store_true", help="put five wrong values into each faithful claim")
    parser.add_argument(
        "--misses", action="store_true", help="print the errors; of the dev half where there are halves"
    )
    return parser.parse_args()


def main() -> None:
    options = _options()
    cases = read_cases(options.pairs, cite_original=options.cite_original)
    asked = judge_with(options.judge, options.judge_model, cases) if options.judge else None
    judged = asyncio.run(asked) if asked else list(judge(cases))
    figures = report(judged, options.hard_types.split(",")) | speed(cases)
    if options.wrong_values:
        figures["wrong_values"] = wrong_values(cases)
    _print(figures)
    for row in judged if options.misses else ():
        if row.half != "test" and row.is_faithful != row.is_released:
            print(row.id, row.type, row.verdict, row.reason, row.claim, sep=" | ")
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2), encoding="utf-8")


def _print(figures: dict[str, Any]) -> None:
    shown = ("false_withheld", "false_supported", "supported_on_faithful", "withheld_recall", "no_claim_on_claims")
    print(f"{'':12}{'rows':>6}{'leaks':>10}" + "".join(f"{name:>24}" for name in shown))
    for name, some in {"all": figures, **figures["by_half"], **figures["by_lang"]}.items():
        shares = "".join(f"{_with_interval(some, share):>24}" for share in shown)
        print(f"{name:12}{some['rows']:6}{some['hard_fact_leaks']:5}/{some['hard_facts']:<4}{shares}")
    for kind, counts in figures["by_type"].items():
        print(f"  {kind:20}", ", ".join(f"{name} {count}" for name, count in counts.items()))
    missed = [
        f"{language}: {bar}" for language, met in figures["bars"].items() for bar, holds in met.items() if not holds
    ]
    print("bars missed:", "; ".join(missed) or "none")
    print(", ".join(f"{name} {value:.2f}" for name, value in figures.items() if "ms_" in name))
    for where, counts in figures.get("wrong_values", {}).items():
        print(f"wrong values {where}: {counts['released']} of {counts['claims']} released")


def _with_interval(figures: dict[str, Any], name: str) -> str:
    low, high = figures["intervals"][name]
    return f"{figures[name]:.3f} [{low:.2f}-{high:.2f}]"


if __name__ == "__main__":
    main()
