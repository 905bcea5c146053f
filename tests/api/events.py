"""Server-sent events, read as the standard has it (https://html.spec.whatwg.org/multipage/server-sent-events.html)."""

import json
from collections.abc import Iterable, Iterator
from typing import Any


def events(lines: Iterable[str]) -> Iterator[tuple[str, Any]]:
    """The name and the JSON of each event; what is cut off before its blank line is none."""
    name, data = "message", list[str]()
    for line in lines:
        if not line:
            if data:
                yield name, json.loads("\n".join(data))
            name, data = "message", []
            continue
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if field == "event":
            name = value
        elif field == "data":
            data.append(value)
        else:
            assert field in ("", "id", "retry"), line


def comments(lines: Iterable[str]) -> int:
    """How many comments there are."""
    return sum(line.startswith(":") for line in lines)
