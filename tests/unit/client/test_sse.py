import pytest
from hypothesis import given
from hypothesis import strategies as st

from marianne_client.sse import Message, SseParser
from marianne_gateway import sse

text = st.text(st.characters(exclude_characters="\r\n\0", exclude_categories=["Cs"]))
message = st.builds(Message, event=text.filter(bool), data=st.lists(text, min_size=1).map("\n".join), id=text)
line_end = st.sampled_from(["\n", "\r\n", "\r"])


def parse(*chunks: bytes) -> list[Message]:
    parser = SseParser()
    return [message for chunk in chunks for message in parser.feed(chunk)]


def written(messages: list[Message], end: str) -> bytes:
    lines = []
    for message in messages:
        lines += [f"id: {message.id}", f"event: {message.event}", ": a comment"]
        lines += [f"data: {line}" for line in message.data.split("\n")]
        lines.append("")
    return "".join(f"{line}{end}" for line in lines).encode()


@given(st.lists(message), line_end)
def test_what_was_written_is_read(messages: list[Message], end: str) -> None:
    assert parse(written(messages, end)) == messages


@given(st.lists(message, min_size=1, max_size=3), line_end, st.data())
def test_it_does_not_matter_where_chunks_end(messages: list[Message], end: str, data: st.DataObject) -> None:
    raw = written(messages, end)
    cuts = sorted(data.draw(st.sets(st.integers(0, len(raw)), max_size=20)))

    chunks = [raw[start:stop] for start, stop in zip([0, *cuts], [*cuts, len(raw)], strict=True)]

    assert parse(*chunks) == messages


@given(st.lists(message, max_size=2), line_end)
def test_one_byte_at_a_time_is_enough(messages: list[Message], end: str) -> None:
    raw = written(messages, end)

    assert parse(*(raw[place : place + 1] for place in range(len(raw)))) == messages


@given(st.binary())
def test_no_bytes_break_the_parser(raw: bytes) -> None:
    parse(raw)


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b"data: a\n\n", [Message("message", "a", "")]),
        (b"data:a\n\n", [Message("message", "a", "")]),
        (b"data:  a\n\n", [Message("message", " a", "")]),
        (b"data\n\n", [Message("message", "", "")]),
        (b"data: a\ndata: b\n\n", [Message("message", "a\nb", "")]),
        (b"event: token\n\ndata: a\n\n", [Message("message", "a", "")]),
        (b"id: 1\ndata: a\n\ndata: b\n\n", [Message("message", "a", "1"), Message("message", "b", "1")]),
        (b"id: 1\ndata: a\n\nid\ndata: b\n\n", [Message("message", "a", "1"), Message("message", "b", "")]),
        (b"id: 1\x00\ndata: a\n\n", [Message("message", "a", "")]),
        (b": \n\n: \n\n", []),
        (b"retry: 5\nunknown: x\ndata: a\n\n", [Message("message", "a", "")]),
        (b"\xef\xbb\xbfdata: a\n\n", [Message("message", "a", "")]),
        (b"data: cut off", []),
        (b"data: cut off\n", []),
    ],
)
def test_the_corners_of_the_format(raw: bytes, expected: list[Message]) -> None:
    assert parse(raw) == expected


@pytest.mark.parametrize("cut", range(1, 4))
def test_a_character_may_be_cut_in_the_middle(cut: int) -> None:
    raw = "data: 🙂\n\n".encode()

    assert parse(raw[: 6 + cut], raw[6 + cut :]) == [Message("message", "🙂", "")]


@given(st.text(), st.integers(1, 10**6))
def test_the_gateways_frames_are_read(said: str, sequence: int) -> None:
    [read] = parse(sse.frame("token", {"text": said}, sequence))

    assert (read.event, read.id) == ("token", str(sequence))
