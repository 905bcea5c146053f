"""Mention finders for Chinese: the title, known names, works in 《》, dates, LAC's names, Latin terms, noun phrases."""

from typing import TYPE_CHECKING

import regex

from kg.facts import Chunk, Topic
from nlp.dates import find_dates
from nlp.describe import chinese_type
from nlp.entities import Mentions
from nlp.gazetteer import Gazetteer
from nlp.lexicon import words
from nlp.names import SURE, clean_name

if TYPE_CHECKING:
    from spacy.tokens import Doc

_LAC_TYPES = {"PER": "Person", "LOC": "Place", "ORG": "Organization"}
_LAC_CONFIDENCE = 0.85
COUNTRIES = words("""
中国 美国 英国 法国 德国 日本 韩国 朝鲜 俄罗斯 苏联 印度 意大利 西班牙 葡萄牙 加拿大 澳大利亚
新西兰 巴西 阿根廷 墨西哥 荷兰 比利时 瑞士 瑞典 挪威 丹麦 芬兰 冰岛 爱尔兰 奥地利 波兰 捷克
匈牙利 希腊 土耳其 埃及 南非 以色列 伊朗 伊拉克 沙特阿拉伯 泰国 越南 新加坡 马来西亚 印度尼西亚
菲律宾 缅甸 柬埔寨 老挝 蒙古 巴基斯坦 孟加拉国 尼泊尔 斯里兰卡 乌克兰 罗马尼亚 保加利亚 智利 秘鲁
哥伦比亚 古巴 委内瑞拉 尼日利亚 肯尼亚 埃塞俄比亚 摩洛哥 中华人民共和国 中华民国 大韩民国 美利坚合众国
""")
OCCUPATIONS = words("""
导演 演员 女演员 男演员 歌手 作家 诗人 政治家 科学家 数学家 物理学家 化学家 生物学家 天文学家
企业家 画家 书法家 运动员 教授 学者 军事家 思想家 哲学家 艺术家 医生 记者 教师 编剧 制片人 音乐家
作曲家 球员 工程师 院士 小说家 翻译家 教育家 文学家 发明家 革命家 历史学家 经济学家 计算机科学家
心理学家 律师 主持人 舞蹈家 钢琴家 摄影师 建筑师 设计师 飞行员 宇航员 足球运动员 篮球运动员 监制
模特 词作者 音乐人 唱片制作人 商人 外交官 法学家 社会学家 语言学家 剧作家 电影导演
""")
_WORK = regex.compile(
    r"(?:(?P<Film>电影|影片|纪录片|故事片|动画片)|(?P<Series>电视剧|连续剧|剧集|网剧)|(?P<Song>歌曲|单曲|曲目)|(?P<Album>专辑)"
    r"|(?P<Book>小说|著作|书籍|长篇小说|散文|诗集|传记|书)|(?P<Periodical>杂志|报纸|期刊))?《(?P<name>[^《》\n]{1,60})》"
)
_LATIN = regex.compile(r"[A-Za-z][A-Za-z0-9]*(?:[-+./_][A-Za-z0-9]+)*\+*(?:\s(?:[A-Z0-9][A-Za-z0-9-]*))*")
_INSIDE = frozenset({"n", "nz", "vn", "an", "a", "j", "nr", "ns", "nt", "b", "s"})
_HEADS = frozenset({"n", "nz", "vn", "an", "j"})
_SCHOOL_OR_FIRM = regex.compile(
    r"[^，。、；（）《》\s的在于和与是]{0,8}?(?:大学|学院|学校|中学|公司|医院|研究所|研究院|银行)"
)
_ILLNESSES = words("""
感冒 中风 过敏 骨折 中暑 脑卒中 高血压 流感 冠心病 肺炎 癌症 肺癌
""")
_MEANS = regex.compile(r"(?:采用|使用|应用|服用|通过|给予|用|以)$")
_AWARD = regex.compile(r"(?:奖|奖项|勋章|奖章|大奖)$")
_VAGUE = words("""
人 时候 方面 问题 情况 时间 地方 东西 方式 结果 原因 作用 过程 内容 部分 工作 时期 一种 主要
重要 常见 不同 症状 表现 方法 患者 病人 儿子 女儿 妻子 丈夫 父亲 母亲 夫人 首都 省会 作者 总部
成员 导演 主演 创始人 特点 特征 目的 基础 意义 影响 关系 例子 领域 任务 能力 效果 性能 模型
技术 系统 数据 参数 治疗 预防 疾病 药物 风险 因素 检查 诊断 出生 毕业 结婚 逝世 去世 去世 家庭
名字 世界 社会 生活 危险因素 临床表现 哥哥 弟弟 姐姐 妹妹 孩子 平台 公司 电影 影片 小说 歌曲
专辑 书 文章 论文 研究 发展 使用 应用 提出 开发 发布 创立 执导 编剧 演唱 作曲 出品 发行 上映
等 各种 多种 其他 广泛 有效 高效 严重 典型 早期 晚期 急性 慢性
""")
_SYMPTOMS = words("""
发热 发烧 咳嗽 头痛 头晕 恶心 呕吐 腹痛 腹泻 乏力 疲劳 胸闷 胸痛 气短 呼吸困难 流鼻涕 鼻塞 咽痛
皮疹 瘙痒 出血 水肿 便秘 失眠 心悸 食欲不振 消瘦 盗汗 黄疸 口渴 多饮 多尿 视力模糊 耳鸣 抽搐
昏迷 寒战 喉咙痛 肌肉酸痛 关节痛 打喷嚏 咳痰 贫血
""")
_ADJECTIVES = frozenset({"a", "an", "b"})


