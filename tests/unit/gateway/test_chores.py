import json

import pytest

from marianne_gateway.chores import answer, is_chore

HISTORY = (
    "<chat_history>\nUSER: Comment renouveler mon titre de séjour étudiant ?\nASSISTANT: En ligne.\n</chat_history>"
)
TITLE = (
    "### Task:\nGenerate a concise, 3-5 word title with an emoji summarizing the chat history.\n### Output:\n"
    f'JSON format: {{ "title": "your concise title here" }}\n### Chat History:\n{HISTORY}'
)
TAGS = f'### Task:\nGenerate 1-3 broad tags\n### Output:\nJSON format: {{ "tags": ["tag1"] }}\n{HISTORY}'
SUGGESTED_TAGS = f'### Task: Suggest 3 tags.\nJSON: {{ "tags": [] }}\n{HISTORY}'
FOLLOW_UPS = f'### Task:\nSuggest 3-5 relevant follow-up questions\nJSON format: {{ "follow_ups": ["q"] }}\n{HISTORY}'
CONCISE = "Provide a concise, 5-word-or-less title for the conversation, using its same language.\n\nUser: Où voter ?"


@pytest.mark.parametrize(
    "prompt",
    [
        TITLE,
        TAGS,
        SUGGESTED_TAGS,
        FOLLOW_UPS,
        CONCISE,
        "Generate a concise title for this conversation",
        "Detect user language and write in the same language an extremely concise title for this conversation",
        "Please write a short title of 4 words",
        "Génère un titre court pour cette conversation",
        "Suggest tags for this chat",
    ],
)
def test_the_prompts_of_front_ends_are_told_by_their_form(prompt: str) -> None:
    assert is_chore(prompt)


@pytest.mark.parametrize(
    "question",
    [
        "Comment renouveler mon titre de séjour ?",
        "Donnez-moi la liste des papiers pour un titre de séjour",
        "Propose-moi un titre de séjour adapté à ma situation",
        "Écrivez-moi ce qu’il faut pour un titre de voyage",
        "What is the title of the document that I need?",
        "Give me a concise summary of the procedure to get a residence permit",
        "How do I generate a tax notice online?",
        "Can I get a title deed for my flat?",
        "Provide the documents needed for a residence title",
        "Which conversation certificate is needed for the B1 level?",
    ],
)
def test_questions_are_not_taken_for_chores(question: str) -> None:
    assert not is_chore(question)


def test_a_title_is_cut_from_the_first_question_of_the_history() -> None:
    assert json.loads(answer(TITLE)) == {"title": "Comment renouveler mon titre de séjour"}


def test_lists_are_answered_in_the_form_that_was_asked_for() -> None:
    assert json.loads(answer(TAGS)) == {"tags": ["Marianne"]}
    assert json.loads(answer(FOLLOW_UPS)) == {"follow_ups": []}


def test_without_json_a_title_is_plain_text() -> None:
    assert answer(CONCISE) == "Où voter"
    assert answer("Generate a concise title", "Combien coûte un passeport pour enfant de dix ans ?") == (
        "Combien coûte un passeport pour enfant"
    )
    assert answer("Generate a concise title") == "Marianne"
