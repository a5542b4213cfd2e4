"""Sentences that lean on the one before them: « Ce délai… », « Dans ce cas… », « Sauf… »"""

import re
from typing import Final

from marianne_language.folding import fold

_MARKUP: Final = "-*•_>«“\"'( \t\n"

_LEANING: Final = re.compile(
    # French
    r"(?:ce|cet|cette|ces|cela|ceci|celui-ci|celle-ci|ceux-ci|celles-ci|il|ils|elle|elles|son|sa|ses|leurs?|en|y"
    r"|c'est|ce dernier|cette derniere"
    r"|(?:dans|en|pour|a|apres|avant|passe|sous|avec|selon) (?:ce|cet|cette|ces|tel|tels)"
    r"|(?:dans|en) (?:le )?(?:cas contraire|l'un|l'autre|revanche|outre|effet)|a (?:defaut|compter de cette)|au-dela"
    r"|au contraire|de meme|de plus|sauf|sinon|toutefois|cependant|neanmoins|pourtant|mais|donc|ainsi|alors"
    r"|ensuite|puis|par (?:exception|derogation|consequent|ailleurs)|l'interesse|exception)\b"
    # English
    r"|(?:this|these|that|those|it|they|its|their|he|she|in (?:this|that|these|such) |otherwise|unless|except|however"
    r"|therefore|but|then|so|failing (?:this|that)|after (?:this|that))\b"
    # Spanish and Portuguese
    r"|(?:est[ea]s?|estos|es[ea]s?|esos|eso|esto|su|sus|salvo|excepto|en (?:este|ese|tal)|sin embargo|no obstante|pero"
    r"|isto|isso|ess[ae]s?|seus?|suas?|neste|nesse|nesta|nessa|caso contrario|no entanto|porem|mas|deste|desse)\b"
    # Vietnamese
    r"|(?:trong truong hop (?:nay|do)|neu khong|tru khi|tuy nhien|thoi han nay|dieu nay|sau do)\b"
    # Arabic
    r"|(?:هذا|هذه|ذلك|تلك|في هذه|في تلك|إلا|ما لم|لكن|غير أن|وإلا)\b"
)
_IMPERSONAL: Final = re.compile(
    r"il (?:ne |n')?(?:faut|faudra|existe|y a|suffit|convient|importe|vaut mieux"
    r"|(?:est|sera) (?:\w+ )?(?:possible|impossible|interdit|obligatoire|necessaire|recommande|conseille|preferable"
    r"|inutile|utile|important|prevu|permis))\b"
    r"|it (?:is|may be|will be) (?:not )?(?:possible|necessary|mandatory|forbidden|recommended|important|advisable)\b"
)


def leans_back(text: str) -> bool:
    """Whether `text` takes its subject, its case or its condition from the sentence before it."""
    folded = fold(text.lstrip(_MARKUP))
    return _LEANING.match(folded) is not None and _IMPERSONAL.match(folded) is None