def find_chinese_names(chunk: Chunk, parsed: "Doc", *, topic: Topic | None, gazetteer: Gazetteer) -> Mentions:
    """The names, dates and noun phrases of a Chinese chunk."""
    mentions = Mentions(chunk)
    text = chunk.text
    if topic is not None:
        _find_topic(mentions, topic)
    for match in _WORK.finditer(text):
        kinds = {known.type for known in gazetteer.topics(match["name"])}
        label = next((kind for kind, word in match.groupdict().items() if word and kind != "name"), "")
        label = label or (kinds.pop() if len(kinds) == 1 else "Work")
        mentions.add(match.start("name"), match.end("name"), clean_name(match["name"]), label, SURE)
    for known in gazetteer.matches(text):
        types = {t.type for t in gazetteer.topics(known.name)}
        if len(types) == 1:
            mentions.add(known.start, known.end, clean_name(known.name), types.pop(), SURE)
    for start, end, name in find_dates(text):
        mentions.add(start, end, name, "Date", 1.0)
    _find_lac(mentions, parsed)
    for match in _LATIN.finditer(text):
        if len(match[0]) > 1 and match[0].casefold() not in {"the", "of", "and", "in", "to", "is", "it"}:
            mentions.add(match.start(), match.end(), clean_name(match[0]), "Concept", _LAC_CONFIDENCE)
    _find_phrases(mentions, parsed)
    return mentions


def _find_topic(mentions: Mentions, topic: Topic) -> None:
    for name in sorted({topic.name, *topic.aliases}, key=lambda n: (-len(n), n)):
        at = mentions.text.find(name) if len(name) > 1 else -1
        while at >= 0:
            mentions.add(at, at + len(name), topic.name, topic.type, 1.0)
            at = mentions.text.find(name, at + len(name))


def _find_lac(mentions: Mentions, parsed: "Doc") -> None:
    entities = [(ent.start_char, ent.end_char, ent.label_) for ent in parsed.ents]
    for start, end, label in entities:
        type = _LAC_TYPES.get(label)
        surface = mentions.text[start:end]
        name = clean_name(surface)
        if type is None or len(name) < 2 or not any(c.isalpha() for c in name):
            continue
        if name.isascii() and " " not in name:
            continue  # LAC takes "Transformer" for a person
        if type == "Place":
            longer = _SCHOOL_OR_FIRM.match(mentions.text, end)
            if longer and name not in COUNTRIES:
                end, type = longer.end(), "Organization"
                name = clean_name(mentions.text[start:end])
            elif name[:2] in COUNTRIES and len(name) == 4:  # "中国现代"
                end, name = start + 2, name[:2]
        sure = name in COUNTRIES
        confidence = SURE if sure or type == "Person" else _LAC_CONFIDENCE
        mentions.add(start, end, name, "Country" if sure else type, confidence)


def _find_phrases(mentions: Mentions, parsed: "Doc") -> None:
    """Runs of nouns, and of the adjectives and verbal nouns before them."""
    run: list[tuple[int, int, str, str]] = []

    def flush() -> None:
        while run and (run[0][3] in _VAGUE and len(run) > 1 and run[0][2] in _ADJECTIVES):
            run.pop(0)
        if len(run) > 1 and run[-1][3] in {"治疗", "预防", "诊断"} and _MEANS.search(mentions.text, 0, run[0][0]):
            run.pop()  # "采用青霉素治疗": the last word is the verb
        while run and run[-1][2] not in _HEADS:
            run.pop()
        if run:
            start, end = run[0][0], run[-1][1]
            name = clean_name(mentions.text[start:end])
            if len(name) >= 2 and not (len(run) == 1 and name in _VAGUE) and len(name) <= 24:
                mentions.add(start, end, name, _type_of(name), SURE)
        run.clear()

    for token in parsed:
        start, end = token.idx, token.idx + len(token.text)
        symptom = token.text in _SYMPTOMS or token.text in _ILLNESSES
        if token.text in OCCUPATIONS:
            flush()  # patterns read these words themselves
        elif (token.tag_ in _INSIDE or symptom) and mentions.free(start, end):
            tag = "n" if symptom else token.tag_
            run.append((start, end, tag, token.text))
            if symptom:
                flush()
        else:
            flush()
    flush()


def _type_of(name: str) -> str:
    if name in _SYMPTOMS:
        return "Symptom"
    if name in _ILLNESSES or name.endswith("癌"):
        return "Disease"
    if _AWARD.search(name):
        return "Award"
    type = chinese_type(name)
    if type in {
        None,
        "Person",
        "Film",
        "Song",
        "Album",
        "Series",
        "Book",
        "City",
        "Place",
        "Country",
        "Event",
        "Product",
    }:
        return "Concept"
    return type if type != "Organization" else "Concept"
