"""What the guardrails can decide. Values are the proto's names in lower case, without their prefix."""

from enum import StrEnum, auto


class Verdict(StrEnum):
    """What may happen to one unit of an answer."""

    QUOTED = auto()
    SUPPORTED = auto()
    CITED = auto()
    NO_CLAIM = auto()
    WITHHELD = auto()


class Reason(StrEnum):
    """Why something was refused; the only values of the label `reason` of guardrail_rejections_total."""

    TOO_LONG = auto()
    INJECTION_OVERRIDE = auto()
    INJECTION_ROLE = auto()
    INJECTION_LEAK = auto()
    INJECTION_OBFUSCATED = auto()
    INJECTION_INDIRECT = auto()
    PII_LEAK = auto()
    NO_CITATION = auto()
    UNSUPPORTED_FACT = auto()
    FACT_MISPLACED = auto()
    UNSUPPORTED_ENTITY = auto()
    CONTRADICTION = auto()
    PERMISSION = auto()
    RESTRICTION = auto()
    ACTOR = auto()
    CONDITION = auto()
    QUANTIFIER = auto()
    NOT_ENTAILED = auto()
    NO_EVIDENCE = auto()
    BACKEND_ERROR = auto()
    TIMEOUT = auto()
