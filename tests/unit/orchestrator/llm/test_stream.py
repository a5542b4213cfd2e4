from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from marianne_orchestrator.llm.errors import LLMError, LLMProtocolError, LLMUnavailable
from marianne_orchestrator.llm.stream import AnswerReader, Completion, StreamReader, Usage, WholeReader, reader_of
from support.llm import DONE, Reply, Send, chunk, frame, misbehaviour, reply_text, reply_whole, usage_chunk

# A busy machine is no failure.
UNHURRIED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
TEXT = "Déjà vu, « très » utile 👍. Fin."
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: (
        st.lists(inner)
        | st.dictionaries(
            st.sampled_from(
                ["choices", "delta", "message", "content", "index", "usage", "model", "error", "type", "text"]
            ),
            inner,
        )
    ),
    max_leaves=12,
)


def body_of(reply: Reply) -> bytes:
    return b"".join(step.data for step in reply.steps if isinstance(step, Send))


def read(reader: AnswerReader, *pieces: bytes) -> str:
    return "".join(reader.feed(piece) for piece in pieces) + reader.close()


def text_or_error(reader: AnswerReader, body: bytes) -> str:
    try:
        return read(reader, body)
    except LLMError as error:
        return str(error)


@UNHURRIED
@given(st.lists(st.integers(0, 3000)))
def test_the_text_does_not_depend_on_where_the_network_cuts(cuts: list[int]) -> None:
    body = body_of(reply_text(TEXT))
    borders = [0, *sorted(min(cut, len(body)) for cut in cuts), len(body)]
    reader = StreamReader()

    text = read(reader, *(body[a:b] for a, b in pairwise(borders)))

    assert text == TEXT
    assert reader.completion == Completion("fake-1", "stop", Usage(7, 8))


@UNHURRIED
@given(JSON)
def test_any_json_is_text_or_an_error_of_the_model(value: object) -> None:
    line = frame(value)  # type: ignore[arg-type]  # what a wrong server may send
    for reader, body in ((StreamReader(), line), (WholeReader(), line[6:])):
        assert isinstance(text_or_error(reader, body), str)


@UNHURRIED
@given(st.binary(max_size=200))
def test_any_bytes_are_text_or_an_error_of_the_model(data: bytes) -> None:
    for reader in (StreamReader(), WholeReader()):
        assert isinstance(text_or_error(reader, data), str)


def test_nothing_counts_after_done() -> None:
    reader = StreamReader()

    assert read(reader, frame(chunk({"content": "a"})), DONE, frame(chunk({"content": "b"}))) == "a"
    assert reader.done


def test_a_last_line_without_line_end_counts() -> None:
    assert read(StreamReader(), frame(chunk({"content": "a"}, finish_reason="stop")).rstrip()) == "a"


def test_only_the_first_choice_is_read() -> None:
    other = {"index": 1, "delta": {"content": "b"}, "finish_reason": None}
    both = {**chunk({"content": "a"}, finish_reason="stop"), "choices": [other, *chunk({"content": "a"})["choices"]]}

    assert read(StreamReader(), frame(both), DONE) == "a"


def test_the_last_usage_counts() -> None:
    reader = StreamReader()

    read(reader, frame(usage_chunk(7, 1)), frame(usage_chunk(7, 2)), frame(chunk({})), DONE)

    assert reader.completion.usage == Usage(7, 2)


def test_a_stream_without_end_is_told_from_a_complete_one() -> None:
    with pytest.raises(LLMUnavailable):
        read(StreamReader(), frame(chunk({"content": "a"})))


def test_invalid_json_is_not_quoted_in_the_error() -> None:
    with pytest.raises(LLMProtocolError) as caught:
        StreamReader().feed(b'data: {"content": "mon secret\n')

    assert "secret" not in str(caught.value)
    assert caught.value.__suppress_context__


def test_a_line_or_document_without_end_is_refused() -> None:
    for reader in (StreamReader(), WholeReader()):
        with pytest.raises(LLMProtocolError):
            [reader.feed(b"x" * (1 << 18)) for _ in range(5)]


def test_a_whole_answer_is_read_from_one_document() -> None:
    reader = reader_of("application/json; charset=utf-8")

    assert read(reader, body_of(reply_whole(TEXT))) == TEXT
    assert reader.completion == Completion("fake-1", "stop", Usage(7, 8))


def test_reasoning_and_tool_calls_are_no_text() -> None:
    assert read(StreamReader(), body_of(misbehaviour("reasoning", TEXT))) == TEXT
    assert read(StreamReader(), body_of(misbehaviour("tool_calls"))) == ""
