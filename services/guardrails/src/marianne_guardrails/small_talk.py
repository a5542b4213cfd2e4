"""What an assistant says beside the matter: greetings, sympathy, transitions. It holds no word of the law at all."""

import re
from typing import Final

from marianne_language.folding import flatten
from marianne_language.words import word_set

_LONGEST: Final = 30
_WORD: Final = re.compile(r"[^\W\d_]+")
_FIGURE: Final = re.compile(r"\d")

_FRENCH: Final = word_set(
    "bonjour bonsoir salut bienvenue merci avec plaisir de rien prie remercie enchante ravi ravie content "
    "contente heureux heureuse desole desolee courage bravo felicitations rassurez rassure panique inquietez "
    "inquiete stress stressant stressante angoissant angoissante difficile complique compliquee delicate "
    "delicat penible frustrant frustrante inquietant inquietante perdu perdue clair claire clairement "
    "simplement comprends comprend comprendre imagine vois voir entends sais sens regardons regarde voyons "
    "prenons faisons reprenons commencons allons vais vas va aller aide aider aidera aiderai accompagne "
    "accompagner explique expliquer expliquerai detaille detailler resume resumer reponds repondre repondrai "
    "precise preciser precisions precision indique indiquer dire dis dites disez parle parler raconter poser "
    "posez pose demander hesitez hesite pas ne n si besoin souhaitez voulez veux voulais aimerais aimeriez "
    "savoir connaitre espere espoir souhaite utile utiles eclaire eclairer question questions reponse "
    "reponses situation situations demarche demarches dossier demande sujet point points chose choses etape "
    "etapes explication explications information informations detail details message conversation moment jour "
    "journee soiree suite debut fin fait cas elements element essentiel fil temps ensemble petit petite bonne "
    "bon bien tres tout toute tous toutes seul seule la le les l un une des du d au aux a en y et ou mais "
    "donc alors puis ensuite aussi encore ici voici voila ci dessous dessus suit suivent suivantes suivants "
    "plus loin comme cela ca ceci c ce cet cette ces que qu qui quoi quel quelle dont comment pourquoi quand "
    "combien je j me m moi mon ma mes tu vous votre vos nous notre nos on il elle ils elles lui leur se s son "
    "sa ses est es etes suis sont soit soient sera serai etre ai avez avons ont avoir avant apres par pour "
    "sur sous dans sans vers chez entre mieux autre autres cordialement bientot revoir volontiers entendu "
    "parfait accord disposition reste rester restons preciserez importante important importants quelque "
    "quelques peu tranquille tranquillement calme calmement concrete concretement patience confiance sentir "
    "sentez senti inquiet normal normale humain humaine epreuve eprouvant eprouvante dur dure fatigant "
    "fatigante souffler respirez respirons main coeur cote part service pret prete super genial essayons "
    "essayer mener menez aborder abordons continuer continuons passons passer poursuivre poursuivons "
    "approfondir clarifier creuser parcourons guide guider oriente orienter propose proposer fournir apporter "
    "trouver trouverez trouve retour revenez reviens sinon avance remerciements curiosite attente longue "
    "lassant lassante decourageant decourageante decouragez baissez bras tenez lancer lancons demarrer "
    "demarrons allez allons-y go ok okay autrement dit bref effet souci soucis inquietude inquietudes"
)
_ENGLISH: Final = word_set(
    "hello hi hey dear there welcome thanks thank you please sorry glad happy pleased good great nice "
    "question questions hope helps help helpful this that the a an of for to with your my me i i'm am is are "
    "it it's we let us let's look go through together at step by what how see can will ll be understand "
    "stressful difficult worry don t not do if any other more need know feel free ask tell explain answer "
    "situation here s here's below following day luck about in on and so now very much course sure certainly "
    "absolutely pleasure understandable easy start started begin everything clear time take reach out again "
    "back anytime always ready assist assistance sounds way have has hear"
)
_SPANISH: Final = word_set(
    "hola buenos dias buenas tardes noches gracias encantado encantada de ayudarle ayudarte ayudar con gusto "
    "mucho por su tu pregunta espero que esto le te ayude entiendo comprendo situacion dificil no se preocupe "
    "tranquilo tranquila vamos a ver verlo juntos paso si tiene otra otras preguntas duda dudas mas aqui "
    "estoy para lo siento suerte buen dia la el los las un una y en es claro supuesto bienvenido bienvenida "
    "saludos cordial placer alegra alegro contento contenta me preguntar preguntando consultar consulte "
    "explicar explico explicarle cualquier cosa necesita algo puedo entender comienza empezamos hoy"
)
_PORTUGUESE: Final = word_set(
    "oi ola bom boa dia tarde noite obrigado obrigada prazer em ajudar ajuda ajudo lo la que bem voce "
    "perguntou sua pergunta perguntas espero isso ajude entendo compreendo situacao dificil nao se preocupe "
    "fique tranquilo tranquila vamos ver juntos passo a com tiver outra outras duvida duvidas mais aqui estou "
    "para sinto muito sorte de o os as um uma e por claro vindo vinda fico feliz contente qualquer coisa "
    "precisa precisar algo explicar explico entender perguntar comecar comecamos hoje tudo certo disposicao "
    "sempre me diga"
)
_VIETNAMESE: Final = word_set(
    "chao xin ban anh chi cam on rat vui duoc giup do se minh toi tim hieu nhe a cau hoi cua hy vong dieu nay "
    "huu ich dung lo lang tinh huong kho khan cung nhau xem tung buoc neu can them hay cho biet khac chuc may "
    "man va de day la mot tot vang da tat nhien san sang giai thich ro hon nua bat cu luc nao moi nguoi ca "
    "ngay lanh cac dan mung loi thong oi nha ạ nghe"
)
_ARABIC: Final = word_set(
    "مرحبا مرحبًا أهلا أهلًا وسهلا وسهلًا بك بكم السلام عليكم شكرا شكرًا لك لكم على سؤالك سؤالكم أتفهم أفهم "
    "وضعك سأشرح سأساعدك يسعدني مساعدتك أن أساعدك لا تقلق تتردد في طرح أسئلة أخرى السؤال الخطوات معا معًا لنر "
    "لنرى إليك هذه هذا حظا حظًا سعيدا موفقا آمل يفيدك كيف سنرى خطوة بخطوة بالطبع طبعا تفضل تفضلي سعيد سعيدة "
    "بخدمتك خدمتك يمكنك تحياتي صباح مساء الخير النور عزيزي عزيزتي أنا هنا من أجلك لأي سؤال آخر اطمئن داعي "
    "للقلق نعم حسنا فهمت موقفك صعب الأمر نبدأ لنبدأ بكل سرور"
)
_VOCABULARY: Final = (
    _FRENCH,
    _FRENCH | _ENGLISH,
    _SPANISH,
    _PORTUGUESE,
    _VIETNAMESE,
    frozenset(flatten(word) for word in _ARABIC),
)


def is_small_talk(text: str) -> bool:
    """Whether a unit has no word but those of courtesy, so that it can assert nothing of the law."""
    flat = flatten(text)
    words = _WORD.findall(flat)
    if not words or len(words) > _LONGEST or _FIGURE.search(flat):
        return False
    return any(vocabulary.issuperset(words) for vocabulary in _VOCABULARY)
