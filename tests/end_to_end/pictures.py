"""Studies to look at: what a viewer meets in a hospital, made here, with the values that it must show.

Each is drawn so that an image upside down, mirrored, shifted, of the wrong slice or with wrong signs is another image.
"""

import struct
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import dicom
from dicom import part10, write

dicom.VRS.update({
    0x00080064: "CS", 0x00180050: "DS", 0x00180060: "DS", 0x00181063: "DS", 0x00200032: "DS", 0x00200037: "DS", 0x00200052: "UI",
    0x00201040: "LO", 0x00201041: "DS", 0x00280002: "US", 0x00280004: "CS", 0x00280006: "US", 0x00280009: "AT", 0x00280030: "DS",
    0x00280101: "US", 0x00280102: "US", 0x00280103: "US", 0x00281050: "DS", 0x00281051: "DS", 0x00281052: "DS", 0x00281053: "DS",
    0x00281054: "LO", 0x00420010: "ST", 0x00420011: "OB", 0x00420012: "LO", 0x7FE00010: "OW", 0x00080102: "SH", 0x0040A040: "CS",
    0x0040A043: "SQ", 0x0040A050: "CS", 0x0040A160: "UT", 0x0040A491: "CS", 0x0040A493: "CS", 0x0040A730: "SQ", 0x0040A010: "CS",
    0x0040A372: "SQ", 0x00081111: "SQ", 0x00280301: "CS",
})

ROOT = "2.25.88001"
CT, US, SC = "1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.3.1", "1.2.840.10008.5.1.4.1.1.7"
PDF, SR = "1.2.840.10008.5.1.4.1.1.104.1", "1.2.840.10008.5.1.4.1.1.88.11"


@dataclass
class Picture:
    """One study of one series: its files, and the values of each frame, in order, as they must be shown."""

    name: str
    patient: str
    number: int
    modality: str
    files: list = field(default_factory=list)
    frames: list = field(default_factory=list)  # each a list of values, row by row; colour: triples flattened
    rows: int = 0
    columns: int = 0
    shows: str = ""  # text that must stand on the page

    @property
    def study(self):
        return f"{ROOT}.{self.number}"

    @property
    def series(self):
        return f"{ROOT}.{self.number}.1"


def head(picture, sop_class, instance):
    return {
        0x00080016: sop_class, 0x00080018: f"{picture.series}.{instance}", 0x00080020: "20250301", 0x00080021: "20250301",
        0x00080030: "101500", 0x00080050: f"V{picture.number}", 0x00080060: picture.modality, 0x00080090: "",
        0x00081030: picture.name, 0x0008103E: picture.name, 0x00100010: picture.patient, 0x00100020: f"V-{picture.number}",
        0x00100030: "19700101", 0x00100040: "O", 0x0020000D: picture.study, 0x0020000E: picture.series, 0x00200010: "1",
        0x00200011: "1", 0x00200013: str(instance),
    }


def pixels(picture, samples, bits, signed=0, photometric="MONOCHROME2"):
    out = {0x00280002: samples, 0x00280004: photometric, 0x00280010: picture.rows, 0x00280011: picture.columns,
           0x00280100: 8 if bits == 8 else 16, 0x00280101: bits, 0x00280102: bits - 1, 0x00280103: signed}
    if samples > 1:
        out[0x00280006] = 0
    return out


def drawn(rows, columns, seed, low, high):
    """A slope with a bright bar whose place tells the slice, and a dark corner."""
    out = []
    for y in range(rows):
        for x in range(columns):
            value = low + (high - low) * (x + 2 * y) // (columns + 2 * rows)
            if rows // 4 <= y < rows // 4 + rows // 8 and seed <= x * 32 // columns < seed + 3:
                value = high
            if y > rows * 7 // 8 and x > columns * 7 // 8:
                value = low
            out.append(value)
    return out


