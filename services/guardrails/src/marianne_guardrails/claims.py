"""Tells apart what asserts something about the law and what asserts nothing."""

import re
from typing import Final

from marianne_guardrails.modality import modalities
from marianne_guardrails.names import bodies, schemes
from marianne_guardrails.small_talk import is_small_talk
from marianne_guardrails.wording import is_heading, is_lead_in
from marianne_language.folding import fold
from marianne_language.words import content_words, word_set

_LONGEST_HEADING: Final = 10
_LONGEST_REMARK: Final = 14

_VERBS: Final = word_set(
    # French
    "est sont ont sera seront etait peut peuvent pouvez pourra pourrez doit doivent devez devra devrez faut faudra "
    "suffit permet permettent interdit interdite autorise exige donne dure coute vaut avez aurez etes beneficie "
    "beneficiez obligatoire facultatif gratuit payant impossible possible necessaire refuse refuser accorde valable "
    # English
    "is are has have can cannot must may should need needs costs lasts requires allows forbidden mandatory free "
    # Spanish and Portuguese
    "es tiene tienen puede pueden debe deben hay sao tem pode podem deve devem gratuito obligatorio obrigatorio "
    # Vietnamese
    "phai duoc khong mien"
)
"""Words with which a heading or lead-in would assert something."""

_ARABIC_VERBS: Final = re.compile(r"\b(?:يجب|يمكن|يحق|لا|مجاني|إلزامي)")
_RHETORICAL: Final = re.compile(r"^(?:le )?saviez-vous|^did you know|n'est-ce pas|sabia usted|voce sabia")

_ANNOUNCEMENT: Final = re.compile(
    r"voici|voila|ci-dessous|ci-apres|here (?:is|are)|below|aqui|a continuacion|duoi day|sau day"
)
_COURTESY: Final = re.compile(
    r"(?:bonjour|bonsoir|salut|hello|hi|hola|ola|buenos dias|bom dia|xin chao|chao ban|مرحبا|السلام عليكم)"
    r"(?:[ ,]+(?:madame|monsieur|et bienvenue|a tous|there|ban))*"
    r"|(?:je vous (?:en prie|remercie)|merci|thank you|thanks|gracias|obrigad[oa]|cam on ban|شكرا)"
    r"(?: (?:pour votre (?:question|message)|beaucoup|de votre patience|for your (?:question|message)))?"
    r"|n'hesitez pas a (?:me |nous )?(?:re)?(?:poser|contacter|demander|preciser|revenir)(?: [^ .]+){0,8}"
    r"|(?:feel free|do not hesitate|don't hesitate) to (?:ask|contact)(?: [^ .]+){0,6}"
    r"|(?:j'espere que (?:cela|ceci|ces informations?)|i hope this)(?: [^ .]+){0,6}"
    r"|(?:bonne journee|bon courage|cordialement|good luck|bonne chance|avec plaisir)"
    r"|(?:bonne|excellente|great|good) question"
    r"|je suis desole(?:e)?(?: d'apprendre(?: [^ .]+){0,6})?"
)

_REMARK: Final = re.compile(
    r"^(?:(?:malheureusement|unfortunately)[ ,]+)?(?:"
    r"(?:les|ces|mes) (?:sources?|textes?|documents?|passages?|extraits?|informations?)(?: [^ ]+){0,4} "
    r"ne (?:le |la |les )?(?:(?:precisent|mentionnent|indiquent|contiennent|disent|repondent|donnent|couvrent)\b"
    r"|permettent pas (?:de|d')\s?(?:repondre|confirmer|savoir|dire|determiner|preciser|verifier|affirmer)\b)"
    r"|je n'ai pas (?:trouve|d'information|acces)|je ne (?:peux|trouve|dispose|sais) pas"
    r"|the (?:sources?|texts?|documents?|passages?)(?: [^ ]+){0,4} (?:do|does) not "
    r"(?:say|mention|state|cover|specify|contain|tell)"
    r"|i (?:could not|couldn't|did not|cannot|can't) (?:find|answer|confirm|tell)"
    r"|las fuentes(?: [^ ]+){0,3} no |as fontes(?: [^ ]+){0,3} nao |cac nguon(?: [^ ]+){0,4} khong |لا تذكر المصادر"
    r")"
)
_GOES_ON: Final = re.compile(
    r"\b(?:mais|cependant|toutefois|donc|car|but|however|so|because|pero|mas|nhung|لكن)\b|[:;]"
)

