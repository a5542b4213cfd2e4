"""Words that say nothing in a search, by language, flattened."""

from collections.abc import Mapping
from typing import Final

from marianne_language.words import word_set

STOP_WORDS: Final[Mapping[str, frozenset[str]]] = {
    "en": word_set(
        "a about am an and are as at be been but by can could d did do does for from get getting got had has have he "
        "her him his i if in into is it its ll m me mine my of on or our ours re s shall she should so t that the "
        "their them there they this to us ve was we were what when where which who why will with would you your"
    ),
    "es": word_set(
        "a al algun alguna ante cada como con cual cuales cuando de del desde donde e el ella ellos en entre es ese "
        "esta estar este esto estoy fue ha hace hacer hago hasta hay he la las le les lo los mas me mi mis nos o "
        "para pero por porque puede pueden puedo que quien quiero ser si sobre son soy su sus te tener tengo "
        "tiene tu tus un una unas unos y ya yo"
    ),
    "pt": word_set(
        "a ao aos as ate cada com como da das de do dos e ela ele em entre era es essa esse esta estar este "
        "estou eu faco fazer foi ha isso isto ja la lhe mais mas me meu meus minha minhas na nas no nos nossa "
        "nosso num numa o onde os ou para pela pelas pelo pelos pode podem por porque posso qual quais quando que quem "
        "quero ser seu seus sobre sou sua suas tem tenho ter um uma vou"
    ),
    "ar": word_set(
        "في من على علي إلى الى عن هل كيف ما ماذا متى أين اين هذا هذه التي الذي أن ان إن أنا انا لي مع أو او قد تم عند "
        "عندي لدي يمكنني يمكن أريد اريد هو هي كان ثم حتى إذا اذا لكن نحن أنت انت"
    ),
    "vi": word_set("toi cua o la duoc co ma nhung cac mot khi va voi nay se"),
}
"""By ISO 639-1 language code."""
