"""The words of Chinese questions that combine, count, compare, limit, deny or ask whether."""

from collections.abc import Iterator
from itertools import pairwise

import regex

from fusion.operators.chinese_limits import MEASURE, NUMERAL, names_attribute
from fusion.operators.forms import Extreme, More, Parts, Versus, Whether, Without
from fusion.operators.phrase import NAME, ONE, Phrase, Place, ends, expecting
from fusion.operators.senses import CHINESE, CHINESE_EVENT, of_noun, sense

_COUNT = regex.compile(
    rf"(?:一共|总共|共)?有?(?:多少|几){MEASURE}?|的?(?:总数|数量|数目|个数)(?:一共|总共)?(?:是|有)?(?:多少)?"
)
_QUOTES = r"[《》「」“”\"]*"
_LISTED = regex.compile(rf"{_QUOTES}\s*(?P<way>以及|和|与|及|、|或者|或|还是|跟|同|，|,)\s*(?:是|由|被)?{_QUOTES}")
_TOGETHER = regex.compile(rf"{_QUOTES}(?:都|共同|一起|同时|均)")
_JOINT = regex.compile(r"[，,、；]?(?:并且|而且|同时|以及|且|并|又|也|还|和|与|或者|或)|[，,、；]")
_NEGATION = regex.compile(
    r"没有|没(?!收)|从未|未曾|未(?!来|知|名|央)|不是|不在|不属于|并非|除了|之外|以外|不(?=由|被|含|包|比|如|等于)|不曾"
    r"|不(?:相同|一样|同)(?=[吗么?？]|$)"
)
_IDLE = (
    regex.compile(rf"[由被](?={_QUOTES}{NAME})"),
    regex.compile(rf"(?<={NAME}[》」”\"]?)这[部个位本首家座]\p{{Han}}{{2}}(?=[是的由被在])"),
    regex.compile(r"[，,](?:对|是)(?=(?:不对|不是)?[吗么]?[?？\s]*$)"),
)
_FORMER = regex.compile(rf"(?<={NAME}){_QUOTES}合作[，,]前者(?P<did>[^{NAME}，,、]+)[，,、]?后者")


def counted(phrase: Phrase) -> Phrase | None:
    """What is to be counted, asked for by itself."""
    found = _COUNT.search(phrase.words)
    if found is None:
        return None
    last = not phrase.words[found.end() :].strip(" ?？。的了呢")
    return phrase.put(found.start(), found.end(), "有哪些" if last else "哪些")


def versus(phrase: Phrase) -> Versus | None:
    """Things that are named, and held against each other."""
    words = phrase.words
    claim = regex.search(
        rf"^{_QUOTES}({ONE}){_QUOTES}[^{NAME}]*比{_QUOTES}({ONE}){_QUOTES}(?P<words>[^{NAME}]*)$", words
    )
    if claim is not None and regex.search(r"吗|么|是否|是不是", words):
        compared = regex.search(rf"[更较]?(?:{CHINESE})", claim["words"])
        meant = sense(compared[0], claim["words"]) if compared is not None else None
        return None if meant is None else Versus(meant, (phrase.places[0], phrase.places[1]), claimed=phrase.places[0])
    for run, _ in _runs(phrase):
        before, after = words[: run[0][0]], words[run[-1][1] :]
        rest = after if after.strip(" ?？。》”") else before
        chosen = regex.match(
            rf"{_QUOTES}(?:这?两[人者部个]|相比|比较|相较|之中|中|里|之间|，|,|的[^的{NAME}]{{1,8}}?)*\s*(?:谁|哪)",
            after,
        )
        asked_first = not after.strip(" ?？。》”") and regex.search(r"(?:[，,：:]|是)\s*[《“]?$", before)
        if chosen is None and not asked_first:
            continue
        compared = regex.search(rf"(?:更|较|比较|最)(?:{CHINESE})|先|年长|年轻|(?<=[生世映行版立])[早晚]", rest)
        meant = sense(compared[0].removeprefix("比"), rest) if compared is not None else None
        if meant is not None:
            return Versus(meant, tuple(run))
    return None


def more(phrase: Phrase) -> More | None:
    """Which of the things named has more, or fewer, of something: what is to be counted of each."""
    words = phrase.words
    found = regex.search(r"(?:的?数量)?(?:更|比较|最)(?P<way>多|少)", words)
    run = next(_runs(phrase), None)
    if found is None or run is None or not regex.search(r"谁|哪", words):
        return None
    places = run[0]
    parts = []
    for place in places:
        part = phrase.joined(place, (places[-1][1], found.start()), (found.end(), len(words)), "有哪些")
        asked = regex.search(rf"[，,]?(?:谁|哪一?{MEASURE}?)的?", part.words)
        parts.append((place, part if asked is None else part.put(asked.start(), asked.end())))
    return More(tuple(parts), 1 if found["way"] == "多" else -1)


