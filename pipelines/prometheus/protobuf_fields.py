"""The few shapes of protobuf's wire format that remote read is made of, written and read by hand.

https://protobuf.dev/programming-guides/encoding/: a message is a row of fields, each a number and a kind.
"""


class BrokenMessageError(ValueError):
    """The bytes are no remote-read message."""


def encode_field(number: int, content: bytes | int) -> bytes:
    """Return one field: a number as varint, bytes with their length."""
    if isinstance(content, int):
        return encode_varint(number << 3) + encode_varint(content)
    return encode_varint(number << 3 | 2) + encode_varint(len(content)) + content


def encode_varint(value: int) -> bytes:
    """Return a number of at least 0, seven bits a byte, the lowest first."""
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def read_varint(data: bytes, at: int, end: int) -> tuple[int, int]:
    """Return the number at ``at`` and where it ends."""
    if at < end and data[at] < 0x80:
        return data[at], at + 1
    value = shift = 0
    while at < end and shift < 70:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
    raise BrokenMessageError("a number without end")


def read_length(data: bytes, at: int, end: int) -> tuple[int, int]:
    """Return where the content of a length-delimited field begins and ends."""
    length, start = read_varint(data, at, end)
    if start + length > end:
        raise BrokenMessageError("a field longer than its message")
    return start, start + length


def list_messages(data: bytes, at: int, end: int, *, number: int) -> list[tuple[int, int]]:
    """Return where the messages of field ``number`` begin and end; other fields are passed over."""
    found = []
    while at < end:
        tag, at = read_varint(data, at, end)
        if tag == number << 3 | 2:
            start, at = read_length(data, at, end)
            found.append((start, at))
        else:
            at = skip_field(data, tag, at, end)
    return found


def skip_field(data: bytes, tag: int, at: int, end: int) -> int:
    """Return where the content of a field ends whose tag was read."""
    match tag & 7:
        case 0:
            return read_varint(data, at, end)[1]
        case 1:
            after = at + 8
        case 2:
            after = read_length(data, at, end)[1]
        case 5:
            after = at + 4
        case _:
            raise BrokenMessageError(f"a field of unknown kind {tag & 7}")
    if after > end:
        raise BrokenMessageError("a field longer than its message")
    return after
