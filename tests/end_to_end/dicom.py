"""Data sets as the trials read and write them (PS3.5 7, PS3.10 7): a reader that shares no code with gantry or DCMTK.

A data set is {tag: Element}; a tag is a number such as 0x00100010. Sequences hold data sets, encapsulated pixel data its fragments.
"""

import struct
import zlib

from trial import data_set, meta_value

IMPLICIT, EXPLICIT = "1.2.840.10008.1.2", "1.2.840.10008.1.2.1"
DEFLATED, BIG_ENDIAN = "1.2.840.10008.1.2.1.99", "1.2.840.10008.1.2.2"

LONG = {b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV"}
WIDTHS = {b"AT": 2, b"FD": 8, b"FL": 4, b"OD": 8, b"OF": 4, b"OL": 4, b"OV": 8, b"OW": 2, b"SL": 4, b"SS": 2, b"SV": 8, b"UL": 4,
          b"US": 2, b"UV": 8}
CHARACTER_SET, LEVEL, RETRIEVE_AE = 0x00080005, 0x00080052, 0x00080054
CLASS_UID, INSTANCE_UID, STUDY_UID, SERIES_UID = 0x00080016, 0x00080018, 0x0020000D, 0x0020000E
PATIENT_NAME, PATIENT_ID = 0x00100010, 0x00100020
# What the trials ask for or write by tag; everything else is written by those who made it.
VRS = {
    CHARACTER_SET: "CS", 0x00080016: "UI", INSTANCE_UID: "UI", 0x00080020: "DA", 0x00080021: "DA", 0x00080022: "DA",
    0x00080023: "DA", 0x0008002A: "DT", 0x00080030: "TM", 0x00080031: "TM", 0x00080050: "SH", LEVEL: "CS", RETRIEVE_AE: "AE",
    0x00080056: "CS", 0x00080060: "CS", 0x00080061: "CS", 0x00080062: "UI", 0x00080070: "LO", 0x00080080: "LO", 0x00080090: "PN",
    0x00080100: "SH", 0x00080102: "SH", 0x00080104: "LO", 0x00080201: "SH", 0x00081030: "LO", 0x00081032: "SQ",
    0x0008103E: "LO", 0x00081110: "SQ", 0x00081150: "UI", 0x00081155: "UI", 0x00081190: "UR", 0x00083002: "UI",
    PATIENT_NAME: "PN", PATIENT_ID: "LO", 0x00100021: "LO", 0x00100030: "DA", 0x00100040: "CS", 0x00101000: "LO",
    0x00104000: "LT", 0x00180015: "CS", STUDY_UID: "UI", SERIES_UID: "UI", 0x00200010: "SH", 0x00200011: "IS", 0x00200013: "IS",
    0x00201200: "IS", 0x00201202: "IS", 0x00201204: "IS", 0x00201206: "IS", 0x00201208: "IS", 0x00201209: "IS",
    0x00280008: "IS", 0x00280010: "US", 0x00280011: "US", 0x00280100: "US", 0x00400244: "DA", 0x00400245: "TM",
    0x00400275: "SQ", 0x00400007: "LO", 0x00400009: "SH", 0x00401001: "SH",
}


class Element:
    def __init__(self, vr, value):
        self.vr, self.value = vr, value  # value: bytes, or a list of data sets (SQ) or of fragments (bytes)

    @property
    def items(self):
        return self.value if isinstance(self.value, list) and (not self.value or isinstance(self.value[0], dict)) else None

    def __repr__(self):
        return f"{self.vr} {self.value!r:.80}"


class Reader:
    def __init__(self, content, explicit=True, big=False):
        self.content, self.explicit, self.at = content, explicit, 0
        self.order = ">" if big else "<"

    def tag(self):
        group, number = struct.unpack_from(self.order + "HH", self.content, self.at)
        self.at += 4
        return group << 16 | number

    def number(self, form):
        (value,) = struct.unpack_from(self.order + form, self.content, self.at)
        self.at += struct.calcsize(form)
        return value

    def read(self, end=None):
        """A data set up to `end`, or to an item delimitation."""
        out, end = {}, len(self.content) if end is None else end
        while self.at + 8 <= end:
            tag = self.tag()
            if tag == 0xFFFEE00D:
                self.at += 4
                break
            vr = b""
            if self.explicit:
                vr, self.at = self.content[self.at:self.at + 2], self.at + 2
                if vr in LONG:
                    self.at += 2
                length = self.number("I" if vr in LONG else "H")
            else:
                length = self.number("I")
                vr = VRS.get(tag, "UN" if length != 0xFFFFFFFF else "SQ").encode()
            out[tag] = Element(vr.decode(), self.value(tag, vr, length))
        return out

    def value(self, tag, vr, length):
        if vr == b"SQ" or (vr == b"UN" and length == 0xFFFFFFFF):
            explicit, self.explicit = self.explicit, self.explicit and vr == b"SQ"  # PS3.5 6.2.2 note 2
            items = self.sequence(length, nested=True)
            self.explicit = explicit
            return items
        if length == 0xFFFFFFFF:
            return self.sequence(length, nested=False)
        assert self.at + length <= len(self.content), f"{tag:08x} is cut off"
        value, self.at = self.content[self.at:self.at + length], self.at + length
        width = WIDTHS.get(vr, 1) if self.order == ">" else 1  # values are little endian, however they came
        return b"".join(value[n:n + width][::-1] for n in range(0, length, width)) if width > 1 else value

    def sequence(self, length, nested):
        out, end = [], None if length == 0xFFFFFFFF else self.at + length
        while end is None or self.at < end:
            tag, size = self.tag(), self.number("I")
            if tag == 0xFFFEE0DD:
                break
            assert tag == 0xFFFEE000, f"{tag:08x} within a sequence"
            if nested:
                out.append(self.read(None if size == 0xFFFFFFFF else self.at + size))
            else:
                out.append(self.content[self.at:self.at + size])
                self.at += size
        return out


def read(content, syntax=EXPLICIT):
    """The elements of a data set in a transfer syntax."""
    if syntax == DEFLATED:
        content = zlib.decompressobj(-15).decompress(content)  # may be padded (PS3.5 A.5)
    return Reader(content, syntax != IMPLICIT, syntax == BIG_ENDIAN).read()


def read_file(path):
    content = path.read_bytes()
    return read(data_set(content), meta_value(content, 0x0010))


def same(left, right):
    """Whether two data sets say the same, whatever encoding adds: VRs that one does not know, padding, group lengths (PS3.5 7)."""
    tags = [{t for t in side if t & 0xFFFF and t != 0xFFFCFFFC} for side in (left, right)]
    return tags[0] == tags[1] and all(same_value(left[t], right[t]) for t in tags[0])


def same_value(left, right):
    if left.items is None and right.items is None:
        values = [e.value.rstrip(b" \0") if isinstance(e.value, bytes) else e.value for e in (left, right)]
        return values[0] == values[1]
    # A sequence that one side did not know as such: Implicit VR (PS3.5 6.2.2 note 2).
    sides = [e.items if e.items is not None else Reader(e.value, False).sequence(len(e.value), True) for e in (left, right)]
    return len(sides[0]) == len(sides[1]) and all(map(same, *sides))


def split(content):
    """(transfer syntax, data set) of a file, with or without preamble and group length; no syntax where it has no file meta."""
    reader, syntax = Reader(content), ""
    reader.at = 132 if content[128:132] == b"DICM" else 0
    while content[reader.at:reader.at + 2] == b"\2\0":
        tag, vr = reader.tag(), content[reader.at:reader.at + 2]
        reader.at += 4 if vr in LONG else 2
        length = reader.number("I" if vr in LONG else "H")
        if tag == 0x00020010:
            syntax = content[reader.at:reader.at + length].rstrip(b"\0 ").decode()
        reader.at += length
    return syntax, content[reader.at:]


def encode(tag, value):
    """An element in Explicit VR Little Endian: value is bytes, text in ASCII, a number (US), or a list of {tag: value}."""
    vr = VRS[tag]
    if isinstance(value, list):
        value = b"".join(struct.pack("<HHI", 0xFFFE, 0xE000, len(c)) + c for c in map(write, value))
    elif isinstance(value, int):
        value = struct.pack("<H", value)
    elif isinstance(value, str):
        value = value.encode("ascii")
    value += (b"\0" if vr == "UI" else b" ") * (len(value) % 2)
    head = struct.pack("<HH2s", tag >> 16, tag & 0xFFFF, vr.encode())
    if vr.encode() in LONG:
        return head + struct.pack("<HI", 0, len(value)) + value
    return head + struct.pack("<H", len(value)) + value


def write(elements):
    return b"".join(encode(tag, elements[tag]) for tag in sorted(elements))


def meta_element(number, vr, value):
    value += (b"\0" if vr != b"AE" else b" ") * (len(value) % 2)
    head = struct.pack("<HH2s", 2, number, vr)
    return head + (struct.pack("<HI", 0, len(value)) if vr == b"OB" else struct.pack("<H", len(value))) + value


def part10(content, sop_class, instance, syntax=EXPLICIT):
    """A PS3.10 file around the bytes of a data set."""
    meta = meta_element(1, b"OB", b"\0\1") + meta_element(2, b"UI", sop_class.encode()) + meta_element(3, b"UI", instance.encode())
    meta += meta_element(0x10, b"UI", syntax.encode()) + meta_element(0x12, b"UI", b"2.25.1")
    return bytes(128) + b"DICM" + meta_element(0, b"UL", struct.pack("<I", len(meta))) + meta + content


# Text ------------------------------------------------------------------------------------------------------------------------------

SINGLE = {  # (0008,0005), PS3.3 C.12.1.1.2
    "": "ascii", "ISO_IR 6": "ascii", "ISO_IR 100": "iso8859-1", "ISO_IR 101": "iso8859-2", "ISO_IR 109": "iso8859-3",
    "ISO_IR 110": "iso8859-4", "ISO_IR 144": "iso8859-5", "ISO_IR 127": "iso8859-6", "ISO_IR 126": "iso8859-7",
    "ISO_IR 138": "iso8859-8", "ISO_IR 148": "iso8859-9", "ISO_IR 13": "shift_jis", "ISO_IR 166": "tis-620",
    "ISO_IR 192": "utf-8", "GB18030": "gb18030", "GBK": "gbk",
}
ESCAPES = {  # PS3.5 6.1.2.5.4: escape sequence, half it goes to, bytes of a character, codec, what the codec wants in front
    b"(B": (0, 1, "ascii", b""), b"(J": (0, 1, "shift_jis", b""), b")I": (1, 1, "shift_jis", b""),
    b"-A": (1, 1, "iso8859-1", b""), b"-B": (1, 1, "iso8859-2", b""), b"-C": (1, 1, "iso8859-3", b""),
    b"-D": (1, 1, "iso8859-4", b""), b"-L": (1, 1, "iso8859-5", b""), b"-G": (1, 1, "iso8859-6", b""),
    b"-F": (1, 1, "iso8859-7", b""), b"-H": (1, 1, "iso8859-8", b""), b"-M": (1, 1, "iso8859-9", b""), b"-T": (1, 1, "tis-620", b""),
    b"$B": (0, 2, "iso2022_jp", b"\x1b$B"), b"$(D": (0, 2, "iso2022_jp_1", b"\x1b$(D"),
    b"$)C": (1, 2, "euc_kr", b""), b"$)A": (1, 2, "gb2312", b""),
}


def text(value, character_set=""):
    """Text of bytes under a value of (0008,0005), with ISO 2022 escape sequences (PS3.5 6.1.2.5)."""
    first = character_set.split("\\")[0].strip().replace("ISO 2022 IR", "ISO_IR")
    if "\\" not in character_set and "2022" not in character_set:
        return value.decode(SINGLE[first])
    initial = [(1, "ascii" if SINGLE[first] != "shift_jis" else "shift_jis", b""), (1, SINGLE[first], b"")]
    halves, out, at = list(initial), "", 0
    while at < len(value):
        if value[at] == 0x1B:
            size = 3 if value[at + 1:at + 3] in (b"$(", b"$)") else 2
            half, *how = ESCAPES[value[at + 1:at + 1 + size]]
            halves[half] = tuple(how)
            at += 1 + size
            continue
        width, codec, lead = halves[value[at] >> 7]
        out += (lead + value[at:at + width]).decode(codec)
        if width == 1 and value[at:at + 1] in b"\\^=\r\n\t\f":
            halves = list(initial)  # PS3.5 6.1.2.5.3: what follows begins anew
        at += width
    return out


TEXT_VRS = {"LO", "LT", "PN", "SH", "ST", "UC", "UT"}
NUMBERS = {"US": "H", "SS": "h", "UL": "I", "SL": "i", "FL": "f", "FD": "d"}


def plain(element, character_set=""):
    """What an element says, without what the encoding added: text, numbers, lists of {tag: plain}, or bytes."""
    if element.items is not None:
        return [plain_set(i, character_set) for i in element.items]
    if isinstance(element.value, list) or element.vr in ("OB", "OW", "OF", "OD", "OL", "UN"):
        return element.value
    if element.vr in NUMBERS:
        form = NUMBERS[element.vr]
        return list(struct.unpack(f"<{len(element.value) // struct.calcsize(form)}{form}", element.value))
    value = text(element.value, character_set if element.vr in TEXT_VRS else "ISO_IR 100")
    if element.vr == "PN":  # PS3.5 6.2: trailing null components and groups may be left out
        people = value.split("\\")
        value = "\\".join("=".join(g.rstrip(" ^") for g in p.split("=")).rstrip("= ") for p in people)
    return "\\".join(v.rstrip(" \0") for v in value.split("\\")) if element.vr not in ("LT", "ST", "UT") else value.rstrip(" ")


def plain_set(elements, character_set=""):
    character_set = charset(elements) or character_set
    return {tag: plain(e, character_set) for tag, e in elements.items() if tag & 0xFFFF}


def charset(elements):
    found = elements.get(CHARACTER_SET)
    return "\\".join(v.strip(" \0") for v in found.value.decode("ascii").split("\\")) if found else ""


def value_of(elements, tag):
    """Text of an element, empty where it is absent."""
    return plain(elements[tag], charset(elements)) if tag in elements else ""
