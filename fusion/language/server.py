"""A language model behind a server that speaks OpenAI's protocol: vLLM, Ollama, llama.cpp and many others.

It only writes text. Every answer is asked for as server-sent events, so that one deadline and one limit of length hold
for all of them, however slowly or endlessly a server may send. What it writes is untrusted: nothing here believes more
of it than that it is text.
"""

import time
from collections.abc import Iterator, Mapping
from itertools import count
from types import TracebackType
from typing import Self

import httpx2
from pydantic import BaseModel, ValidationError
from pydantic_core import from_json

from fusion.errors import LanguageModelError, LanguageServerError, MalformedReplyError, TransientServerError
from fusion.language.events import Guard, data
from fusion.language.protocol import Generation, Options, Writing
from kg.decode import one_line

GREEDY = Options()
TRANSIENT = frozenset({408, 425, 429, 500, 502, 503, 504})  # what may be well a moment later
LONGEST_WAIT = 20.0  # seconds between two tries, whatever the server asks for
CONNECT = 10.0  # seconds for a server to take a connection
LONGEST_NAME = 200  # characters of what a server says that are shown


class _Delta(BaseModel):
    content: str | None = None


class _Choice(BaseModel):
    text: str | None = None  # of a completion
    delta: _Delta = _Delta()  # of a chat
    finish_reason: str | None = None


class _Event(BaseModel):
    choices: list[_Choice] = []
    error: object = None


class _Model(BaseModel):
    id: str


class _Models(BaseModel):
    data: list[_Model]


