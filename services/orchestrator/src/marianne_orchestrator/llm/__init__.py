"""The chat models of the orchestrator: an OpenAI-compatible server, and verbatim extraction where there is none."""
