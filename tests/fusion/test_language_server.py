"""A model behind a server: what is asked of it, and every way in which an answer can go wrong."""

import json
import socket

import pytest

from fusion.errors import LanguageModelError, LanguageServerError, MalformedReplyError
from fusion.language import Options, TextModel, open_model
from fusion.language.server import ServerModel
from tests.fusion.language_server import Reply, Script, chunk, drips, hangs_up, promises, says, sends, serving

KEY = "sk-very-secret"
END = b"data: [DONE]\n\n"


def opened(script: Script, *, seconds: float = 20.0, chat: bool = True, tries: int = 3) -> ServerModel:
    return ServerModel(script.address, model="small", key=KEY, seconds=seconds, chat=chat, tries=tries, pause=0.001)


def test_a_chat_is_asked_for_and_read() -> None:
    options = Options(max_tokens=9, temperature=0.5, top_p=0.9, seed=3, stop=("\n",))
    with serving(says("Johan", " Earl 北京 🧶")) as script, opened(script) as model:
        text: TextModel = model
        found = text.generate("Who?", options=options)
        assert (found.text, found.ended) == ("Johan Earl 北京 🧶", True)
        assert list(text.stream("Who?")) == ["Johan", " Earl 北京 🧶"]
    path, headers, request = script.asked[0]
    assert path == "/v1/chat/completions"
    assert headers["Authorization"] == f"Bearer {KEY}"
    assert request == {
        "model": "small",
        "messages": [{"role": "user", "content": "Who?"}],
        "max_tokens": 9,
        "temperature": 0.5,
        "top_p": 0.9,
        "seed": 3,
        "stop": ["\n"],
        "stream": True,
    }


def test_a_text_is_completed() -> None:
    with serving(says(" Paris", chat=False, finish="length")) as script, opened(script, chat=False) as model:
        found = model.generate("The capital of France is")
    assert (found.text, found.ended) == (" Paris", False)
    assert script.asked[0][0] == "/v1/completions"
    assert script.asked[0][2]["prompt"] == "The capital of France is"


def test_a_schema_is_passed_on_and_what_is_no_json_refused() -> None:
    schema = {"type": "object", "properties": {"answer": {"enum": ["Paris", "Berlin"]}}}
    replies = (
        says('{"answer": ', '"Paris"}'),
        says("Paris, of course"),
        says('{"answer": "Pa', finish="length"),
        says("[" * 100_000),
    )
    with serving(*replies) as script, opened(script) as model:
        assert json.loads(model.generate("?", schema=schema).text) == {"answer": "Paris"}
        with pytest.raises(MalformedReplyError, match="text where JSON was asked for"):
            model.generate("?", schema=schema)
        with pytest.raises(MalformedReplyError, match="limit of tokens cut off"):
            model.generate("?", schema=schema)
        with pytest.raises(MalformedReplyError, match="text where JSON was asked for"):
            model.generate("?", schema=schema)
    asked = script.asked[0][2]["response_format"]
    assert asked["type"] == "json_schema"
    assert asked["json_schema"]["schema"] == schema


def test_the_only_model_of_a_server_needs_no_name() -> None:
    one = sends(b'{"object": "list", "data": [{"id": "small", "object": "model"}]}', kind="application/json")
    two = sends(b'{"data": [{"id": "a"}, {"id": "b"}]}', kind="application/json")
    with serving(one, says("yes")) as script:
        model = open_model(script.address)
        assert isinstance(model, ServerModel)
        with model:
            assert model.generate("?").text == "yes"
            assert model.name == f"small at {script.address}"
        assert script.asked[1][2]["model"] == "small"
        assert "Authorization" not in script.asked[1][1]
    with (
        serving(two) as script,
        ServerModel(script.address) as model,
        pytest.raises(LanguageModelError, match=r"offers 2 models \(a, b\)"),
    ):
        model.generate("?")


@pytest.mark.parametrize(
    "transient",
    [
        sends(b'{"error": {"message": "busy"}}', status=429, kind="application/json", retry_after="0"),
        sends(b"", status=503),
        hangs_up,
        sends(chunk("Jo")),  # no end
        promises(chunk("Jo"), length=5000),
    ],
    ids=["busy", "starting", "no reply", "broken off", "cut off"],
)
def test_what_may_go_away_is_tried_again_but_not_for_ever(transient: Reply) -> None:
    with serving(transient, transient, says("Johan Earl")) as script, opened(script) as model:
        assert model.generate("?").text == "Johan Earl"
        assert len(script.asked) == 3
    with serving(transient) as script, opened(script) as model:
        with pytest.raises(LanguageServerError) as caught:
            model.generate("?")
        assert len(script.asked) == 3
    assert one_clear_line(caught.value, script)


