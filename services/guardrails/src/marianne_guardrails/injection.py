"""Finds instructions addressed to the model: overrides, changes of role, requests for its own instructions.

Each rule asks for an imperative at the beginning of a clause and for an object that only a model has, so that « mon
employeur ignore les instructions » and "If you are now living in France" are left alone. Patterns are for flattened
text.
"""

import re
from typing import Final

from marianne_guardrails.verdicts import Reason
from marianne_guardrails.views import View, views


def _any(*alternatives: str) -> str:
    return f"(?:{'|'.join(alternatives)})"


_SOFTENERS: Final = _any(
    r"et|puis|alors|maintenant|donc|ensuite|merci de|veuillez|svp|stp|s'il (?:te|vous) plait",
    r"tu dois|vous devez|il faut|je veux que tu",
    r"and|then|now|so|please|kindly|just|you must|you should|you will|i want you to|let's",
    r"y|luego|ahora|por favor|debes|e|agora|deve|hay|bay gio|xin|ban phai|الان|الآن|من فضلك|و",
)
_CLAUSE: Final = rf"(?:^|[.!?;:,\n\"()\[\]{{}}<>*#|=-])[ \t]*(?:{_SOFTENERS}\s+)*"

_YOURS: Final = r"(?:tes|vos|ton|votre|ta|your|tus|sus|tu|su|seus|suas|teus|tuas)"
_ALL: Final = _any(
    r"toutes?|tous|tout|l'ensemble de|les|des|de|ces|l'|mes|all|every|any|each|of|the|these|those|my",
    r"todas?|todos|las|los|as|os",
)
_EVERY: Final = rf"(?:{_ALL}\s*)*"
_RULES: Final = _any(
    r"instructions?|consignes?|regles?|directives?|ordres?|prompts?|restrictions?|filtres?|contraintes|garde-fous",
    r"rules?|guidelines?|directions|orders|safeguards",
    r"instrucciones|reglas|ordenes|indicaciones|instrucoes|regras|ordens",
)
_EARLIER: Final = _any(
    r"precedentes?|anterieure?s?|ci-dessus|au-dessus|plus haut|d'avant|initiales?|d'origine|systeme|internes?",
    r"prealables?|recues?|donnees?|que (?:tu as|vous avez) (?:recu|eu)\w*",
    r"qui (?:t'ont|vous ont) ete (?:donne|transmis)\w*",
    r"previous|prior|earlier|above|preceding|former|initial|original|system|existing",
    r"(?:that )?you (?:were|have been|had been) given|(?:that )?you (?:received|got)",
    r"anteriores|previas?|de arriba|iniciales|del sistema|anteriormente|que recibiste",
    r"acima|iniciais|do sistema|que recebeu",
)
_IGNORE: Final = _any(
    r"ignore[szr]?|oublie[szr]?|neglige[szr]?|contourne[szr]?|annule[szr]?|desactive[szr]?|outrepasse[szr]?",
    r"(?:passe|passez) outre|ne (?:tiens|tenez) (?:pas|aucun|plus) compte",
    r"(?:fais|faites) abstraction",
    r"ne (?:suis|suivez|respecte[sz]?) (?:pas|plus)|(?:cesse|arrete)[sz]? de (?:suivre|respecter)",
    r"disregard|forget|override|bypass|neglect|do not follow|don't follow|stop following|pay no attention to",
    r"ignora|olvida|omite|no (?:sigas|tengas en cuenta)",
    r"ignorar|olvidar|esquece|esqueca|desconsidere|ignorem?|nao siga",
)
_IGNORE_VI: Final = r"(?:bo qua|quen|phot lo|dung lam theo|khong tuan theo)(?: di)? (?:tat ca |moi |cac |nhung |het )*"
_RULES_VI: Final = r"(?:huong dan|chi dan|quy tac|lenh|chi thi|yeu cau)"
_EARLIER_VI: Final = r"(?: [^ .]+){0,2} (?:truoc|o tren|ben tren|cua ban|he thong|ban dau)"
_IGNORE_AR: Final = r"(?:تجاهل|انس|انسى|تجاوز|اهمل|أهمل)\s+(?:كل |جميع |كافة )?(?:ال)?"
_RULES_AR: Final = r"(?:تعليمات|قواعد|أوامر|توجيهات)(?:ك\b|\s+(?:السابقة|أعلاه|الأولية|التي|الخاصة))"

