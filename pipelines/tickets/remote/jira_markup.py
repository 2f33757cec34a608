"""Our text as Jira wants it: Atlassian Document Format (Cloud, v3) or wiki markup (Data Center, v2).

In a document, text nodes are never markup. In wiki markup all of ours stands in {noformat}, which values
can't end: ``escape_value`` leaves no brace.
"""

import json

from pipelines.tickets.remote.reply import JsonValue

_NOFORMAT = "{noformat}"


def write_wiki(text: str) -> str:
    """Return ``text`` so that wiki markup leaves it alone; what is wrapped already stays as it is."""
    return text if text.startswith(_NOFORMAT) else f"{_NOFORMAT}\n{text.strip()}\n{_NOFORMAT}\n"


def read_wiki(text: str) -> str:
    """Return a remark without its wrapping."""
    text = text.replace("\r\n", "\n").strip()
    return text.removeprefix(_NOFORMAT).removesuffix(_NOFORMAT).strip()


def write_document(text: str, previous: str = "") -> dict[str, object]:
    """Return ``text`` as a document: a paragraph a block, code for what machines read.

    ``previous`` is the JSON of the document that is replaced. What people put into it stays as they made
    it, as long as ``text`` still has its words.
    """
    kept: dict[str, list[object]] = {}
    for node in _nodes(previous):
        kept.setdefault(_flatten(node), []).append(node.value)
    content: list[object] = []
    for block in text.strip().split("\n\n"):
        same = kept.get(block)
        content.append(same.pop(0) if same else _write_block(block))
    return {"type": "doc", "version": 1, "content": content}


def read_document(document: JsonValue) -> str:
    """Return a document's words, blocks apart by a blank line; null is empty."""
    return "\n\n".join(_flatten(node) for node in document.get("content").items())


def _nodes(previous: str) -> list[JsonValue]:
    return JsonValue(json.loads(previous), "description").get("content").items() if previous else []


def _write_block(block: str) -> dict[str, object]:
    if block.startswith("BEGIN "):
        return {"type": "codeBlock", "content": [{"type": "text", "text": block}]}
    content: list[dict[str, object]] = []
    for line in block.split("\n"):
        if content:
            content.append({"type": "hardBreak"})
        if line:  # an empty text node is refused
            content.append({"type": "text", "text": line})
    return {"type": "paragraph", "content": content}


def _flatten(node: JsonValue) -> str:
    match node.get("type").text():
        case "text":
            return node["text"].text()
        case "hardBreak":
            return "\n"
        case "media" | "mention" | "emoji" | "inlineCard" | "rule" as kind:
            # Has no words of its own, but must be recognised to be kept.
            return f"({kind} {json.dumps(node.get('attrs').value, sort_keys=True)})"
        case kind:
            joint = "" if kind in ("paragraph", "heading", "codeBlock") else "\n"
            return joint.join(_flatten(child) for child in node.get("content").items())
