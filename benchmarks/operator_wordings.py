"""How the questions of benchmarks/operators.py are worded: of each language and operator, templates.

{a} and {d} are directors, {b} and {e} actors, {c} a writer, {f} and {g} films, {h} a director or an actor, {y} a year.
What the first and the second wording showed to be wrong was mended; for "unseen", nothing was ever changed, nor may be.
"""

FIRST: dict[str, dict[str, tuple[str, ...]]] = {
    "en": {
        "intersection": (
            "Name the movies which {a} directed and in which {b} acted.",
            "I want movies written by {c} and directed by {a}.",
            "Are there any movies starring {b} and directed by {a}?",
        ),
        "union": (
            "List all movies that {a} or {d} directed.",
            "Show me the movies with either {b} or {e} as an actor.",
            "Movies by the director {a} or the director {d}?",
        ),
        "count": (
            "{a} has directed how many movies?",
            "Count the movies that star {b}.",
            "In how many movies has {b} acted?",
        ),
        "comparison": (
            "Of {f} and {g}, which movie is older?",
            "Which one was released later, {f} or {g}?",
            "Between {f} and {g}, which came out earlier?",
        ),
        "superlative": (
            "Which movie of the director {a} is the most recent?",
            "What was the first movie directed by {a}?",
            "What is the newest of the movies that star {b}?",
        ),
        "filter": (
            "What movies released since {y} did {a} direct?",
            "Before {y}, which movies did {b} star in?",
            "Movies directed by {a} and released later than {y}?",
        ),
        "yes or no": (
            "Has {h} directed {f}?",
            "Is {h} an actor in {f}?",
            "Is {h} the director of {f}?",
        ),
        "difference": (
            "Which movies directed by {a} don't star {b}?",
            "Movies that {a} directed but that {c} did not write?",
            "What movies did {a} direct that {b} never acted in?",
        ),
    },
    "zh": {
        "intersection": (
            "由{a}导演、{b}出演的影片有哪些？",
            "请列出{a}执导而且{b}出演的电影。",
            "哪些电影既是{a}执导的又是{c}编剧的？",
        ),
        "union": (
            "列出{a}或者{d}导演的影片",
            "{b}或{e}出演过哪些电影？",
            "{a}或{d}拍过的电影都有哪些？",
        ),
        "count": (
            "{a}一共导演过几部影片？",
            "{b}出演的电影总数是多少？",
            "有多少部影片是{a}执导的？",
        ),
        "comparison": (
            "{f}与{g}相比，哪部更早上映？",
            "{f}和{g}，哪一部上映得更晚？",
            "哪部电影更新，{f}还是{g}？",
        ),
        "superlative": (
            "{a}导演的第一部电影是什么？",
            "{b}出演的影片里，上映时间最晚的是哪一部？",
            "在{a}执导的影片中，哪部最早？",
        ),
        "filter": (
            "{a}在{y}年之后导演过哪些影片？",
            "{b}出演的、{y}年之前上映的电影是哪些？",
            "{y}年以来上映的{a}执导的影片有哪些？",
        ),
        "yes or no": (
            "{h}导演过{f}吗？",
            "{f}的导演是不是{h}？",
            "{h}是否出演了{f}？",
        ),
        "difference": (
            "{a}执导的影片里，哪些不是{b}出演的？",
            "{a}导演但没有{b}出演的电影有哪些？",
            "{a}执导却不是{c}编剧的影片有哪些？",
        ),
    },
}


SECOND: dict[str, dict[str, tuple[str, ...]]] = {
    "en": {
        "intersection": ("Give me the films made by director {a} that feature {b} among the actors.",),
        "union": ("What did {a} or {d} direct?",),
        "count": ("What is the total number of movies {b} appeared in?",),
        "comparison": ("Is it {f} or {g} that was released first?", "Tell me which is newer: {f} or {g}."),
        "superlative": ("Out of the films {a} directed, tell me the oldest.",),
        "filter": ("Name every film with {b} as actor that came out after {y}.",),
        "yes or no": ("Was {f} made under the direction of {h}?", "Does {f} star {h}?"),
        "difference": (
            "Except those starring {b}, which movies did {a} direct?",
            "Which films by director {a} lack {b} as an actor?",
        ),
    },
    "zh": {
        "intersection": ("{a}与{b}合作，前者导演、后者出演的电影有哪些？", "{b}在{a}执导的哪些电影里出演过？"),
        "union": ("不论是{a}还是{d}，他们执导的电影有哪些？", "{b}参演或{e}参演的电影"),
        "count": ("请问{a}导演的作品数量是多少？",),
        "comparison": ("先上映的是{f}还是{g}？",),
        "superlative": ("{a}最近的一部执导作品是哪部？", "{b}最早出演了哪部电影？"),
        "filter": ("上映于{y}年以后、由{a}执导的电影", "{b}在{y}年以前出演了什么电影？"),
        "yes or no": ("{f}这部电影是{h}导演的，对吗？", "请问{h}有没有执导{f}？"),
        "difference": ("除了有{b}出演的，{a}还执导过哪些电影？", "{a}执导过、{b}没参演的电影"),
    },
}


UNSEEN: dict[str, dict[str, tuple[str, ...]]] = {
    "en": {
        "intersection": ("Which pictures has {b} appeared in that {a} was the director of?",),
        "union": ("Which films star {b} or star {e}?",),
        "count": ("Tell me how many films are directed by {a}.",),
        "comparison": ("I wonder which film is older, {f} or {g}.",),
        "superlative": ("The last film that {a} directed is called what?",),
        "filter": ("Which of the films starring {b} were released before {y}?",),
        "yes or no": ("Is it true that {h} directed {f}?", "Was {h} the director of {f}?"),
        "difference": ("Of the films directed by {a}, which ones did not star {b}?",),
    },
    "zh": {
        "intersection": ("有哪些电影是{a}执导、{b}主演的？",),
        "union": ("我想找{a}或{d}执导的电影。",),
        "count": ("{a}执导过的电影一共有几部？",),
        "comparison": ("{f}和{g}哪部先上映？",),
        "superlative": ("{a}执导的最新的电影叫什么？",),
        "filter": ("{a}执导的电影中，哪些是{y}年之后上映的？",),
        "yes or no": ("{h}是不是{f}的导演？",),
        "difference": ("{a}执导的电影有哪些没有由{b}主演？",),
    },
}

WORDINGS = {"first": FIRST, "second": SECOND, "unseen": UNSEEN}