_OWN_ACT: Final = re.compile(
    r"(?:(?:bien sur|d'accord|alors|maintenant|avant tout|tout d'abord|volontiers|ensuite)[ ,:]+)?"
    r"(?:je |j'|[a-z]{3,}ons\b(?! que)|(?:dites|precisez|faites|donnez|indiquez|racontez|parlez)-(?:moi|en)\b)"
)
_ASSERTING: Final = re.compile(
    r"\b(?:que|qu'|car|donc|parce|puisque|selon|d'apres|droits?|vous (?:etes|avez|serez))|:."
)
_LONGEST_ACT: Final = 8

_TELLS_THE_USER: Final = re.compile(
    r"\bvous (?:m')?(?:avez|aviez) (?:bien )?(?:indique|mentionne|precise|dit|ecrit|explique)\b"
    r"|\bvous (?:dites|indiquez|mentionnez|precisez)\b|\b(?:d'apres|selon) votre (?:question|message)\b"
    r"|\byou (?:have )?(?:said|mentioned|told|indicated|wrote|say|mention)\b"
    r"|\bban (?:da )?(?:noi|cho biet|viet)\b|\b(?:usted )?(?:ha indicado|indico|menciono|ha dicho)\b"
    r"|\bvoce (?:disse|indicou|mencionou)\b|ذكرت"
)
_CONCLUSION: Final = word_set(
    "donc ainsi alors pouvez pourrez devez devrez peut doit faut droit eligible necessaire obligatoire suffit permet "
    "therefore so can must may should entitled need puede debe derecho pode deve direito"
)


def is_courtesy(text: str) -> bool:
    """Whether a unit only greets, thanks or invites to ask again."""
    return _COURTESY.fullmatch(fold(text).strip(" .,!?*_…")) is not None


def is_question(text: str) -> bool:
    """Whether a unit asks without asserting by the way."""
    return text.rstrip(" *_\"'»)").endswith(("?", "؟", "？")) and not _RHETORICAL.search(fold(text))


def is_title(text: str) -> bool:
    """Whether a unit is a heading or announces what follows, without saying anything of it."""
    folded = fold(text).strip("*_ ")
    is_bold = text.strip().startswith("**") and text.strip().endswith("**")
    if not (is_heading(text) or is_lead_in(text) or is_bold) or len(content_words(text)) > _LONGEST_HEADING:
        return False
    if is_lead_in(text) and _ANNOUNCEMENT.match(folded):
        return True
    return _VERBS.isdisjoint(re.findall(r"\w+", folded)) and not _ARABIC_VERBS.search(text)


def is_ornament(text: str) -> bool:
    """Whether a unit has no word at all: a rule, the line below a table's header."""
    return not any(character.isalnum() for character in text)


def is_remark_on_sources(text: str) -> bool:
    """Whether a unit only says that the sources do not answer."""
    folded = fold(text)
    if not _REMARK.match(folded) or len(content_words(text)) > _LONGEST_REMARK:
        return False
    return not _GOES_ON.search(folded)


def is_own_act(text: str) -> bool:
    """Whether a unit only says what the assistant or the user does next in the talk: « Je vous explique la suite. »"""
    folded = fold(text).strip("*_ ")
    if not _OWN_ACT.match(folded) or _ASSERTING.search(folded) or len(content_words(text)) > _LONGEST_ACT:
        return False
    return not modalities(folded) and not (bodies(folded) or schemes(folded))


def asserts_nothing(text: str) -> bool:
    """Whether a unit without facts may be shown without a source."""
    checks = (is_ornament, is_courtesy, is_small_talk, is_question, is_title, is_remark_on_sources, is_own_act)
    return any(check(text) for check in checks)


def restates_the_user(text: str) -> bool:
    """Whether a unit says that it repeats what the user told: « vous avez indiqué… »"""
    return _TELLS_THE_USER.search(fold(text)) is not None


def concludes_nothing(text: str) -> bool:
    """Whether a unit that restates the user draws no consequence from it."""
    return _CONCLUSION.isdisjoint(re.findall(r"\w+", fold(text)))
