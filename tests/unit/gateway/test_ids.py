import pytest
from hypothesis import given
from hypothesis import strategies as st

from marianne_gateway.ids import Ids, Kind

ids = Ids(b"secret")
kinds = st.sampled_from(["thread", "message"])
holders = st.text(alphabet=st.characters(exclude_characters="\0", exclude_categories=["Cs"]))


@given(kinds, holders)
def test_an_id_is_valid_for_its_kind_and_holder(kind: Kind, holder: str) -> None:
    assert ids.is_valid(kind, holder, ids.new(kind, holder))


@given(kinds, holders, holders)
def test_an_id_is_worth_nothing_to_another_holder(kind: Kind, holder: str, other: str) -> None:
    assert ids.is_valid(kind, other, ids.new(kind, holder)) is (holder == other)


def test_a_message_is_no_thread() -> None:
    message = ids.new("message", "maya")

    assert not ids.is_valid("thread", "maya", message)
    assert not ids.is_valid("thread", "maya", message.replace("m_", "t_"))


@pytest.mark.parametrize("place", range(34))
def test_a_changed_character_breaks_an_id(place: int) -> None:
    token = ids.new("thread", "maya")
    changed = token[:place] + ("A" if token[place] != "A" else "B") + token[place + 1 :]

    assert not ids.is_valid("thread", "maya", changed)


@given(st.text())
def test_any_other_text_is_refused(text: str) -> None:
    assert not ids.is_valid("thread", "", text)
    assert not ids.is_valid("thread", "", f"t_{text}")


def test_ids_are_never_the_same_twice() -> None:
    assert len({ids.new("thread", "") for _ in range(100)}) == 100


def test_one_idempotency_key_derives_one_id() -> None:
    first = ids.derived("message", "maya", "key-1")

    assert first == ids.derived("message", "maya", "key-1")
    assert ids.is_valid("message", "maya", first)


def test_derived_ids_differ_by_key_holder_kind_and_secret() -> None:
    derived = {
        ids.derived("message", "maya", "key-1"),
        ids.derived("message", "maya", "key-2"),
        ids.derived("message", "omar", "key-1"),
        ids.derived("thread", "maya", "key-1"),
        Ids(b"other").derived("message", "maya", "key-1"),
    }

    assert len({token[2:] for token in derived}) == 5


def test_ids_are_short_enough_for_a_path_and_carry_no_name() -> None:
    token = ids.new("thread", "maya")

    assert len(token) == 34
    assert "maya" not in token
