"""Chinese and English are told apart, and no other language is taken for either."""

import pytest

from nlp.script import detect


@pytest.mark.parametrize(
    "text",
    [
        "糖尿病是一组以高血糖为特征的代谢性疾病。",
        "糖尿病",
        "臺灣位於東亞，是一個島嶼。",
        "使用 Transformer 的 self-attention 机制来对输入序列进行 encode，再经过 softmax 得到 attention 权重。",
        "我们在 ImageNet 上 fine-tune 了 ResNet-50 模型，top-1 accuracy 达到 76.1%。",
        "LLM（大语言模型）的 prompt 需要包含 context 和 instruction。",
        "鲜の每日奶茶店今天开业，欢迎大家光临。",
        "2型糖尿病患者应定期检查HbA1c。",
    ],
)
def test_chinese(text: str) -> None:
    assert detect(text) == "zh"


@pytest.mark.parametrize(
    "text",
    [
        "Teutberga was a queen of Lotharingia by marriage to Lothair II.",
        "Mao Zedong (毛泽东; 1893 – 1976) was a Chinese politician, theorist and revolutionary of the 20th century.",
        "Bryan Gunn, Scottish footballer",
        "Diabetes",
        "The Cyrillic letter Ж is pronounced as in measure.",
        "Amélie est un film: Amélie is a 2001 French-language romantic comedy film directed by Jean-Pierre Jeunet.",
        "It was 3.5 km from Île-de-France to the café of Gérard and Zoë.",
    ],
)
def test_english(text: str) -> None:
    assert detect(text) == "en"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "12345 — 67.8 %",
        "🎉🎉🎉",
        "東京都は日本の首都であり、人口は約1400万人です。",
        "カタカナ",
        "日本国憲法は、日本の現行の憲法である。",
        "서울은 대한민국의 수도이다.",
        "大韓民國의 首都는 서울이다.",
        "Москва — столица России, город федерального значения.",
        "القاهرة هي عاصمة مصر",
        "ירושלים היא בירת ישראל",
        "Paris est la capitale de la France et le siège du gouvernement.",
        "Der Film wurde von einem deutschen Regisseur in Berlin gedreht und ist nicht lang.",
        "El director de la película nació en Madrid y murió en Barcelona.",
        "Thành phố Hồ Chí Minh là thành phố lớn nhất",
    ],
)
def test_neither(text: str) -> None:
    assert detect(text) == "und"


def test_a_long_text_without_english_words_is_not_english() -> None:
    assert detect("Lorem ipsum dolor sit amet consectetur adipiscing elit sed eiusmod tempor " * 3) == "und"