def test_a_stream_is_not_tried_again_once_it_was_shown() -> None:
    with serving(hangs_up, promises(chunk("Jo"), length=5000), says("Johan")) as script, opened(script) as model:
        stream = model.stream("?")
        assert next(stream) == "Jo"
        with pytest.raises(LanguageServerError):
            next(stream)
        assert len(script.asked) == 2


def test_a_server_gets_no_more_time_than_it_was_given() -> None:
    with serving(hangs_up) as script, opened(script, seconds=0.0) as model, pytest.raises(LanguageServerError):
        model.generate("?")
    for reply in (drips(b": still there\n\n", every=0.01), drips(chunk("la "), every=0.01), drips(b"x", every=0.01)):
        with serving(reply) as script, opened(script, seconds=0.3, tries=1) as model:
            with pytest.raises(LanguageServerError, match="more seconds") as caught:
                model.generate("?")
            assert one_clear_line(caught.value, script)


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (sends(b"<html>Welcome</html>", kind="text/html"), "text/html and no stream"),
        (sends(b'{"choices": []}', kind="application/json"), "no stream of events"),
        (sends(b"data: {\n\n" + END), "no part of an answer"),
        (sends(b"data: 7\n\n" + END), "no part of an answer"),
        (sends(b'data: {"choices": "none"}\n\n' + END), "no part of an answer"),
        (sends(b'data: {"choices": [{"delta": {"content": 7}}]}\n\n' + END), "no part of an answer"),
        (sends(b'data: {"choices": [{"delta": {"content": "\\ud800"}}]}\n\n' + END), "no part of an answer"),
        (sends(b'data: {"choices": [{"delta": {"content": "\xff"}}]}\n\n' + END), "no part of an answer"),
        (sends(b"data: " + b"[" * 5000 + b"\n\n" + END), "no part of an answer"),
        (sends(b"y" * (5 * 1024 * 1024)), "more than"),
        (sends(b"\x1f\x8bnot gzip at all", content_encoding="gzip"), "not packed as it says"),
    ],
    ids=["page", "json", "broken", "number", "shape", "type", "surrogate", "bytes", "deep", "endless", "gzip"],
)
def test_what_is_no_answer_is_one_clear_line(reply: Reply, said: str) -> None:
    with serving(reply) as script, opened(script) as model:
        with pytest.raises(MalformedReplyError, match=said) as caught:
            model.generate("?")
        assert len(script.asked) == 1
    assert one_clear_line(caught.value, script)


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (401, b'{"error": {"message": "Incorrect API key provided: ' + KEY.encode() + b'"}}', "key that this server"),
        (404, b'{"error": {"message": "model small does not exist"}}', r"the model's name \(small\)"),
        (400, b'{"error": "context length\\nexceeded \x1b[31m"}', "context length"),
        (302, b"", "status 302"),
        (400, b"[" * 100_000, "status 400"),
        (418, b"\xff" * 3000, "status 418"),
        (200, b'data: {"error": {"message": "out of memory"}}\n\n', "failed while it wrote .out of memory"),
    ],
)
def test_a_refusal_says_why_and_what_to_do(status: int, body: bytes, said: str) -> None:
    with (
        serving(sends(body, status=status, location="http://127.0.0.1:1/elsewhere")) as script,
        opened(script) as model,
    ):
        with pytest.raises(LanguageServerError, match=said) as caught:
            model.generate("?")
        assert len(script.asked) == 1
    assert one_clear_line(caught.value, script)


def test_nothing_listens() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{free.getsockname()[1]}/v1"
        with (
            ServerModel(address, model="small", pause=0.001) as model,
            pytest.raises(LanguageServerError, match="start the server, or correct the address"),
        ):
            model.generate("?")


@pytest.mark.parametrize(
    "address", ["http://", "ftp://example.org", "http://user:word@127.0.0.1/v1", "http://[::1/v1", "http://a:port/v1"]
)
def test_an_address_that_cannot_be_asked(address: str) -> None:
    with pytest.raises(LanguageModelError) as caught:
        ServerModel(address)
    assert "word" not in str(caught.value).replace("password", "")


@pytest.mark.parametrize("key", ["two\nlines", "schlüssel"])
def test_a_key_that_cannot_be_sent_is_not_shown(key: str) -> None:
    with pytest.raises(LanguageModelError, match="no key has") as caught:
        ServerModel("http://127.0.0.1:1/v1", key=key)
    assert key not in str(caught.value)


def test_a_list_of_models_that_is_none() -> None:
    with (
        serving(sends(b"[]", kind="application/json")) as script,
        opened(script) as model,
        pytest.raises(MalformedReplyError, match="no list of models"),
    ):
        model.models()


def one_clear_line(error: Exception, script: Script) -> bool:
    text = str(error)
    assert text.startswith(script.address)
    assert text.isprintable(), text
    assert KEY not in text
    return len(text) < 400
