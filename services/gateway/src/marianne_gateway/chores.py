"""Titles, tags and the like, which chat front ends ask for in the guise of questions.

Their prompts are told by their form: Open WebUI begins them with "### Task:" and puts the conversation between
<chat_history> tags; others ask for a concise title of the conversation. The answer is cut from the prompt itself.
"""

import json
import re

_OPEN_WEBUI = re.compile(r"\s*### Task:", re.IGNORECASE)
_OTHERS = re.compile(
    r"\s*(?:please\s+)?(?:generate|create|write|provide|give|suggest|summari[sz]e|detect)\b[^?]{0,200}?"
    r"\b(?:concise|short|brief|\d-?\s?word\S*)\b[^?]{0,80}\b(?:title|tags?)\b"
    r"|\s*(?:please\s+)?(?:generate|create|write|provide|give|suggest)\b[^?]{0,60}\b(?:title|tags?)\b[^?]{0,40}"
    r"\b(?:conversation|chat|discussion|dialogue)\b"
    r"|\s*(?:génère|générez|propose|proposez|donne|donnez|écris|écrivez)\b[^?]{0,60}\b(?:titre|étiquettes?)\b"
    r"[^?]{0,40}\b(?:conversation|discussion|échange)\b",
    re.IGNORECASE,
)
_HISTORY = re.compile(r"<chat_history>(.*?)</chat_history>", re.DOTALL)
_USER = re.compile(r"^\s*(?:USER|User|Human|user)\s*:\s*(.+)$", re.MULTILINE)
# What each kind of task answers with, told by the key that its prompt names.
_LISTS = ("tags", "follow_ups", "queries", "questions")
_TITLE_WORDS = 6
_NAME = "Marianne"


def is_chore(prompt: str) -> bool:
    return bool(_OPEN_WEBUI.match(prompt) or _OTHERS.match(prompt))


def answer(prompt: str, first_question: str = "") -> str:
    """In JSON where the prompt asks for it. `first_question` is that of the conversation, if it came beside."""
    instructions = _HISTORY.sub("", prompt)
    for name in _LISTS:
        if f'"{name}"' in instructions:
            return json.dumps({name: [_NAME] if name == "tags" else []})
    title = _title(prompt, first_question)
    return json.dumps({"title": title}, ensure_ascii=False) if '"title"' in instructions else title


def _title(prompt: str, first_question: str) -> str:
    history = _HISTORY.search(prompt)
    spoken = _USER.search(history[1] if history else prompt)
    words = (spoken[1] if spoken else first_question).split()
    return " ".join(words[:_TITLE_WORDS]).rstrip(" ?!.,;:") or _NAME
