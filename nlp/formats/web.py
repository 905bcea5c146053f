"""HTML and Markdown: the text as a browser would show it, one line a block, a blank line between paragraphs."""

import re
from collections.abc import Iterator

from lxml import etree
from markdown_it import MarkdownIt

from kg.decode import one_line
from kg.errors import InputError
from nlp.formats.pieces import Piece


def _tags(*lines: str) -> frozenset[str]:
    return frozenset(" ".join(lines).split())


_PARAGRAPHS = _tags(
    "p h1 h2 h3 h4 h5 h6 ul ol dl table blockquote pre figure hr article section main header footer aside details",
    "fieldset form address",
)
_BLOCKS = _tags("div li dt dd tr caption thead tbody tfoot figcaption summary legend body center option hgroup")
_CELLS = _tags("td th")
_UNSEEN = _tags(
    "script style noscript template nav head title svg iframe object embed audio video canvas select datalist map",
    "annotation annotation-xml",
)
_SPACES = re.compile(r"[ \t\n\r\f]+")
_SOFT = str.maketrans({"\xa0": " ", "\xad": None, "\u200b": None, "\ufeff": None})
_HIDDEN = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)
_META_CHARSET = re.compile(rb"""<meta[^>]+charset\s*=\s*["']?\s*([a-zA-Z0-9_.:-]+)""", re.IGNORECASE)
_FRONT_MATTER = re.compile(r"\A---[ \t]*\n(.*?\n)?(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL)
_FRONT_TITLE = re.compile(r"""^title[ \t]*:[ \t]*(["']?)(.*?)\1[ \t]*$""", re.MULTILINE)


def declared_charset(head: bytes) -> str | None:
    """The encoding that a page says it is in."""
    found = _META_CHARSET.search(head)
    return found[1].decode("ascii").lower() if found else None


def read_html(markup: str, *, source: str) -> Piece:
    """The text of a page, and its title: that of its head, or its first main heading.

    Raises:
        InputError: its elements nest so deep that the parser gives up.
    """
    parser = etree.HTMLParser(encoding="utf-8", huge_tree=True, remove_comments=True, remove_pis=True)
    data = markup.encode("utf-8", "replace")
    root = etree.fromstring(data, parser) if markup.strip() else None
    if any(entry.type_name == "ERR_RESOURCE_LIMIT" for entry in parser.error_log):
        raise InputError(f"{one_line(source)}: nests more than 2,000 elements; save it as text and read that")
    if root is None:
        return Piece("")
    title = _plain(next(root.iter("title"), None)) or _plain(next(root.iter("h1"), None))
    return Piece(_render(root), title)


def read_markdown(markup: str, *, source: str) -> Piece:
    """The text of a Markdown file, and its title: that of its front matter, or its first main heading.

    Raises:
        InputError: the HTML in it nests so deep that the parser gives up.
    """
    title = ""
    if front := _FRONT_MATTER.match(markup):
        markup = markup[front.end() :]
        found = _FRONT_TITLE.search(front[1] or "")
        title = found[2] if found else ""
    page = read_html(MarkdownIt("commonmark").enable(["table", "strikethrough"]).render(markup), source=source)
    return Piece(page.text, title or page.title)


def _plain(element: "etree._Element | None") -> str:
    return "" if element is None else _render(element, whole=True).replace("\n", " ")


class _Page:
    """Text as it is laid out: white space collapses, blocks begin on lines of their own."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._breaks = 0  # line ends due before the next word
        self._space = False

    def line(self, breaks: int) -> None:
        self._breaks = max(self._breaks, breaks)

    def forced(self) -> None:
        self._breaks += 1

    def cell(self) -> None:
        if self._parts and not self._breaks:
            self._parts.append("\t")
            self._space = False

    def write(self, text: str, *, exact: bool) -> None:
        text = text.translate(_SOFT)
        if not exact:
            text = _SPACES.sub(" ", text)
            if text.startswith(" "):
                self._space, text = True, text[1:]
        if not text:
            return
        if self._parts and self._breaks:
            self._parts[-1] = self._parts[-1].rstrip("\n")  # preformatted text ends its own line
            self._parts.append("\n" * self._breaks)
        elif self._parts and self._space and not self._parts[-1].endswith(("\n", "\t")):
            self._parts.append(" ")
        self._breaks, self._space = 0, not exact and text.endswith(" ")
        self._parts.append(text[:-1] if self._space else text)

    def text(self) -> str:
        return "".join(self._parts).strip("\n\t ")


def _render(root: "etree._Element", *, whole: bool = False) -> str:
    """The text under an element; ``whole`` reads it even if it is of a kind that is not shown."""
    page, exact = _Page(), 0
    for element, step in _walk(root, whole=whole):
        name = element.tag
        if step != "skip":
            if name in _PARAGRAPHS:
                page.line(2)
            elif name in _BLOCKS:
                page.line(1)
            if name in ("pre", "textarea"):
                exact += 1 if step == "open" else -1
        if step == "open":
            if name in _CELLS:
                page.cell()
            elif name == "br":
                page.forced()
            if element.text:
                page.write(element.text, exact=exact > 0)
        elif element.tail and element is not root:
            page.write(element.tail, exact=exact > 0)
    return page.text()


def _walk(root: "etree._Element", *, whole: bool) -> Iterator[tuple["etree._Element", str]]:
    """Elements as they "open" and "close", or "skip" for what is not shown; no recursion: pages nest deep."""
    element: etree._Element | None = root
    while element is not None:
        if (whole and element is root) or not _unseen(element):
            yield element, "open"
            if len(element):
                element = element[0]
                continue
            yield element, "close"
        else:
            yield element, "skip"
        while element is not None and element is not root and element.getnext() is None:
            element = element.getparent()
            if element is not None:
                yield element, "close"
        element = None if element is None or element is root else element.getnext()


def _unseen(element: "etree._Element") -> bool:
    if not isinstance(element.tag, str) or element.tag in _UNSEEN or "hidden" in element.attrib:
        return True
    style = element.get("style")
    return style is not None and _HIDDEN.search(style) is not None
