"""Keeps LangChain from sending prompts and answers to LangSmith, whatever the environment says."""

import os

import langsmith

# `langsmith.utils.tracing_is_enabled` reads the first four; with one of the last two alone, and tracing off,
# `langchain_core.callbacks.manager` refuses every call.
_SWITCHES = (
    "LANGSMITH_TRACING_V2",
    "LANGCHAIN_TRACING_V2",
    "LANGSMITH_TRACING",
    "LANGCHAIN_TRACING",
    "LANGCHAIN_HANDLER",
)


def disable_langsmith_tracing() -> None:
    """Forces tracing off for this process. `main` calls it first, before any chain can run.

    `configure` takes precedence over the environment, also where that was read and kept before; removing the variables
    covers LangChain's own look at them.
    """
    langsmith.configure(enabled=False)
    for name in _SWITCHES:
        os.environ.pop(name, None)  # noqa: TID251 - the libraries themselves read the environment
