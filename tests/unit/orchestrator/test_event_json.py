from typing import get_args

from hypothesis import given, settings
from hypothesis import strategies as st

from marianne_orchestrator.event_json import decode, encode
from marianne_orchestrator.events import Done, Event, Source, Sources

# JSON has no infinities.
finite = st.floats(allow_nan=False, allow_infinity=False)
drawn_otherwise = {
    Sources: st.builds(Sources, st.lists(st.builds(Source, score=finite)).map(tuple)),
    Done: st.builds(
        Done, grounding=st.dictionaries(st.text(), st.integers(0, 99)), timings=st.dictionaries(st.text(), finite)
    ),
}
events = st.one_of(*(drawn_otherwise.get(kind, st.from_type(kind)) for kind in get_args(Event)))


@settings(deadline=None)
@given(events)
def test_every_event_comes_back_as_it_was(event: Event) -> None:
    assert decode(*encode(event)) == event