class ServerModel:
    """A model that a server runs; use it as a context, or close it."""

    def __init__(
        self,
        address: str,
        *,
        model: str = "",
        key: str = "",
        chat: bool = True,
        seconds: float = 120.0,
        tries: int = 3,
        pause: float = 0.5,
    ) -> None:
        """``address`` ends where ``/chat/completions`` begins, as in ``http://localhost:11434/v1``.

        ``chat``: the prompt is what a user says, and otherwise the beginning of a text. ``seconds`` is the longest
        that an answer may take, all its ``tries`` together; ``pause`` is waited after the first and doubles.

        Raises:
            LanguageModelError: the address is none that can be asked, or the key none that can be sent.
        """
        if "@" in address:  # looked at first, so that no other message shows it
            raise LanguageModelError("A server's address may not hold a user or password; give the key apart from it.")
        try:
            url = httpx2.URL(address)
            known = url.scheme in ("http", "https") and url.host
        except httpx2.InvalidURL:
            known = False
        if not known:
            raise LanguageModelError(f"{one_line(address)}: is no address of a server; write http(s)://HOST/v1.")
        if not (key.isascii() and key.isprintable()):
            raise LanguageModelError("The key of the language model's server holds characters that no key has.")
        self._address = address.rstrip("/")
        self._model = model
        self._key = key
        self._chat = chat
        self._seconds = seconds
        self._tries = tries
        self._pause = pause
        self._client = httpx2.Client(
            headers={"Accept-Encoding": "identity"} | ({"Authorization": f"Bearer {key}"} if key else {}),
            follow_redirects=False,  # the key goes to this address and no other
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the connections."""
        self._client.close()

    @property
    def name(self) -> str:
        """The model and where it runs."""
        return f"{self._model or 'a model'} at {self._address}"

    def generate(
        self, prompt: str, *, options: Options = GREEDY, schema: Mapping[str, object] | None = None
    ) -> Generation:
        """The text after the prompt; with a JSON schema, a whole JSON text, which the caller must still validate.

        Raises:
            LanguageServerError: the server does not answer in time, or refuses.
            MalformedReplyError: it answered with something that is no answer, or no JSON where a schema asked for it.
        """
        deadline = time.monotonic() + self._seconds
        for attempt in count(1):
            finish = _Finish()
            try:
                text = "".join(self._ask(prompt, options, schema, finish, deadline))
                break
            except TransientServerError as error:
                self._wait(error, attempt, deadline)
        if schema is not None:
            self._check_json(text, finish)
        return Generation(text, ended=finish.reason == "stop")

    def stream(self, prompt: str, *, options: Options = GREEDY, schema: Mapping[str, object] | None = None) -> Writing:
        """The same text piece by piece; once one was given, nothing is tried again. Raises as `generate` does."""
        deadline = time.monotonic() + self._seconds
        finish, pieces = _Finish(), list[str]()
        for attempt in count(1):
            try:
                for piece in self._ask(prompt, options, schema, finish, deadline):
                    pieces.append(piece)
                    yield piece
                break
            except TransientServerError as error:
                if pieces:
                    raise
                self._wait(error, attempt, deadline)
        text = "".join(pieces)
        if schema is not None:
            self._check_json(text, finish)
        return Generation(text, ended=finish.reason == "stop")

    def models(self) -> list[str]:
        """The models that the server says it has.

        Raises:
            LanguageServerError: the server does not answer in time, or refuses.
            MalformedReplyError: it answered with something that is no list of models.
        """
        guard = Guard(self._address, time.monotonic() + self._seconds)
        body = b"".join(self._send("GET", "/models", None, guard))
        try:
            return [found.id for found in _Models.model_validate_json(body).data]
        except ValidationError as error:
            raise self._malformed("no list of models") from error

    def _ask(
        self, prompt: str, options: Options, schema: Mapping[str, object] | None, finish: "_Finish", deadline: float
    ) -> Iterator[str]:
        """One try: the pieces of one answer."""
        if not self._model:
            self._model = self._only_model()
        guard = Guard(self._address, deadline)
        path = "/chat/completions" if self._chat else "/completions"
        for event in data(self._send("POST", path, self._request(prompt, options, schema), guard)):
            if event == b"[DONE]":
                break
            yield from self._read(event, finish)
        if not finish.reason:
            raise TransientServerError(f"{self._address}: the answer broke off; see what the server's log says.")

    def _request(self, prompt: str, options: Options, schema: Mapping[str, object] | None) -> dict[str, object]:
        request: dict[str, object] = {
            "model": self._model,
            "max_tokens": options.max_tokens,
            "temperature": options.temperature,
            "top_p": options.top_p,
            "seed": options.seed,
            "stream": True,
        }
        request |= {"messages": [{"role": "user", "content": prompt}]} if self._chat else {"prompt": prompt}
        if options.stop:
            request["stop"] = list(options.stop)
        if schema is not None:
            asked = {"name": "answer", "schema": dict(schema), "strict": True}
            request["response_format"] = {"type": "json_schema", "json_schema": asked}
        return request

    def _send(self, method: str, path: str, request: dict[str, object] | None, guard: Guard) -> Iterator[bytes]:
        """The body of a reply, as it comes in."""
        left = max(guard.deadline - time.monotonic(), 0.001)
        timeout = httpx2.Timeout(left, connect=min(left, CONNECT))
        try:
            with self._client.stream(method, self._address + path, json=request, timeout=timeout) as response:
                if response.status_code != httpx2.codes.OK:
                    raise self._refused(response, guard)
                kind = response.headers.get("content-type", "").partition(";")[0].strip()
                if request is not None and kind != "text/event-stream":
                    raise self._malformed(f"{one_line(kind) or 'something'} and no stream of events")
                yield from guard(response.iter_bytes())
        except httpx2.TimeoutException as error:
            raise TransientServerError(
                f"{self._address}: did not answer in time; see whether the server is busy, or allow it more seconds."
            ) from error
        except httpx2.TransportError as error:
            raise TransientServerError(
                f"{self._address}: cannot be reached ({one_line(str(error)) or type(error).__name__}); "
                "start the server, or correct the address."
            ) from error
        except httpx2.DecodingError as error:
            raise self._malformed("a body that is not packed as it says") from error

    def _read(self, event: bytes, finish: "_Finish") -> Iterator[str]:
        try:
            found = _Event.model_validate_json(event)
        except ValidationError as error:
            raise self._malformed("an event that is no part of an answer") from error
        if found.error is not None:
            raise LanguageServerError(f"{self._address}: failed while it wrote ({self._shown(found.error)}).")
        for choice in found.choices[:1]:
            finish.reason = choice.finish_reason or finish.reason
            if text := (choice.delta.content if self._chat else choice.text):
                yield text

    def _refused(self, response: httpx2.Response, guard: Guard) -> LanguageServerError:
        body = b"".join(guard(response.iter_bytes()))
        try:
            found = from_json(body)
        except ValueError:
            found = body.decode("utf-8", "replace")
        said = found.get("error", found) if isinstance(found, dict) else found
        status = response.status_code
        message = f"{self._address}: refused with status {status} ({self._shown(said)})"
        if status in TRANSIENT:
            return TransientServerError(f"{message}; try again later.", after=_seconds(response))
        if status in (401, 403):
            return LanguageServerError(f"{message}; give the key that this server expects.")
        if status == 404:
            return LanguageServerError(f"{message}; correct the address, or the model's name ({self._model}).")
        return LanguageServerError(f"{message}; see what the server's log says.")

    def _wait(self, error: TransientServerError, attempt: int, deadline: float) -> None:
        """Wait before the next try; what speaks against one is raised."""
        seconds = min(max(error.after, self._pause * 2 ** (attempt - 1)), LONGEST_WAIT)
        if attempt >= self._tries or time.monotonic() + seconds >= deadline:
            raise error
        time.sleep(seconds)

    def _only_model(self) -> str:
        names = self.models()
        if len(names) == 1:
            return names[0]
        listed = ", ".join(one_line(name)[:LONGEST_NAME] for name in names[:5]) or "none"
        raise LanguageModelError(f"{self._address}: offers {len(names)} models ({listed}); name the one to use.")

    def _check_json(self, text: str, finish: "_Finish") -> None:
        try:
            from_json(text)
        except ValueError as error:
            if finish.reason == "length":
                raise self._malformed("JSON that the limit of tokens cut off") from error
            raise self._malformed("text where JSON was asked for") from error

    def _malformed(self, what: str) -> MalformedReplyError:
        return MalformedReplyError(f"{self._address}: sent {what}; see whether it speaks OpenAI's protocol.")

    def _shown(self, said: object) -> str:
        """What a server says of an error, in one line, without the key, should it repeat it."""
        if isinstance(said, dict):
            said = said.get("message", said)
        text = str(said)
        return one_line(text.replace(self._key, "…") if self._key else text)[:LONGEST_NAME]


class _Finish:
    """Why an answer ended; empty as long as it has not."""

    reason = ""


def _seconds(response: httpx2.Response) -> float:
    """How long the server asks to wait, where it says so in seconds."""
    asked = response.headers.get("retry-after", "")
    return float(asked) if asked.isdecimal() else 0.0
