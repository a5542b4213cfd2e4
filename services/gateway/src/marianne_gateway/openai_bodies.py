"""What clients of OpenAI's API may send: https://platform.openai.com/docs/api-reference/chat/create."""

from typing import Annotated, Literal

from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from marianne_gateway.request_bodies import ChatRequest


class _Lenient(BaseModel):
    """Sampling parameters and the like are passed over: sentences are checked, however they were drawn."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class Part(_Lenient):
    type: str
    text: str = ""


class Message(_Lenient):
    role: Literal["system", "developer", "user", "assistant", "tool", "function"]
    content: str | list[Part] | None = None

    @property
    def text(self) -> str:
        if isinstance(self.content, list):
            return "\n".join(part.text for part in self.content if part.type == "text")
        return self.content or ""


class StreamOptions(_Lenient):
    include_usage: bool = False


class CompletionRequest(_Lenient):
    """La dernière question, et le fil qu’elle poursuit."""

    model: Annotated[str, Field(description="Un modèle de `/v1/models`.")]
    messages: Annotated[
        list[Message],
        Field(
            min_length=1,
            description="Seul le dernier message de rôle `user` est la question. Les autres ne sont pas lus : pour "
            "poursuivre une conversation, donner `thread_id`.",
        ),
    ]
    stream: bool | None = False
    stream_options: StreamOptions | None = None
    n: Annotated[int | None, Field(ge=1, le=1)] = 1
    thread_id: Annotated[
        str | None,
        Field(max_length=64, description="Hors de l’API d’OpenAI : la conversation, donnée par `marianne.thread_id`."),
    ] = None

    @property
    def prompt(self) -> str:
        """The last message of the user, "" when there is none."""
        return self._asked[-1]

    @property
    def first_question(self) -> str:
        """What the conversation began with, "" when the prompt is all there is."""
        return "" if self.is_first else self._asked[0]

    @property
    def is_first(self) -> bool:
        return len(self._asked) == 1

    @property
    def _asked(self) -> list[str]:
        told = [message.text for message in self.messages if message.role == "user"]
        return [text.replace("\r\n", "\n").strip() for text in told] or [""]

    def question(self) -> ChatRequest:
        """Raises RequestValidationError about `messages` or `model`."""
        try:
            return ChatRequest(query=self.prompt, thread_id=self.thread_id, model=self.model)
        except ValidationError as error:
            raise RequestValidationError(
                [{**fault, "loc": _location(fault["loc"])} for fault in error.errors()]
            ) from error


def _location(place: tuple[int | str, ...]) -> tuple[int | str, ...]:
    return ("body", "messages" if place == ("query",) else place[0])