def ct(number=1, slices=24, size=96):
    picture = Picture("CT of a phantom", "Viewer^Anna", number, "CT", rows=size, columns=size)
    for n in range(1, slices + 1):
        stored = drawn(size, size, n, -200, 900)
        elements = head(picture, CT, n) | pixels(picture, 1, 16, signed=1) | {
            0x00180050: "2", 0x00200032: f"0\\0\\{2 * n}", 0x00200037: "1\\0\\0\\0\\1\\0", 0x00200052: f"{picture.series}.0",
            0x00201041: str(2 * n), 0x00280030: "1\\1", 0x00281050: "-700", 0x00281051: "1200", 0x00281052: "-1024",
            0x00281053: "1", 0x00281054: "HU", 0x7FE00010: struct.pack(f"<{len(stored)}h", *stored),
        }
        picture.files.append(part10(write(elements), CT, elements[0x00080018]))
        picture.frames.append([value - 1024 for value in stored])
    return picture


def multiframe(number=2, frames=6, rows=64, columns=80):
    picture = Picture("Cine loop", "Viewer^Bernd", number, "US", rows=rows, columns=columns)
    for n in range(1, frames + 1):
        picture.frames.append(drawn(rows, columns, 4 * n, 5, 250))
    elements = head(picture, US, 1) | pixels(picture, 1, 8) | {
        0x00280008: str(frames), 0x00280009: b"\x18\0\x63\x10", 0x00181063: "40",
        0x7FE00010: b"".join(bytes(frame) for frame in picture.frames),
    }
    picture.files.append(part10(write(elements), US, elements[0x00080018]))
    return picture


def colour(number=3, size=64):
    picture = Picture("Secondary capture", "Viewer^Clara", number, "OT", rows=size, columns=size)
    red, green, blue = drawn(size, size, 3, 0, 255), drawn(size, size, 12, 20, 200), drawn(size, size, 22, 255, 0)
    picture.frames.append([value for pixel in zip(red, green, blue) for value in pixel])
    elements = head(picture, SC, 1) | pixels(picture, 3, 8, photometric="RGB") | {
        0x00080064: "WSD", 0x7FE00010: bytes(picture.frames[0]),
    }
    picture.files.append(part10(write(elements), SC, elements[0x00080018]))
    return picture


def compressed(here, number=4, slices=3, size=80):
    """A CT in JPEG-LS, made by DCMTK."""
    picture = ct(number, slices, size)
    picture.name, picture.patient = "CT compressed", "Viewer^Dora"
    for n, content in enumerate(picture.files):
        plain, packed = Path(here) / f"{number}-{n}.dcm", Path(here) / f"{number}-{n}-jls.dcm"
        plain.write_bytes(content.replace(b"Viewer^Anna", b"Viewer^Dora"))
        subprocess.run(["dcmcjpls", "+un", plain, packed], check=True, capture_output=True)
        picture.files[n] = packed.read_bytes()
    return picture


def document(number=5):
    """An encapsulated PDF of one empty page."""
    picture = Picture("Report as PDF", "Viewer^Emil", number, "DOC", shows="PDF")
    pdf = (
        b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n"
        b"3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 200 200]>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"
    )
    elements = head(picture, PDF, 1) | {0x00080064: "WSD", 0x00280301: "NO", 0x00420010: "Report", 0x00420012: "application/pdf",
                                         0x00420011: pdf + b"\0" * (len(pdf) % 2)}
    picture.files.append(part10(write(elements), PDF, elements[0x00080018]))
    return picture


def code(value, scheme, meaning):
    return [{0x00080100: value, 0x00080102: scheme, 0x00080104: meaning}]


def report(number=6):
    """A Basic Text SR with one finding."""
    picture = Picture("Structured report", "Viewer^Frida", number, "SR", shows="No abnormality was seen in the phantom")
    item = {0x0040A010: "CONTAINS", 0x0040A040: "TEXT", 0x0040A043: code("121071", "DCM", "Finding"), 0x0040A160: picture.shows}
    elements = head(picture, SR, 1) | {
        0x0040A040: "CONTAINER", 0x0040A043: code("121144", "DCM", "Document Title"), 0x0040A050: "SEPARATE", 0x0040A491: "COMPLETE",
        0x0040A493: "UNVERIFIED", 0x0040A730: [item], 0x0040A372: [], 0x00081111: [],
    }
    picture.files.append(part10(write(elements), SR, elements[0x00080018]))
    return picture


def all_pictures(here):
    return [ct(), multiframe(), colour(), compressed(here), document(), report()]