def extreme(phrase: Phrase) -> Extreme | None:
    """The one of those asked for that has the most, or the least, of something."""
    words = phrase.words
    event = rf"(?:{CHINESE_EVENT})"
    found = regex.search(
        rf"(?P<noun>\p{{Han}}{{2}})?(?P<before>(?:时间|日期)?)(?:年纪|年龄)?最(?P<word>{CHINESE}|多|少)(?![{NUMERAL}])(?P<after>{event}?)"
        rf"|(?P<first>第一{MEASURE}?|首{MEASURE}|最后(?:一{MEASURE}?)?)(?P<event>{event})?",
        words,
    )
    if found is None:
        return None
    start, end = found.span()
    if found["first"]:
        meant = sense("晚" if found["first"].startswith("最后") else "早", found["event"] or "")
    else:
        noun = found["noun"] or ""
        if regex.fullmatch(event, noun) is None and not names_attribute(noun):
            noun, start = "", found.start() + len(noun)
        if not noun or regex.fullmatch(event, noun) or noun in ("年纪", "年龄"):
            meant = sense(found["word"], noun + found["after"] + found[0])
        else:
            meant = of_noun(found["word"], noun)
    if meant is None:
        return None
    if words[end : end + 1] == "的" and words[start - 1 : start] in tuple("的中里是"):
        end += 1
    return Extreme(meant, phrase.put(start, end))


def parted(phrase: Phrase) -> Parts | None:
    """Two things or more that what is asked for has to do with: with all of them, or with any."""
    words, places = phrase.words, phrase.places
    for run, way in _runs(phrase):
        together = _TOGETHER.match(words, run[-1][1])
        after = together.end() if together is not None else run[-1][1]
        parts = [phrase.joined((0, run[0][0]), place, (after, len(words))) for place in run]
        return Parts(way != "or", tuple(parts), listed=True)
    nested = regex.match(
        rf"({ONE}){_QUOTES}在{_QUOTES}({ONE})(?P<does>[^{NAME}的]+)(?P<what>的[^{NAME}]*?)[里中](?P<did>[^{NAME}?？]+)",
        words,
    )
    if nested is not None:  # "B在A执导的哪些电影里出演过"
        what = nested.span("what")
        inner, outer = phrase.joined(nested.span(2), nested.span("does"), what), nested.span("did")
        return Parts(True, (inner, phrase.joined(nested.span(1), outer, what)))
    for (_, end), (start, stop) in pairwise(places):
        joints = list(_JOINT.finditer(words, end, start))
        if not joints:
            continue
        split = joints[-1]
        head = regex.sub(r"(?:既是|既|由|被|是|在|以)$", "", words[: places[0][0]].rstrip("《“ "))
        tail = words.rfind("的", stop)
        if regex.search(r"哪|谁|什么", head):
            tail = len(words)
        if tail < 0:
            continue
        first = phrase.joined((0, split.start()), (tail, len(words)))
        known = regex.search("既(?=是|由|被)?", first.words)
        first = first if known is None else first.put(known.start(), known.end())
        second = phrase.joined((0, len(head)), (split.end(), tail), (tail, len(words)))
        return Parts("或" not in split[0], (first, second))
    return None


def without(phrase: Phrase) -> Without | None:
    """What is asked for without those that something else leads to."""
    words, places = phrase.words, phrase.places
    first = regex.match(rf"除了?(?:有|由)?(?P<out>[^，,]*?)(?:的|以外|之外|外)*[，,](?P<rest>[^，,]*{NAME}.*)$", words)
    if first is not None and len(places) == 2:
        rest = phrase.joined(first.span("rest"))
        also = regex.search("[还也](?!是)", rest.words)
        return Without(
            rest if also is None else rest.put(also.start(), also.end()), phrase.joined(first.span("out"), "的有哪些")
        )
    found = regex.search(r"(?:并|都|均|却)?(?:没有|没|从未|未曾|未|并非|不是|不)(?:被|由)?", words)
    if found is None or len(places) != 2:
        return None
    other = places[1]
    begun, last = min(other[0], found.start()), max(other[1], found.end())
    lead = regex.search(r"(?:但是|但|而且|而|且|，|,|、|由|又)+$", words[:begun])
    begin = lead.start() if lead is not None else begun
    stop = words.find("的", last)
    stop = stop if stop >= 0 else ends(phrase.text)
    if begin < places[0][1]:
        return None
    kept = phrase.joined((0, begin), (stop, len(words)))
    dropped = phrase.joined((begun, found.start()), (found.end(), stop), "的有哪些")
    if len(dropped.places) != 1 or not kept.places:
        return None
    return Without(kept, dropped)


