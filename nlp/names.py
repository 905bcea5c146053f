"""Proper names in running English text: where they start and end, and how they are written when cleaned."""

import html
import unicodedata

import regex

SURE = 0.9  # the least confidence of a type that the name itself, the title or the gazetteer tells
_QUOTES = "\"“”„«»'‘’`《》〈〉「」『』"
_POSSESSIVE = regex.compile(r"(?:['’]s|(?<=s)['’])$")
_SPACED_HYPHEN = regex.compile(r"(?<=\p{L})-\s+(?=\p{L})")
_ARTICLE = regex.compile(r"^(?:the|a|an)\s+(?=\p{Ll})", regex.IGNORECASE)
_MARKUP = regex.compile(r"<[^<>]{0,40}>")
_SPACES = regex.compile(r"\s+")


def clean_name(surface: str) -> str:
    """The name without what surrounds it: quotes, possessive, entities and tags of HTML, stray spaces."""
    name = surface
    if "&" in name or "<" in name:
        name = _MARKUP.sub(" ", html.unescape(name))
    if not name.isascii():
        name = unicodedata.normalize("NFC", name)
    name = _SPACES.sub(" ", name).strip()
    if "- " in name:
        name = _SPACED_HYPHEN.sub("-", name)
    before = None
    while before != name:
        before = name
        name = _POSSESSIVE.sub("", name.strip(" ,;:")).strip()
        if name and name[0] in _QUOTES and (name[-1] in _QUOTES or name.count(name[0]) == 1):
            name = name[1:].strip()
        if name and name[-1] in _QUOTES and not (name[-1] in "'’" and name[-2:-1] == "s"):
            name = name[:-1].strip()
    if name.endswith(".") and not regex.search(r"(?:\b\p{Lu}|\b(?:Jr|Sr|Inc|Co|Ltd|Corp|Bros|St|U\.S))\.$", name):
        name = name.rstrip(".")
    if name.count("(") != name.count(")"):
        name = name.split("(")[0].strip() or name
    return name


def without_article(name: str) -> str:
    """A common noun phrase without its article; "The Beatles" keeps its own."""
    return _ARTICLE.sub("", name)


_PARTICLE = (
    r"(?:of|the|de|del|della|dei|degli|di|da|dal|das|dos|do|du|des|le|la|les|van|von|vom|der|den|ter|ten|zu|zum|zur|und"
    r"|y|e|i|no|bin|ibn|bint|al|el|af|av|och|og|ben|ap|'t|d'|in|an|av|à|les|für|and)"
)
_ABBREVIATION = (
    r"(?:St|Dr|Mr|Mrs|Ms|Jr|Sr|Capt|Col|Gen|Lt|Hon|Rev|Prof|Maj|Sgt|Cpl|Bros|Inc|Ltd|Co|Corp|Mt|Ft|Gov|Sen|Rep|Ph)\."
)
_PLAIN = (
    r"[\p{Lu}\p{Lt}][\p{L}\p{M}]*+(?:['’](?!s\b)[\p{L}\p{M}]{2,}|['’]\p{Lu}[\p{L}\p{M}]*|[-‑]\s?\p{L}[\p{L}\p{M}]*+)*+"
)
_WORD = (
    rf"(?:{_ABBREVIATION}|\p{{Lu}}\.(?:[-\s]?\p{{Lu}}\.)*(?!\p{{Ll}})|(?:[dlD]['’]|[AaEe]l-\s?"
    rf"|ad-\s?|an-\s?|as-\s?)?{_PLAIN})"
)
_NOBLE_TITLE = (
    r"(?:King|Queen|Prince|Princess|Grand|Duke|Duchess|Earl|Count|Countess|Baron|Baroness|Viscount|Viscountess|Marquess"
    r"|Marquis|Marchioness|Emperor|Empress|Lord|Lady|Landgrave|Landgravine|Margrave|Margravine"
    r"|Elector|Electress|Infante"
    r"|Infanta|Archduke|Archduchess|Hereditary|Crown|Dowager|Baronet|Seigneur|Abbess)"
)
# A run of capitalised words with the small words inside names: "Archambaud IX of Bourbon", "University of the Arts",
# and a title behind a comma: "George Grey, 2nd Earl of Kent". "and" joins nothing: it stands between two names.
NAME = regex.compile(
    rf"(?<![\p{{L}}\p{{N}}]){_WORD}"
    rf"(?:\s{_WORD}|\s(?!(?:and|in|e|an|the)\s){_PARTICLE}\s(?:(?:the|la|le|der|den|los"
    rf"|las)\s)?{_WORD}|\s?&\s{_WORD}|,\s(?:Jr|Sr)\.)*+"
    rf"(?:\s(?:the|of)\s(?:Elder|Younger|Great)\b)?"
    rf"(?:,\s(?:\d{{1,2}}(?:st|nd|rd|th)\s(?:and\s(?:last|\d{{1,2}}\w\w)\s)?{_NOBLE_TITLE}"
    rf"(?:\s{_NOBLE_TITLE})*(?:\s(?:of\s)?{_PLAIN})*"
    rf"(?:\sand\s{_PLAIN}(?=\s?[,.;()]|\sand\s|\s\p{{Ll}}(?!f\s)))?"
    rf"|{_NOBLE_TITLE}(?:\s(?:{_NOBLE_TITLE}|Palatine|consort|Consort|dowager))*\sof\s"
    rf"(?:the\s)?{_PLAIN}(?:\s{_PLAIN})*))?"
)
