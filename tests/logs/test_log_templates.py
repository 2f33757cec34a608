"""Masking: lines that say the same have one template, and masking in bulk is masking one by one."""

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from features.log_templates import (
    MAX_TEMPLATE_CHARS,
    escape_text,
    mask_lines,
    refine_template,
    template_id,
    template_of,
)

LINES = st.binary(max_size=80).map(lambda line: line.replace(b"\n", b" "))


@pytest.mark.parametrize(
    ("line", "template"),
    [
        ("CE sym 20, at 0x1438f9e0, mask 0x40", "CE sym #, at #, mask #"),
        ("GPU-509665ad-bafe-ac93-3616-d754b23d636d", "GPU-#-#-#-#-#"),
        (
            "e1000e 0000:af:00.0 eno1: Detected Hardware Unit Hang",
            "# #:#:#.# eno#: Detected Hardware Unit Hang",
        ),
        ("sd 6:0:1:0: [sdf] tag#923 Medium Error", "sd #:#:#:#: [sd*] tag## Medium Error"),
        ("open of /var/lib/x y/z failed", "open of /# y/z failed"),
        ("CDB: Read(16) 88 00 00 00 00 01 5d 47", "CDB: Read(#) # …"),
        ("cali317e2eeb40: link", "cali#: link"),
        ("cali9bface: link", "cali#: link"),
        ("dead beef facade", "dead beef facade"),
        ("  two   blanks ", "two blanks"),
        ("", ""),
    ],
)
def test_what_varies_is_masked(line: str, template: str) -> None:
    assert template_of(line) == template


@hypothesis_settings(deadline=None)
@given(lines=st.lists(LINES, max_size=12))
def test_masking_in_bulk_is_masking_one_by_one(lines: list[bytes]) -> None:
    masked = mask_lines(b"".join(line + b"\n" for line in lines))
    assert len(masked.codes) == len(lines)
    for line, code in zip(lines, masked.codes.tolist(), strict=True):
        assert masked.masked[code] == mask_lines(line + b"\n").masked[0]


@hypothesis_settings(deadline=None)
@given(line=st.text(alphabet="abcxyz0123456789:./- #", max_size=60), shift=st.integers(1, 9))
def test_lines_that_differ_only_in_digits_have_one_template(line: str, shift: int) -> None:
    other = "".join(str((int(c) + shift) % 10) if c.isdigit() else c for c in line)
    # 0x is a prefix, the one place where a digit is not a digit.
    if "0x" not in line and "0x" not in other:
        assert template_of(line) == template_of(other)


@hypothesis_settings(deadline=None)
@given(line=st.text(max_size=200))
def test_a_template_is_bounded_and_holds_no_control_character(line: str) -> None:
    template = template_of(line)
    assert len(template) <= MAX_TEMPLATE_CHARS
    assert all(ord(char) >= 32 and ord(char) != 127 for char in template)


@hypothesis_settings(deadline=None)
@given(text=st.text(max_size=700))
def test_an_escaped_text_is_bounded_printable_and_utf8(text: str) -> None:
    escaped = escape_text(text)
    assert len(escaped) <= 512
    assert all(ord(char) >= 32 and ord(char) != 127 for char in escaped)
    assert escaped.encode("utf-8").decode("utf-8") == escaped


def test_terminal_escapes_are_shown_and_do_not_act() -> None:
    assert escape_text("a\x1b[2Jb\u202ec") == "a\\x1b[2Jb\\u202ec"


def test_a_templates_number_is_the_same_in_every_version() -> None:
    # Stored with every event: another number would make each known line new.
    assert template_id("EDAC MC#: # CE memory read error") == 1_532_408_537_960_619_729


def test_lines_must_end() -> None:
    with pytest.raises(ValueError, match="line feed"):
        mask_lines(b"no end")


def test_no_lines_have_no_masks() -> None:
    assert mask_lines(b"").masked == ()
    assert refine_template("") == ""
