"""How text that came from machines is shown in a ticket, so that no tracker takes it for markup.

Host names, serials, slots and signal labels come from data. An allow-list is the only rule that
holds in Markdown, wiki markup, HTML, plain text and the trackers' own shortcuts alike: what is not
on it is spelled out, so nothing is lost and nothing is active.
"""

import json
import re
import unicodedata

# No @ # ! & $ ~ ^ % (mentions and references), no * ` [ ] < > { } | \ " (markup, JSON).
_PLAIN_PUNCTUATION = frozenset(" -_.,:;/+=()?'°")
# A second slash in a row would make a link, "www." does without one.
_LINK_STARTS = re.compile(r"(?<=/)/|(?<=www)\.", re.IGNORECASE)
# Inside a word an underscore is plain everywhere; at its edge it is emphasis.
_EDGE_UNDERSCORE = re.compile(r"(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])")
_JSON_STRING = re.compile(r'"(?:[^"\\]|\\.)*"')
_JSON_CHARACTER = re.compile(r"\\u[0-9a-f]{4}|\\.|[^A-Za-z0-9 \-_.,:/+]")


def escape_value(text: str, limit: int = 80) -> str:
    """Return ``text`` on one line, at most about ``limit`` characters, inert in any tracker's markup.

    Letters, marks and digits of any script and the punctuation of names stay as they are. Control
    characters and white space become one blank. Any other character is written ``(U+0040)``. An
    empty or blank text is written ``?``.
    """
    shortened = text if len(text) <= limit else text[: limit - 1] + "…"
    shown = "".join(_show(character) for character in shortened)
    shown = " ".join(shown.split()) or "?"
    shown = _LINK_STARTS.sub(lambda found: _spell(found.group()), shown)
    return _EDGE_UNDERSCORE.sub(_spell("_"), shown)


def escape_json(document: str) -> str:
    """Return the same JSON document with every unusual character of its strings as ``\\uXXXX``.

    ``document`` must be ASCII JSON (``ensure_ascii=True``); it reads back as the same values.
    """
    return _JSON_STRING.sub(
        lambda string: '"' + _JSON_CHARACTER.sub(_escape_in_json, string.group()[1:-1]) + '"', document
    )


def _escape_in_json(found: re.Match[str]) -> str:
    written = found.group()
    if written.startswith("\\u"):
        return written
    character = json.loads(f'"{written}"') if len(written) == 2 else written
    return f"\\u{ord(character):04x}"


def _show(character: str) -> str:
    if character in _PLAIN_PUNCTUATION or character == "…":
        return character
    group = unicodedata.category(character)
    if group[0] in "LNM":
        return character
    # Cc: control; Cf: direction marks and zero-width characters; Zs, Zl, Zp: blanks and line ends.
    if group in ("Cc", "Cf") or group[0] == "Z":
        return " "
    return _spell(character)


def _spell(character: str) -> str:
    return f"(U+{ord(character):04X})"
