"""Noun phrases as concepts: "the most common skin cancers" → "skin cancer", a Disease."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import regex

from nlp.lexicon import words
from nlp.names import SURE
from nlp.spans import Mention

if TYPE_CHECKING:
    from spacy.tokens import Doc, Token

_NOUNS = frozenset({"NN", "NNS", "NNP", "NNPS"})
_INSIDE = _NOUNS | {"JJ", "HYPH", "VBG", "VBN", "AFX", "FW"}
_LONGEST = 5  # words


_VAGUE_HEADS = words("""
substance machine record liquid damage quality practice research combination feature making dose recommendation guide
history points combinations features substances machines records recommendations practices pregnancy-test error
people person patient patients doctor doctors team care way ways thing things part parts type types kind kinds
time times case cases number numbers area areas side
option options problem problems question questions change changes level levels
amount use result results example examples information year years day days week weeks month months hour hours man men
woman women child children adult adults age group groups place places step steps point lot rest most some many others
one ones person's everyone someone anyone nothing something anything family friend friends provider providers goal
goals chance chances need needs reason reasons form forms piece pieces end start effect effects list section chapter
book guide page figure table stage stages plan plans decision decisions choice choices term terms name names word words
factor factors sign signs symptom symptoms cause causes treatment treatments test tests risk risks benefit benefits
member members life home member work fact issue issues process processes method methods purpose role set series range
expert experts center centers top bottom front back size shape look look-out set-up line first-line condition conditions
disease diseases cancer-free half percent majority addition note detail details order word couple study studies trial
trials world country state states system body cell cells tissue tissues surface layer layers specialist specialists
surgeon nurse oncologist lump film films story role career music song songs album albums band
""")
_VAGUE_WORDS = words("""
common possible many some certain other most several various different such same own good best better main major minor
new old important likely few more less first second third next last early late whole entire general normal usual typical
particular specific rare serious severe mild possible potential available following key special more-common recent
current additional similar single multiple frequent regular real
full overall long-term short-term non further extra helpful
effective your high low large small big great known called given standard unusual
""")
_TYPES = (
    (
        "Disease",
        regex.compile(
            r"(?:itis|oma|omas|osis|emia|aemia|pathy|plegia|cancers?|tumou?rs?|diseases?|syndromes?|disorders?|infections?"
            r"|leuk(?:a?)emias?|lymphomas?|melanomas?|carcinomas?|diabetes|stroke|asthma|hypertension|arthritis|pneumonia"
            r"|influenza|measles|malaria|metastas[ie]s|heart attack|anemia|obesity|sepsis|dementia"
            r"|epilepsy|hiv|aids|flu)$"
        ),
    ),
    (
        "Treatment",
        regex.compile(
            r"(?:therapy|therapies|surgery|surgeries|ectomy|ectomies|transplants?|transplantation|treatments?|ablation|"
            r"radiation|chemo|immunotherapy|resection|dialysis|vaccination|excision)$"
        ),
    ),
    (
        "Drug",
        regex.compile(
            r"(?:mab|nib|cillin|statin|mycin|platin|taxel|rubicin|azole|vir|olol|pril|sartan|drugs?"
            r"|medications?|medicines?|"
            r"antibiotics?|vaccines?|steroids?|inhibitors?|aspirin|insulin|ibuprofen|paracetamol|opioids?)$"
        ),
    ),
    (
        "Symptom",
        regex.compile(
            r"(?:\bpain|fevers?|coughs?|fatigue|rash|rashes|nausea|vomiting|headaches?|diarrhea"
            r"|dizziness|swelling|bleeding|"
            r"itching|weakness|shortness of breath|weight loss|chills|numbness|constipation|insomnia|night sweats)$"
        ),
    ),
    (
        "Anatomy",
        regex.compile(
            r"(?:\b(?:skin|liver|lungs?|kidneys?|brain|heart|stomach|pancreas|colon|bladder|prostate"
            r"|breasts?|ovar(?:y|ies)|"
            r"lymph nodes?|bones?|bone marrow|blood|thyroid|esophagus|uterus|cervix|spleen|throat|mouth|chest|abdomen|"
            r"epidermis|dermis|glands?|blood vessels?|nerves?|spine|spinal cord|intestine|rectum|tongue))$"
        ),
    ),
    (
        "Method",
        regex.compile(
            r"(?:biops(?:y|ies)|scans?|imaging|mri|ultrasound|x-rays?|blood tests?|endoscopy"
            r"|colonoscopy|tests?|algorithms?|methods?|"
            r"techniques?|fine-tuning|learning|tuning|retrieval|optimization|mammogram)$"
        ),
    ),
    ("Model", regex.compile(r"(?:\b(?:models?|networks?|transformers?|llms?))$")),
    ("Dataset", regex.compile(r"(?:datasets?|benchmarks?|corpus|corpora)$")),
)
TELLING = frozenset({"Disease", "Treatment", "Drug", "Symptom", "Anatomy", "Method"})  # types that a word tells
_TYPE_CUE = regex.compile("|".join(pattern.pattern for _, pattern in _TYPES))


def phrase(token: "Token", base: int) -> Mention | None:
    """The concept whose head noun is a token; ``base`` is the chunk's start. None for what is too vague to be one."""
    if token.tag_ not in _NOUNS or (token.lower_ in _VAGUE_HEADS and not _qualified(token)):
        return None
    document = token.doc
    first = token.i
    while (
        first > 0
        and token.i - first < _LONGEST
        and document[first - 1].tag_ in _INSIDE
        and document[first - 1].sent_start != 1
        and token.is_ancestor(document[first - 1])
        and not document[first].is_sent_start
    ):
        first -= 1
    while first < token.i and (
        document[first].lower_ in _VAGUE_WORDS or document[first].tag_ in {"HYPH"} or len(document[first].text) < 2
    ):
        first += 1
    if first == token.i and (token.lower_ in _VAGUE_HEADS or len(token.text) < 3 or not token.text[0].isalnum()):
        return None
    span = document[first : token.i + 1]
    name = canonical(span.text, plural=token.tag_ == "NNS")
    if len(name) > 80 or not name[:1].isalnum():
        return None
    return Mention(base + span.start_char, base + span.end_char, name, type_of(name), SURE)


