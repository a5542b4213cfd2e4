import json
import subprocess
import sys
from pathlib import Path

import pytest
from benchmarks.grounding import check_by_rules, judge, read_cases, report, wrong_values
from benchmarks.grounding_scores import interval
from benchmarks.wrong_values import wrong_claims

from marianne_guardrails.grounding import Grounding, Unit, UnitVerdict
from marianne_guardrails.verdicts import Reason, Verdict

CASES = Path(__file__).parents[3] / "benchmarks" / "cases" / "grounding_natural.jsonl"
SOURCE = (
    "La carte est valable 4 ans.\nElle coûte 225 euros.\nLe recours se forme dans les 2 mois, ou 3 mois en outre-mer."
)


def row(claim: str, label: int, **fields: object) -> str:
    evidence = [{"doc": "fiche", "text": SOURCE}]
    return json.dumps({"claim": claim, "evidence": evidence, "label": label, "type": "number", "lang": "fr"} | fields)


def withhold_everything(_: Grounding, unit: Unit) -> UnitVerdict:
    return UnitVerdict(unit.id, Verdict.WITHHELD, Reason.NOT_ENTAILED, (), ())


def withhold_nothing(_: Grounding, unit: Unit) -> UnitVerdict:
    return UnitVerdict(unit.id, Verdict.SUPPORTED, None, (), ())


@pytest.mark.parametrize("check", [withhold_everything, withhold_nothing])
def test_a_checker_that_withholds_everything_or_nothing_fails(check: object) -> None:
    figures = report(list(judge(read_cases(CASES), check)))  # type: ignore[arg-type]  # mypy widens parameters

    assert not figures["ok"]
    assert not figures["bars"]["fr"]["false_withheld" if check is withhold_everything else "hard_fact_leaks"]


def test_a_row_cites_sentences_whole_passages_or_without_cited_everything(tmp_path: Path) -> None:
    path = tmp_path / "pairs.jsonl"
    rows = [row("x", 1, cited=[[1, 2]]), row("x", 1, cited=[1]), row("x", 1), row("x", 1, cited=[])]
    path.write_text("\n".join(rows), encoding="utf-8")

    cited = [[str(id_) for id_ in case.unit.citations] for case in read_cases(path)]

    assert cited == [["1.2"], ["1"], ["1"], []]


def test_a_leak_is_a_wrong_value_that_is_released_in_any_form(tmp_path: Path) -> None:
    path = tmp_path / "pairs.jsonl"
    claims = [("La carte vaut 5 ans.", 0), ("La carte vaut 4 ans.", 1), ("La carte vaut donc 4 ans.", 0)]
    path.write_text("\n".join(row(claim, label, cited=[[1, 1]]) for claim, label in claims), encoding="utf-8")

    figures = report(list(judge(read_cases(path))))

    assert (figures["hard_fact_leaks"], figures["hard_facts"]) == (1, 2)
    assert (figures["false_withheld"], figures["withheld_recall"]) == (0.0, 0.5)


def test_wrong_values_are_absent_elsewhere_or_swapped() -> None:
    sentences = SOURCE.split("\n")
    wrong = wrong_claims("Vous avez deux mois pour agir.", "fr", sentences[2:], sentences)

    assert [claim.where for claim in wrong] == ["swapped", "elsewhere", "absent", "absent", "absent"]
    assert wrong[0].claim == "Vous avez 3 mois pour agir."
    assert wrong[1].claim == "Vous avez 48 mois pour agir."


def test_wrong_values_are_counted_where_they_stand() -> None:
    some = [case for case in read_cases(CASES) if case.half == "dev"][:40]
    counts = wrong_values(some, check_by_rules)

    assert counts["absent"]["claims"] > 10
    assert counts["absent"]["released"] == 0
    assert wrong_values(some, withhold_nothing)["absent"]["released"] == counts["absent"]["claims"]


def test_intervals_are_those_of_wilson() -> None:
    assert interval(0, 10) == pytest.approx((0.0, 0.2775), abs=1e-4)
    assert interval(5, 10) == pytest.approx((0.2366, 0.7634), abs=1e-4)


def test_the_program_writes_the_figures_as_json(tmp_path: Path) -> None:
    pairs, out = tmp_path / "pairs.jsonl", tmp_path / "out.json"
    pairs.write_text(row("La carte vaut 5 ans.", 0, cited=[[1, 1]]), encoding="utf-8")

    root = CASES.parents[2]
    command = [sys.executable, "-m", "benchmarks.grounding", "--pairs", str(pairs), "--json", str(out)]
    subprocess.run(command, check=True, cwd=root, capture_output=True)

    figures = json.loads(out.read_text(encoding="utf-8"))
    assert figures["reject"]["recall"] == 1.0
    assert {"by_type", "by_lang", "ms_p50", "ms_p99", "supported_on_faithful"} <= figures.keys()