def denial(phrase: Phrase) -> str | None:
    """The word by which a question asks for what is not."""
    found = _NEGATION.search(regex.sub("有没有|是不是", "", phrase.words))
    return None if found is None else found[0]


def ranked(phrase: Phrase) -> str | None:
    """The words that ask for the second, the third, … of several."""
    found = regex.search(rf"(?:倒数)?第(?!一)[{NUMERAL}]+{MEASURE}?|倒数第一", phrase.words)
    return None if found is None else found[0]


def asks_whether(phrase: Phrase) -> bool:
    """Whether a question is to be answered by yes or no."""
    return regex.search(r"(?:吗|(?<![什怎那这])么)\s*[?？]?\s*$|是否|是不是|有没有", phrase.words) is not None


def unasked(phrase: Phrase) -> Phrase:
    """The phrase without the words that ask whether."""
    for pattern in (r"(?:是|的)*(?:吗|(?<![什怎那这])么)[?？\s]*$", r"是否|是不是|有没有"):
        found = regex.search(pattern, phrase.words)
        phrase = phrase if found is None else phrase.put(found.start(), found.end())
    return phrase


def tidied(phrase: Phrase) -> Phrase:
    """The phrase without words that say nothing beside others and also mean other things.

    These are who did it ("由", "被"), what kind of thing a name is of ("这部电影"), and tags ("，对吗"). Of two who
    worked together, "前者导演、后者出演" is said with their names.
    """
    for pattern in _IDLE:
        while (found := pattern.search(phrase.words)) is not None:
            phrase = phrase.put(found.start(), found.end())
    pair = _FORMER.search(phrase.words)
    if pair is not None and len(phrase.places) == 2:
        one, other = phrase.places
        did, then = pair.span("did"), (pair.end(), len(phrase.text))
        phrase = phrase.joined((0, one[0]), one, did, "、", other, then)
    return phrase


def whether(phrase: Phrase) -> Whether | None:
    """A question of yes or no about two things."""
    words, places = phrase.words, phrase.places
    if len(places) != 2 or not asks_whether(phrase) or next(_runs(phrase), None) is not None:
        return None
    one, other = places
    stop = len(regex.sub(r"[吗么?？。\s]+$", "", words))
    gap = regex.sub(r"是否|是不是|有没有", lambda found: "是" if found[0] != "有没有" else "", words[one[1] : other[0]])
    after = words[other[1] : stop]
    if regex.match(rf"{_QUOTES}的\p{{Han}}", after) and regex.fullmatch(rf"{_QUOTES}也?(?:是|就是){_QUOTES}", gap):
        asked = phrase.joined(other, (other[1], stop), "是谁")
        return Whether(((expecting(asked, phrase, one), one),))
    if regex.fullmatch(rf"{_QUOTES}的\p{{Han}}+是{_QUOTES}", gap) and not after.strip("》”" + '"'):
        asked = phrase.joined((one[0], one[1]), regex.sub(r"是\W*$", "是谁", gap))
        return Whether(((expecting(asked, phrase, other), other),))
    if regex.fullmatch(rf"{_QUOTES}(?:是|就是)?(?:由|被)?{_QUOTES}", gap) and after:
        of_one = phrase.joined(one, "是谁", (other[1], stop))
        of_other = phrase.joined(other, (other[1], stop), "有哪些")
        return Whether(
            ((expecting(of_one, phrase, other), other), (expecting(of_other, phrase, one), one)), passive=True
        )
    verb = regex.sub(r"^是", "", gap.strip("《》“” "))
    of_other = phrase.joined("谁", verb, other, (other[1], stop))
    of_one = phrase.joined(one, verb, "哪些")
    return Whether(((expecting(of_other, phrase, one), one), (expecting(of_one, phrase, other), other)))


def role(phrase: Phrase) -> tuple[str, Phrase] | None:
    """A noun that says what those asked for are beside, as "演员" does in "哪些演员出生于罗马"."""
    found = regex.match(r"\s*(?:哪些|哪位|哪个|什么)(?P<noun>\p{Han}{2})(?=\p{Han})", phrase.words)
    return None if found is None else (found["noun"], phrase.put(0, found.end(), "谁"))


def _runs(phrase: Phrase) -> Iterator[tuple[list[Place], str]]:
    """Names that stand in a list, and what joins the last two of them."""
    run: list[Place] = []
    way = ""
    for place in phrase.places:
        listed = _LISTED.fullmatch(phrase.words[run[-1][1] : place[0]]) if run else None
        if listed is not None:
            run.append(place)
            way = listed["way"]
            continue
        if len(run) > 1:
            yield run, "or" if way in ("或", "或者", "还是") else "and"
        run, way = [place], ""
    if len(run) > 1:
        yield run, "or" if way in ("或", "或者", "还是") else "and"