def _qualified(token: "Token") -> bool:
    """Whether a vague noun has a noun or adjective before it that makes it a concept: "plaque cells"."""
    if token.lower_ not in {
        "cancer",
        "disease",
        "diseases",
        "treatment",
        "treatments",
        "test",
        "tests",
        "cells",
        "cell",
        "tissue",
        "tissues",
        "system",
        "condition",
        "effects",
        "factor",
        "factors",
        "trial",
        "trials",
        "care",
        "method",
    }:
        return False
    return any(c.dep_ in {"compound", "amod"} and c.lower_ not in _VAGUE_WORDS for c in token.lefts)


def find_phrases(parsed: "Doc", base: int, *, free: Callable[[int, int], bool]) -> list[Mention]:
    """The concepts of a chunk that are of a known kind, or of two words and more."""
    found = []
    for token in parsed:
        if token.tag_ in _NOUNS and token.dep_ != "compound" and token.dep_ != "npadvmod":
            mention = phrase(token, base)
            known = mention is not None and (
                mention.label != "Concept" or (" " in mention.name and token.tag_ in {"NN", "NNS"})
            )
            if mention is not None and known and free(mention.start - base, mention.end - base):
                found.append(mention)
    return found


def type_of(name: str) -> str:
    """The type that a concept's last word tells, else "Concept"."""
    lower = name.casefold()
    if _TYPE_CUE.search(lower):
        for type, pattern in _TYPES:
            if pattern.search(lower):
                return type
    return "Concept"


def canonical(surface: str, *, plural: bool) -> str:
    """Lower case but for acronyms and names, spaces made one, the last noun in the singular."""
    words = " ".join(surface.split()).replace(" - ", "-").replace(" -", "-").replace("- ", "-").split(" ")
    words = [
        word if any(c.isupper() for c in word[1:]) or any(c.isdigit() for c in word) else word.lower() for word in words
    ]
    if plural:
        words[-1] = singular(words[-1])
    return " ".join(words)


_PLURAL_FORMS = words("measles diabetes herpes rabies mumps shingles series species news rickets hives lens")


def singular(noun: str) -> str:
    """The singular of a regular English plural."""
    if noun in _PLURAL_FORMS or len(noun) < 4 or not noun.endswith("s") or noun.endswith(("ss", "us", "is", "ics")):
        return noun
    if noun.endswith("ies") and len(noun) > 4:
        return noun[:-3] + "y"
    if noun.endswith("aches"):
        return noun[:-1]
    if noun.endswith(("sses", "shes", "ches", "xes", "zes")):
        return noun[:-2]
    if noun.endswith("oses"):
        return noun[:-2] + "is"
    return noun[:-1]
