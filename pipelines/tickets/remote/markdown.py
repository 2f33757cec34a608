"""Our text in Markdown: in a fence, where no mention, reference, emoji or command of GitHub or GitLab works.

Values of machines hold no backtick (``escape_value``), so none can end the fence.
"""

import textwrap

_FENCE = "```"
_WIDTH = 110  # a fence does not wrap lines by itself


def fence(text: str) -> str:
    """Return ``text`` in a fence; what has one already stays as it is."""
    if text.startswith(_FENCE):
        return text
    lines: list[str] = []
    is_machine_readable = False
    for line in text.strip().splitlines():
        is_machine_readable |= line.startswith("BEGIN ")
        lines += [line] if is_machine_readable or not line else textwrap.wrap(line, _WIDTH)
    body = "\n".join(lines)
    return f"{_FENCE}text\n{body}\n{_FENCE}\n"


def unfence(text: str) -> str:
    """Return a remark without its fence; what people wrote has none and stays as it is."""
    text = text.replace("\r\n", "\n").strip()
    opening = f"{_FENCE}text\n"
    return text.removeprefix(opening).removesuffix(_FENCE).strip() if text.startswith(opening) else text