_OVERRIDE: Final = _any(
    rf"{_CLAUSE}{_IGNORE}\s+(?:about\s+)?{_EVERY}"
    + _any(
        rf"{_YOURS}\s+(?:\w+\s+)?{_RULES}",
        rf"{_RULES}\s+(?:\w+\s+)?{_EARLIER}",
        rf"{_EARLIER}\s+(?:\w+\s+)?{_RULES}",
        r"ce qu(?:i|e|'on) [^.!?\n]{0,40}(?:dit|ecrit|donne|demande|avant|precede|plus haut)",
        r"(?:everything|anything|whatever)\s+(?:that\s+)?(?:you|i|was|came|above|before|has been)\b",
        r"(?:you|that) (?:were|was) told",
        r"(?:todo|tudo)\s+(?:lo|o) (?:que|anterior)",
    ),
    _IGNORE_VI + _RULES_VI + _EARLIER_VI,
    _IGNORE_AR + _RULES_AR,
)

_RESTRAINTS: Final = _any(
    r"restrictions?|regles?|filtres?|limites?|limitations?|censure|contraintes?|morale",
    r"rules?|filters?|limits?|guidelines?|censorship|ethics|restricciones|reglas|filtros|censura|restricoes|regras",
)
_UNBOUND: Final = _any(
    r"\bdan\b|hacker|pirate informatique|jailbr\w+|unrestricted|uncensored|unfiltered|do anything now",
    rf"\b(?:sans|without|with no|has no|have no|no|zero|sin|sem|aucune?|ninguna?)\s"
    rf"(?:any |aucune? |la moindre |ethical |moral )?{_RESTRAINTS}",
    r"khong (?:bi han che|co quy tac|co gioi han|bi kiem duyet|gioi han)",
    r"(?:بلا|بدون|دون)\s+(?:أي )?(?:قيود|قواعد|حدود|رقابة|فلتر)",
)
_BECOME: Final = _any(
    r"(?:tu es|vous etes) (?:maintenant|desormais|a present)|fais comme si tu etais|faites comme si vous etiez",
    r"(?:a partir de maintenant|desormais)[ ,]+(?:tu|vous) (?:es|etes|jouez?s?|agis\w*|incarne[sz]|repond\w+)",
    r"(?:joue|jouez|incarne|incarnez|prends|prenez) (?:le |la )?(?:role|personnage|peau)",
    r"agi(?:s|ssez) (?:comme|en tant que)|comporte-toi comme|imagine que tu es|pretends etre",
    r"you are now|you're now|from now on|pretend (?:that )?(?:you are|you're|to be)|(?:act|behave) (?:as|like)",
    r"role ?play as|imagine (?:that )?you are|simulate",
    r"ahora eres|a partir de ahora|actua como|finge (?:ser|que eres)|haz de cuenta que eres",
    r"agora voce e|a partir de agora|aja como|finja (?:ser|que)",
    r"bay gio ban la|dong vai|gia vo (?:la|ban la)|hay lam nhu",
    r"أنت الآن|انت الان|من الآن فصاعدا|تظاهر|تصرف ك\w*|العب دور",
)
_MODE: Final = _any(
    r"mode (?:developpeur|dan|jailbreak|dieu|debug|admin\w*|sans (?:filtre|restriction|limite)s?)",
    r"(?:developer|dan|jailbreak|god|debug|sudo|admin) mode",
    r"modo (?:desarrollador|dan|dios|desenvolvedor)",
)
_ROLE: Final = _any(
    rf"{_CLAUSE}{_BECOME}\b[^.!?\n]{{0,100}}?{_UNBOUND}",
    rf"{_CLAUSE}(?:active[sz]?|passe[sz]? en|enable|activate|switch to|enter|activa|ative)\s+"
    rf"(?:le |the |el |o )?{_MODE}",
    rf"{_CLAUSE}(?:reponds|repondez|answer|respond|responde|tra loi)\s+(?:\w+\s+){{0,3}}{_UNBOUND}",
)

