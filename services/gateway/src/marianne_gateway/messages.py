"""What the gateway says to people in its own words; everything else it says is the orchestrator's."""

from typing import Final

_FRENCH_ENGLISH: Final[dict[str, tuple[str, str]]] = {
    "unauthorized": (
        "Une clé d’accès valide est nécessaire.",
        "A valid access key is required.",
    ),
    "not_found": (
        "Cette adresse ou cet identifiant n’existe pas, ou n’existe plus.",
        "This address or identifier does not exist, or no longer does.",
    ),
    "method_not_allowed": (
        "Cette adresse ne répond pas à cette méthode.",
        "This address does not answer this method.",
    ),
    "too_large": (
        "La demande est trop volumineuse.",
        "The request is too large.",
    ),
    "rate_limited": (
        "Trop de demandes en peu de temps. Réessayez dans quelques instants.",
        "Too many requests in a short time. Please try again in a moment.",
    ),
    "too_many_streams": (
        "Marianne répond déjà à beaucoup de questions. Réessayez dans quelques instants.",
        "Marianne is already answering many questions. Please try again in a moment.",
    ),
    "unavailable": (
        "Marianne est momentanément indisponible. Réessayez dans quelques instants.",
        "Marianne is unavailable at the moment. Please try again shortly.",
    ),
    "timeout": (
        "La réponse a pris trop de temps. Réessayez dans quelques instants.",
        "The answer took too long. Please try again shortly.",
    ),
    "overloaded": (
        "Marianne reçoit trop de questions en ce moment. Réessayez dans quelques instants.",
        "Marianne is receiving too many questions at the moment. Please try again shortly.",
    ),
    "interrupted": (
        "La réponse a été interrompue. Réessayez dans quelques instants.",
        "The answer was interrupted. Please try again shortly.",
    ),
    "internal": (
        "Une erreur inattendue s’est produite.",
        "An unexpected error occurred.",
    ),
    "invalid_request": (
        "La demande contient une valeur qui n’est pas acceptée.",
        "The request holds a value that is not accepted.",
    ),
    "json": (
        "Le corps de la demande doit être un objet JSON valide, avec l’en-tête « Content-Type: application/json ».",
        "The request's body must be a valid JSON object, with the header “Content-Type: application/json”.",
    ),
    "missing": ("Ce champ est obligatoire.", "This field is required."),
    "empty": ("Ce champ ne peut pas être vide.", "This field cannot be empty."),
    "too_long": ("Ce champ est trop long.", "This field is too long."),
    "wrong_type": ("Ce champ n’est pas du type attendu.", "This field is not of the expected type."),
    "unknown_field": ("Ce champ est inconnu.", "This field is unknown."),
    "control_characters": (
        "Ce champ contient des caractères de contrôle, qui ne sont pas acceptés.",
        "This field holds control characters, which are not accepted.",
    ),
    "language": (
        "Langue non prise en charge : fr, en, es, pt, vi ou ar.",
        "Unsupported language: fr, en, es, pt, vi or ar.",
    ),
    "country": (
        "Code de pays attendu en deux lettres, selon la norme ISO 3166-1.",
        "Expected a two-letter country code, as in ISO 3166-1.",
    ),
    "date": (
        "Date attendue sous la forme AAAA-MM-JJ.",
        "Expected a date in the form YYYY-MM-DD.",
    ),
    "far_date": (
        "Cette date est trop éloignée dans l’avenir.",
        "This date is too far in the future.",
    ),
    "choice": ("Cette valeur n’est pas l’une des valeurs possibles.", "This value is not one of the possible ones."),
    "idempotency_key": (
        "De 1 à 200 caractères ASCII visibles attendus.",
        "Expected 1 to 200 visible ASCII characters.",
    ),
    "last_event_id": (
        "Le numéro d’un événement de ce flux est attendu.",
        "Expected the number of an event of this stream.",
    ),
}


def message(key: str, language: str | None = None) -> str:
    """In English for a reader of English (a BCP 47 tag or None), else in French."""
    french, english = _FRENCH_ENGLISH[key]
    return english if is_english(language) else french


def is_english(language: object) -> bool:
    return isinstance(language, str) and language.split("-")[0].lower() == "en"
