"""Claims from Chinese sentences, by what stands between the names: "‹W1›是由‹P2›执导的电影"."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import regex

from nlp.chinese import OCCUPATIONS
from nlp.lexicon import words
from nlp.names import SURE
from nlp.passage import Passage, Sentence
from nlp.rules.claims import claims
from nlp.spans import Claim, Mention

_MARK = r"‹\p{L}\d+›"
_ITEM = (
    rf"[《“\"]?(?:[的之]|著名|歌手|演员|导演|作家|女星|男星|{_MARK}(?={_MARK}))*{_MARK}[》”\"]?"
    r"(?:（[^（）]*）|\([^()]*\))?"
)
_LIST = (
    rf"(?P<list>{_ITEM}(?:(?:、|和|与|及|以及|或|，?以及|，?和|，(?={_MARK}(?:[、，]|和|等)))(?:其)?{_ITEM})*)"
    r"(?:等(?:人|症状|疾病|多种\p{Han}{1,3})?)?"
)
_MAY = (
    r"(?:可以|能够|能|可|可能|会|常|常常|往往|容易|主要|通常|一般|也|还|都|均|被|广泛|临床上|多|首次|共同|联合|首先|率先"
    r"|又|是|则|并|常被)*"
)
_WHEN = r"(?:(?:于|在)?‹D\d+›，?)?"


@dataclass(frozen=True, slots=True)
class Pattern:
    """A way to state a relation; the claim is (subject, relation, list), or the other way round with ``reverse``."""

    relation: str
    form: "regex.Pattern[str]"
    subject: str  # the type that the subject must fit
    reverse: bool = False
    confidence: float = 0.9


def _pattern(relation: str, form: str, subject: str = "", *, reverse: bool = False, confidence: float = 0.9) -> Pattern:
    return Pattern(relation, regex.compile(form), subject, reverse, confidence)


PATTERNS = (
    _pattern("directed_by", rf"由{_LIST}(?:共同|联合)?(?:执导|导演|指导)", "Work"),
    _pattern("directed_by", rf"导演(?:是|为|：|:){_LIST}", "Work"),
    _pattern(
        "directed_by",
        rf"{_MAY}(?:执导|导演)(?:了|过|的)?(?:的)?(?:电影|影片|作品|电视剧|科幻片|动画片|纪录片)?{_LIST}",
        "Person",
        reverse=True,
    ),
    _pattern(
        "starring", rf"(?<![^，。、由：:\s》”]){_LIST}(?:共同|联合)?(?:领衔主演|主演|联袂主演|出演)(?!了?《?‹W)", "Work"
    ),
    _pattern("starring", rf"主演(?:有|包括|是|为|：|:){_LIST}", "Work"),
    _pattern(
        "starring", rf"{_MAY}(?:主演|出演|参演)(?:了|过|的)?(?:电影|影片|电视剧)?《?{_LIST}", "Person", reverse=True
    ),
    _pattern("written_by", rf"由{_LIST}(?:编剧|撰写|编写|所著|创作|所写|写成|写)", "Work"),
    _pattern("written_by", rf"(?:作者|编剧)(?:是|为|：|:){_LIST}", "Work"),
    _pattern(
        "written_by",
        rf"{_MAY}(?:撰写|创作|著有|写|编写|写下|出版)(?:了|有|过|的)?(?:长篇小说|小说|著作|作品|诗集)?《?{_LIST}",
        "Person",
        reverse=True,
    ),
    _pattern("performed_by", rf"由{_LIST}(?:演唱|主唱|原唱)", "Work"),
    _pattern("performed_by", rf"{_MAY}(?:演唱)(?:了|过|的)?(?:歌曲|单曲)?《?{_LIST}", "Person", reverse=True),
    _pattern("composed_by", rf"由{_LIST}(?:作曲|谱曲|配乐)", "Work"),
    _pattern("produced_by", rf"由{_LIST}(?:制片|监制|出品|制作)", "Work"),
    _pattern("based_on", rf"(?:改编自)(?:{_MARK}的)?(?:同名)?(?:小说|作品)?《?{_LIST}", "Work"),
    _pattern(
        "released_on",
        r"(?:于|在)?(?P<list>‹D\d+›)(?:在[^，。；]{1,12})?(?:正式)?(?:上映|首映|公映|发行|出版|首播|开播)",
        "Work",
    ),
    _pattern("released_on", r"(?:上映|首映|公映|发行|出版|首播)于(?P<list>‹D\d+›)", "Work"),
    _pattern("born_on", r"(?P<list>‹D\d+›)(?:，)?(?:在‹\p{L}\d+›)*(?:出生|生于|诞生)", "Person"),
    _pattern("born_on", r"(?:出生于|生于|出生在|诞生于)(?P<list>‹D\d+›)", "Person"),
    _pattern("born_in", r"(?:出生于|生于|出生在|诞生于|籍贯)(?:‹D\d+›，?)?(?:于|在)?(?P<list>‹[LlOo]\d+›)", "Person"),
    _pattern("born_in", r"在(?P<list>‹[Ll]\d+›)(?:‹[Ll]\d+›)*出生", "Person"),
    _pattern(
        "died_on",
        r"(?:于|在)?(?P<list>‹D\d+›)，?(?:因[^，。]{1,12})?(?:，)?(?:在‹\p{L}\d+›)*(?:不幸)?(?:逝世|去世|病逝|辞世"
        r"|病故|死于|卒于|逝世于)",
        "Person",
    ),
    _pattern("died_on", r"(?:逝世于|去世于|卒于|病逝于)(?P<list>‹D\d+›)", "Person"),
    _pattern("died_in", r"(?:逝世于|去世于|卒于|病逝于|死于)(?:‹D\d+›，?)?(?P<list>‹[Ll]\d+›)", "Person"),
    _pattern("died_in", r"在(?P<list>‹[Ll]\d+›)(?:‹[Ll]\d+›)*(?:逝世|去世|病逝|辞世)", "Person"),
    _pattern("buried_in", r"(?:安葬于|葬于|安葬在)(?P<list>‹[LlOo]\d+›)", "Person"),
    _pattern("educated_at", rf"(?:毕业于|就读于|求学于|考入|肄业于|毕业自|就读){_WHEN}{_LIST}", "Person"),
    _pattern("works_for", rf"(?:任职于|就职于|供职于|任教于|执教于|工作于|加入){_LIST}", "Person"),
    _pattern(
        "award_received",
        rf"(?:获得|荣获|获|获颁|赢得|斩获)(?:了)?(?:过)?(?:第?[一二三四五六七八九十\d]+届)?(?P<list>(?:{_MARK}的?)*‹A\d+›)",
        "",
    ),
    _pattern("married_to", rf"(?:与|和|同){_LIST}(?:结婚|成婚|结为夫妻|完婚|登记结婚)", "Person"),
    _pattern("married_to", rf"(?:娶(?:了)?|嫁给(?:了)?|迎娶(?:了)?){_LIST}", "Person"),
    _pattern("founded_by", rf"由{_LIST}{_WHEN}(?:等人)?{_MAY}(?:创立|创办|创建|成立|建立|创始)", "Organization"),
    _pattern("founded_by", rf"(?:创始人|创办人|创立者)(?:是|为|：|:){_LIST}", "Organization"),
    _pattern("founded_by", rf"{_WHEN}{_MAY}(?:创立|创办|创建)(?:了|的)?{_LIST}", "Person", reverse=True),
    _pattern("founded_on", r"(?:成立于|创立于|创建于|建立于|始建于|创办于|建于)(?P<list>‹D\d+›)", ""),
    _pattern("founded_on", r"(?P<list>‹D\d+›)(?:由[^，。]{1,20})?(?:正式)?(?:成立|创立|创办|建校)", "Organization"),
    _pattern("headquartered_in", r"总部(?:位于|设在|在|设于)(?P<list>‹[Ll]\d+›)", "Organization"),
    _pattern("located_in", r"(?<!总部)(?:位于|坐落于|坐落在|地处|位处)(?P<list>‹[LlO]\d+›(?:‹[Ll]\d+›)*)", ""),
    _pattern("treats", rf"{_MAY}(?:用于|用来|适用于)?(?:治疗|医治|缓解|治愈){_LIST}(?!的(?:药|方|首选|有效))", ""),
    _pattern(
        "treats",
        rf"{_MAY}(?:采用|使用|应用|服用|通过|用|以|给予){_LIST}(?:来|进行|等进行)*(?:治疗|医治|缓解)",
        "",
        reverse=True,
    ),
    _pattern("causes", rf"{_MAY}(?:导致|引起|造成|引发|诱发)(?:了)?{_LIST}", ""),
    _pattern("causes", rf"由{_LIST}(?:感染|病毒)?(?:所)?(?:引起|导致|所致|造成|引发)", "", reverse=True),
    _pattern(
        "symptom",
        rf"(?:的)?(?:主要|常见|典型|临床|早期|的)*(?:症状|临床表现|表现|体征)(?:主要|通常|一般)?(?:包括|有|为|是|：|:){_LIST}",
        "Concept",
    ),
    _pattern("symptom", rf"{_MAY}(?:表现为|表现出|出现){_LIST}", "Concept"),
    _pattern("prevents", rf"{_MAY}(?:有助于|用于)?(?:预防|防止|避免){_LIST}", ""),
    _pattern("diagnosed_by", rf"{_MAY}(?:通过|依靠|根据|借助|用){_LIST}(?:来|进行)?(?:确诊|诊断|检查出)", "Concept"),
    _pattern("risk_factor", rf"是{_LIST}的(?:主要|重要|常见)?(?:危险因素|风险因素|高危因素|诱因)", "", reverse=True),
    _pattern("part_of", rf"{_MAY}属于{_LIST}", ""),
    _pattern(
        "has_part",
        rf"(?<!症状|表现|体征|原因|方法|因素|检查)(?:主要|通常|一般|还|也)?(?:包括|包含|分为|涵盖)(?:了)?{_LIST}",
        "",
        confidence=0.75,
    ),
    _pattern("has_part", rf"{_MAY}由{_LIST}(?:组成|构成)", ""),
    _pattern("used_for", rf"{_MAY}(?:用于|应用于|用来|适用于)(?!治疗|预防|诊断|缓解){_LIST}", ""),
    _pattern("based_on", rf"{_MAY}(?:基于|建立在){_LIST}", ""),
    _pattern("developed_by", rf"由{_LIST}{_WHEN}{_MAY}(?:提出|开发|发布|推出|研发|发明|设计|研制|打造)", ""),
    _pattern(
        "developed_by", rf"{_WHEN}{_MAY}(?:提出|开发|推出|研发|发明|研制|发布)(?:了|的)?{_LIST}", "Agent", reverse=True
    ),
    _pattern("uses", rf"{_MAY}(?:采用|使用|利用)(?:了)?{_LIST}(?!(?:来|进行)?治疗)", "", confidence=0.75),
    _pattern("improves", rf"{_MAY}(?:提高|提升|改善|增强|改进)(?:了)?{_LIST}", "", confidence=0.75),
)
_GENERIC = words("""
架构 模型 方法 算法 框架 技术 机制 系统 公司 语言 数据集 平台 工具
""")
_KIN = {
    "妻子": "married_to",
    "夫人": "married_to",
    "丈夫": "married_to",
    "配偶": "married_to",
    "父亲": "father",
    "母亲": "mother",
    "儿子": "child",
    "女儿": "child",
    "长子": "child",
    "次子": "child",
    "长女": "child",
    "哥哥": "sibling",
    "弟弟": "sibling",
    "姐姐": "sibling",
    "妹妹": "sibling",
    "兄长": "sibling",
}
_KIN_WORD = "|".join(_KIN)
_PERSON = r"‹[PpOoLlUK]\d+›"
_KIN_IS = regex.compile(
    rf"(?:(?P<owner>{_PERSON})的|其|他的|她的|^|，)(?P<kin>{_KIN_WORD})(?:是|为|叫|名叫|、|，)?\p{{Han}}{{0,4}}?(?P<other>{_PERSON})"
)
_IS_KIN = regex.compile(
    rf"(?P<one>{_PERSON})?(?:是|为|，)\p{{Han}}{{0,4}}?(?P<owner>{_PERSON})"
    rf"(?:和{_PERSON})?的\p{{Han}}{{0,3}}?(?P<kin>{_KIN_WORD})(?!是|为|‹)"
)
_CAPITAL = regex.compile(r"(?P<city>‹[Ll]\d+›)是(?P<land>‹[Ll]\d+›)的(?:首都|省会|首府)")
_CAPITAL_IS = regex.compile(r"(?P<land>‹[Ll]\d+›)的(?:首都|省会|首府)(?:是|为)(?P<city>‹[Ll]\d+›)")
_IS_A = regex.compile(
    r"(?:(?:是|为)一(?:种|个|类|款|项|套|门|位|名|部|首|所|家|座|本|组|张)|是由[^，。]*?的|是[^，。；‹]{0,6}的|是)"
    rf"(?P<before>(?:[^，。；：‹]|{_MARK})*?)(?P<kind>‹K\d+›|‹A\d+›)(?=[，。；！]|$)"
)
_JOB = "|".join(sorted(OCCUPATIONS, key=lambda job: (-len(job), job)))
_WHAT = (
    r"(?:著名|当代|现代|近代|男|女|籍|内地|的|知名|杰出|伟大)*"
    rf"(?P<jobs>(?:{_JOB})(?:(?:、|和|兼|及|暨)(?:\p{{Han}}{{0,2}}?)(?:{_JOB}))*)"
)
_NATION = regex.compile(rf"(?:是|为|，)(?:一[位名个])?(?:著名)?(?:的)?(?P<nation>‹L\d+›){_WHAT}")
_JOBS = regex.compile(rf"(?:是|为)(?:一[位名个])?{_WHAT}")
_LIFE = regex.compile(
    r"(?P<name>‹[Pp]\d+›)[》”]?（[^（）]*?(?P<born>‹D\d+›)(?:[^（）－—\-–至~]*?(?P<dash>[－—\-–至~]+)\s?"
    r"(?P<died>‹D\d+›)?)?[^（）]*?）"
)
_CLAUSE = regex.compile(r"[^，；,;]+")
_PRONOUN = regex.compile(
    r"^(?:此外|同时|随后|后来|目前|其中|而|但|并且|因此|另外|最终|之后)?，?(?P<word>他们|她们|它们|他|她|它|其|该(?:片|病|药|公司|书|模型"
    r"|方法|算法|技术|校|校园|市|歌曲|影片|电影|疾病|系统)|本(?:片|病|书|品)|此(?:病|片|书)|这(?:部|种|首|本|个|款)\p{Han}{1,4}?)"
    r"(?!的(?!主要|常见|症状|临床))"
)
_LEADING = regex.compile(
    rf"^(?:此外|同时|随后|后来|目前|其中|而|但|并且|因此|另外|例如|比如|电影|影片|小说|歌曲|专辑|电视剧|论文|如|在|对于|对|\s)*(?:[《“\"]\s?)?(?P<mark>{_MARK})"
)


def read_chinese(passage: Passage, sentence: Sentence, carried: Mention | None) -> tuple[list[Claim], Mention | None]:
    """The claims of a sentence, and the thing that the next one goes on about if it names none."""
    found: list[Claim] = []
    subject = carried
    pattern = sentence.pattern
    found.extend(_special(passage, sentence, carried))
    for clause in _CLAUSE.finditer(pattern):
        own = _subject_of(passage, sentence, clause, carried)
        previous, subject = carried or subject, own or subject
        found.extend(_clause(passage, sentence, clause.start(), clause.end(), subject, previous))
        if own is not None and (carried is None or not own.coreferent):
            carried = carried if passage.topic is not None and carried is not None else own
    return found, subject if passage.topic is None else carried


def _subject_of(
    passage: Passage, sentence: Sentence, clause: "regex.Match[str]", carried: Mention | None
) -> Mention | None:
    leading = _LEADING.match(clause[0])
    if leading:
        mention = passage.marked(leading["mark"])[0]
        return mention if mention.label not in {"Date", "Quantity"} else None
    pronoun = _PRONOUN.match(clause[0].lstrip())
    if pronoun and carried is not None:
        offset = clause.start() + len(clause[0]) - len(clause[0].lstrip()) + pronoun.start("word")
        start = passage.chunk.start + sentence.at(offset)
        word = pronoun["word"]
        if word in {"他", "她"} and carried.label not in {"Person", "Thing"}:
            passage.dropped["pronoun unresolved"] += 1
            return None
        return replace(carried, start=start, end=start + len(word), coreferent=True, confidence=0.9)
    if pronoun:
        passage.dropped["pronoun unresolved"] += 1
    return None


def _clause(
    passage: Passage, sentence: Sentence, start: int, end: int, subject: Mention | None, carried: Mention | None
) -> Iterator[Claim]:
    pattern = sentence.pattern
    # A list may run over commas, so patterns look past the clause, but must begin in it.
    limit = regex.search(r"[。！？；;\n]", pattern[end:])
    stop = end + limit.start() if limit else len(pattern)
    if regex.search(
        r"(?:不|未|没有|无法|并非|难以)(?:能|会|可|是)?(?:治疗|导致|引起|属于|包括|预防|用于|造成)", pattern[start:end]
    ):
        passage.dropped["negated"] += 1
        return
    taken: set[tuple[str, int]] = set()
    for rule in PATTERNS:
        for match in rule.form.finditer(pattern, start, stop):
            if match.start() >= end or (rule.relation, match.start("list")) in taken:
                continue
            who = _before(passage, pattern, start, match.start()) or subject
            objects = _objects(passage, match["list"])
            if rule.relation == "located_in":
                objects = passage.marked(match["list"])  # "北京市海淀区" is in both
            if rule.relation == "developed_by" and rule.reverse and "由" in pattern[start : match.start()]:
                continue  # "是由‹O1›开发的‹K2›" was read as a definition
            if not objects or (rule.relation == "symptom" and _names_another(pattern[start : match.start()])):
                continue
            if who in objects:
                who = carried if carried not in objects else None
            if who is not None and rule.subject and not passage.fits(who, rule.subject) and carried is not None:
                who = carried
            taken.add((rule.relation, match.start("list")))
            yield from claims(
                passage,
                sentence,
                match.span(),
                who,
                rule.relation,
                objects,
                reverse=rule.reverse,
                confidence=rule.confidence,
            )
    yield from _kinds(passage, sentence, start, end, subject)


def _names_another(before: str) -> bool:
    """Whether "…的症状" follows words that no finder took for a name: the symptoms are not those of the subject."""
    return bool(regex.search(r"\p{Han}{2,}$", before)) and not _PRONOUN.match(before)


def _objects(passage: Passage, pattern: str) -> list[Mention]:
    """The last mark of each item: in "英国‹L›歌手‹K›阿黛尔‹P›" that is the name."""
    found = []
    for item in regex.split(r"、|，|和|与|及|以及|或", regex.sub(r"（[^（）]*）|\([^()]*\)", "", pattern)):
        marked = passage.marked(item)
        if len(marked) > 1 and marked[-1].name in _GENERIC and marked[-2].end == marked[-1].start:
            marked.pop()  # "Transformer架构"
        if marked:
            found.append(marked[-1])
    return found


def _before(passage: Passage, pattern: str, start: int, position: int) -> Mention | None:
    """The mark that stands right before a verb: "…，‹K1›可以治疗"."""
    match = regex.search(rf"(?P<mark>{_MARK})[》”\"]?(?:（[^（）]*）)?(?:是|的|被)?{_MAY}$", pattern[start:position])
    if match is None:
        return None
    mention = passage.marked(match["mark"])[0]
    return mention if mention.label not in {"Date", "Quantity"} else None


def _kinds(passage: Passage, sentence: Sentence, start: int, end: int, subject: Mention | None) -> Iterator[Claim]:
    if subject is None:
        return
    pattern = sentence.pattern[:end]
    if subject.label in {"Person", "", "Thing"}:
        match = _NATION.search(pattern, max(0, start - 1)) or _JOBS.search(pattern, start)
        if match is None:
            return
        if match.groupdict().get("nation"):
            nation = replace(passage.marked(match["nation"])[0], label="Nationality", coreferent=True)
            yield from claims(passage, sentence, match.span("nation"), subject, "nationality", [nation])
        tail = regex.match(rf"(?:(?:、|和|兼|及|，)(?:{_JOB}))*", sentence.pattern[match.end() :])
        text = match["jobs"] + (tail[0] if tail else "")
        begin = match.start("jobs")
        for job in regex.finditer(_JOB, text):
            first = passage.chunk.start + sentence.at(begin + job.start())
            object = Mention(first, first + len(job[0]), job[0], "Occupation", SURE)
            span = (begin + job.start(), begin + job.end())
            yield from claims(passage, sentence, span, subject, "occupation", [object])
        return
    match = _IS_A.search(pattern, start)
    if match and not regex.search(r"的(?:症状|首都|作者|导演|原因)", match[0]):
        kind = passage.marked(match["kind"])[0]
        if kind.name != subject.name and subject.label not in {"Film", "Song", "Album", "Work", "Series"}:
            yield from claims(passage, sentence, match.span(), subject, "instance_of", [kind], confidence=0.85)


def _special(passage: Passage, sentence: Sentence, carried: Mention | None) -> Iterator[Claim]:
    """Life dates in brackets, kin, and capitals: both arguments stand in the pattern."""
    pattern = sentence.pattern
    for match in _LIFE.finditer(pattern):
        person = passage.marked(match["name"])[0]
        yield from claims(passage, sentence, match.span(), person, "born_on", passage.marked(match["born"]))
        if match["died"]:
            yield from claims(passage, sentence, match.span(), person, "died_on", passage.marked(match["died"]))
    for form in (_CAPITAL, _CAPITAL_IS):
        for match in form.finditer(pattern):
            land = passage.marked(match["land"])[0]
            yield from claims(passage, sentence, match.span(), land, "capital", passage.marked(match["city"]))
    for match in _KIN_IS.finditer(pattern):
        owner = (
            passage.marked(match["owner"])[0] if match["owner"] else _back(passage, sentence, match.start(), carried)
        )
        others = passage.marked(match["other"])
        yield from claims(passage, sentence, match.span(), owner, _KIN[match["kin"]], others)
    for match in _IS_KIN.finditer(pattern):
        owner = passage.marked(match["owner"])[0]
        one = passage.marked(match["one"])[0] if match["one"] else _back(passage, sentence, match.start(), carried)
        if one is not None and one.label in {"Person", "Thing", ""}:
            yield from claims(passage, sentence, match.span(), owner, _KIN[match["kin"]], [one])


def _back(passage: Passage, sentence: Sentence, position: int, carried: Mention | None) -> Mention | None:
    """The person that the text is about, named by no word at this place or by "其"."""
    if carried is None or carried.label not in {"Person", "Thing"}:
        return None
    start = passage.chunk.start + sentence.at(position)
    return replace(carried, start=start, end=start + 1, coreferent=True, confidence=SURE)
