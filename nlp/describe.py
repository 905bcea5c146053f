"""What a description says that a thing is: "1968 Hungarian drama film directed by…" → a Film."""

import regex

from nlp.lexicon import HEAD_TYPES, NOT_PERSONS, PERSON_NOUNS, PERSON_SUFFIXES, table, words

# A description ends where another statement about the thing begins.
_END = regex.compile(
    r"\s*(?:[,;:(\"“.](?!\d)(?=[\s\"“]|$)|(?<![-–]\s?)\b(?:that|which|who|whose|whom|where"
    r"|when|directed|written|produced|starring|"
    r"featuring|composed|released|recorded|performed|published|created|based|set|made|from|by"
    r"|for|with|about|born|located|"
    r"situated|best|known|currently|active|noted|famous|dedicated|founded|formed|played|used|found|and\s(?:is|was|the)|"
    r"as|is|was|at|on|to|under|during|since|between|after|before|until)\b(?![-–]))"
)
_WORD = regex.compile(r"[\p{L}][\p{L}\-–'’]*")
_OF = regex.compile(r"\s(?:of|in|for)\b")
_COLLECTIVE = words("""
type kind form sort subtype class variety group set part member series
""")
_SUPERLATIVES = frozenset(
    {"one", "oldest", "largest", "first", "last", "second", "third", "biggest", "smallest", "youngest", "only", "most"}
    | {"title", "name"}
)
_CHINESE_HEADS = table("""
Person: 导演 演员 歌手 作家 诗人 政治家 科学家 数学家 物理学家 化学家 企业家 画家 运动员 教授 学者 皇帝 将军
Person: 军事家 思想家 哲学家 艺术家 医生 记者 教师 编剧 制片人 音乐家 作曲家 女演员 男演员 球员 人物 创始人
Person: 工程师 院士 士 家 者
Film: 电影 影片 纪录片 故事片 动画片 片
Series: 电视剧 剧集 连续剧 综艺节目 动画
Song: 歌曲 单曲 歌
Album: 专辑
Book: 小说 著作 书 图书 长篇小说 诗集 散文集
Periodical: 杂志 报纸 期刊
Organization: 公司 企业 大学 学院 组织 机构 政党 乐队 银行 医院 学校 集团 球队 俱乐部 协会 研究所 实验室 团体
Organization: 高校
Country: 国家 共和国 王国 主权国家 岛国
City: 城市 首都 直辖市 省会 市 县 镇 村 地级市
Place: 省 河流 湖泊 山 山脉 岛 岛屿 地区 省份 建筑 公园 寺庙 景区 河 湖
Event: 战争 战役 事件 比赛 赛事 运动会 起义 会议
Disease: 疾病 癌 病 综合征 传染病 感染 癌症 炎症 肿瘤 恶性肿瘤 疾患 慢性病 症 炎 感染性疾病
Symptom: 症状
Drug: 药物 药品 药 抗生素 疫苗 中成药 解热镇痛药
Treatment: 疗法 治疗方法 手术
Anatomy: 器官 组织器官 腺体
Model: 模型 语言模型 大模型 大语言模型
Dataset: 数据集 语料库 基准
Method: 方法 技术 算法 框架 机制 策略 架构
Language: 语言 编程语言
Product: 软件 产品 手机 汽车 系统 平台
Species: 植物 动物 物种 鸟类
""")
_CHINESE_TYPES = sorted(_CHINESE_HEADS.items(), key=lambda pair: (-len(pair[0]), pair[0]))


def description_of(predicate: str) -> str:
    """The noun phrase that opens a predicate, up to where it starts to tell something else."""
    # "comedy-drama film, …" ends at the comma; "film, television, and theater actor" and "singer, actor" do not matter
    end = _END.search(predicate)
    description = predicate[: end.start()] if end else predicate
    return " ".join(description.replace("- ", "-").split())[:120].strip(" ,.")


def head_of(description: str) -> str:
    """The noun that the description turns on, in lower case: "queen" of "queen of Lotharingia"."""
    core = _OF.split(description, maxsplit=1)
    words = _WORD.findall(core[0])
    if not words:
        return ""
    head: str = words[-1].casefold()
    if head in _COLLECTIVE and len(core) > 1:
        inner = head_of(_OF.split(core[1], maxsplit=1)[0])
        return inner or head
    return head


def type_of(description: str) -> str | None:
    """The type of a thing that this describes, or None when the words do not tell."""
    core, *rest = _OF.split(description, maxsplit=1)
    words = [word.casefold() for word in _WORD.findall(core)]
    if rest and words and words[-1] in _COLLECTIVE:
        return type_of(rest[0])
    for last in range(len(words), 0, -1):  # the head comes last: "film" of "surviving 1916 silent film comedy"
        pair = " ".join(words[max(0, last - 2) : last])
        type = _noun_type(pair) or _noun_type(words[last - 1]) or _person(words[last - 1])
        if type:
            return type
    return type_of(rest[0]) if rest and words and words[-1] in _SUPERLATIVES else None


def _noun_type(noun: str) -> str | None:
    if noun in PERSON_NOUNS:
        return "Person"
    type = HEAD_TYPES.get(noun)
    if type is None and noun.endswith("s"):
        type = HEAD_TYPES.get(noun[:-1])
    return type


def _person(noun: str) -> str | None:
    noun = noun.rsplit("-", 1)[-1]
    if noun in PERSON_NOUNS or (noun.endswith(PERSON_SUFFIXES) and noun not in NOT_PERSONS and len(noun) > 4):
        return "Person"
    return None


def is_occupation(noun: str) -> bool:
    """Whether the noun calls a person by what they do."""
    return _person(noun.casefold()) is not None


def chinese_type(description: str, bracket: str = "") -> str | None:
    """The type that a Chinese description ends in: "英国导演" → Person."""
    if regex.search(r"\d{3,4}年.{0,12}[-—－–~至]|出生|生于", bracket):
        return "Person"
    for part in regex.split(r"[,，、（(]|和|兼", description):
        part = part.strip(' 》”"')
        for head, type in _CHINESE_TYPES:
            if part.endswith(head):
                return type
    return None
