import json

from hypothesis import given, settings
from hypothesis import strategies as st

from marianne_gateway import sse

json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)


def test_a_frame_is_an_id_an_event_and_one_line_of_data() -> None:
    frame = sse.frame("token", {"text": "Deux\nlignes."}, 7)

    assert frame == b'id: 7\nevent: token\ndata: {"text":"Deux\\nlignes."}\n\n'


def test_what_has_no_place_in_the_turn_has_no_id() -> None:
    assert sse.frame("error", {}, None) == b"event: error\ndata: {}\n\n"


def test_a_heartbeat_is_a_comment() -> None:
    assert sse.HEARTBEAT == b": \n\n"


@settings(max_examples=50)
@given(st.dictionaries(st.text(), json_values))
def test_any_payload_survives_on_one_line(payload: dict[str, object]) -> None:
    place, event, data, *rest = sse.frame("token", payload, 1).split(b"\n")

    assert (place, event, rest) == (b"id: 1", b"event: token", [b"", b""])
    assert json.loads(data.removeprefix(b"data: ")) == payload