_SECRET: Final = _any(
    r"(?:prompt|invite|message) (?:systeme|initiale?|cachee?|d'origine|de depart|interne)|pre-?prompt",
    r"system (?:prompt|message|instructions?)|(?:initial|hidden|secret) (?:prompt|instructions)",
    rf"{_YOURS}\s+(?:\w+\s+)?"
    rf"(?:prompt|{_RULES} (?:systeme|initiales?|cachees?|secretes?|internes?|d'origine|de depart|exactes|completes))",
    r"your (?:initial|system|hidden|secret|internal|original|full|exact|developer|custom|own) "
    r"(?:prompt|instructions?|rules|guidelines|message|directives)",
    rf"{_RULES}(?: exactes)? "
    + _any(
        r"que (?:tu as|vous avez) recu\w*|qu'on t'a donne\w*|qui (?:te|vous) (?:gouvernent|guident)",
        r"qui t'ont ete donnees",
        r"(?:that )?you (?:were|have been) (?:given|told)|(?:that )?you (?:received|follow)",
    ),
    r"(?:text|texte|content|contenu|words|mots|everything|tout)\s+(?:written |ecrit |situe )?"
    r"(?:above|au-dessus|ci-dessus|plus haut|preceding)\s+(?:this|de ce\w*|cette|of this)",
    r"prompt (?:del|do|de) sistema|(?:tus|sus|suas|seus) (?:instrucciones|instrucoes|reglas|regras|prompt)\b",
    r"instrucciones iniciales|instrucoes iniciais",
    r"loi nhac he thong|(?:chi dan|huong dan|lenh|quy tac) (?:ban dau|he thong)|prompt he thong",
    r"تعليماتك|موجه النظام|التعليمات (?:الأولية|الأصلية|السرية)|رسالة النظام",
)
_TELL: Final = _any(
    r"(?:affiche|revele|repete|montre|donne|recopie|copie|imprime|devoile|communique|resume|cite|recite|envoie)[szr]?",
    r"ecri[st]|ecrivez|dis|dites|traduis|traduisez|fournis|decris|quel(?:le)?s? (?:est|sont|etaient)|c'est quoi",
    r"print|reveal|show|repeat|output|display|tell|give|write|translate|dump|leak|disclose|recite|paste|copy",
    r"summari[sz]e|share|list|what (?:is|are|was|were)|what's",
    r"muestra|repite|revela|dime|imprime|escribe|ensena|cual(?:es)? (?:es|son)",
    r"mostre|repita|revele|diga|escreva|qual|quais",
    r"lap lai|hien thi|tiet lo|in ra|cho (?:toi )?(?:biet|xem)|viet lai|noi cho",
    r"اعرض|كرر|اكشف|أظهر|اطبع|أخبرني|ما هي|ما هو|اكتب",
)
_LEAK: Final = rf"{_CLAUSE}{_TELL}\b[^.!?\n]{{0,60}}?{_SECRET}"

_PATTERNS: Final = (
    (Reason.INJECTION_OVERRIDE, re.compile(_OVERRIDE)),
    (Reason.INJECTION_ROLE, re.compile(_ROLE)),
    (Reason.INJECTION_LEAK, re.compile(_LEAK)),
)


def find_injection(text: str) -> Reason | None:
    """What kind of instruction to the model `text` contains; INJECTION_OBFUSCATED when it was hidden."""
    for view in views(text):
        reason = _in_view(view)
        if reason is not None:
            return reason if view.is_plain else Reason.INJECTION_OBFUSCATED
    return None


def _in_view(view: View) -> Reason | None:
    return next((reason for reason, pattern in _PATTERNS if pattern.search(view.text)), None)
