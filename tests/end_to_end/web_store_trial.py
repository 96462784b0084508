#!/usr/bin/env python3
"""STOW-RS in all its forms, from curl and Python, into gantry's own archive and into a PACS that speaks only DIMSE: equal data sets.

Every storable sample goes as a DICOM file; those with native pixels go as JSON and as XML with their bulk data as well, compressed ones
with their frames as images. What arrives is read by DCMTK and compared element by element with the file. With `store_answer: delivered`
the answer holds what the PACS itself said.
"""

import base64
import contextlib
import json
import sys
import uuid

from archive_trial import REENCODED, elements
from trial import Gantry, Process, data_set, fetch, folder, free_port, meta_value, need, run, running, samples, wait_for

DICOM, JSON, XML = "application/dicom", "application/dicom+json", "application/dicom+xml"
EXPLICIT = "1.2.840.10008.1.2.1"
NATIVE = {"1.2.840.10008.1.2", EXPLICIT, "1.2.840.10008.1.2.2"}
IMAGES = {"1.2.840.10008.1.2.4.50": "image/jpeg", "1.2.840.10008.1.2.4.80": "image/jls", "1.2.840.10008.1.2.4.90": "image/jp2",
          "1.2.840.10008.1.2.4.91": "image/jp2"}
FAILED, STORED, REASON, UID = "00081198", "00081199", "00081197", "00081155"


def multipart(parts, kind):
    """(body, Content-Type) of parts (media type, Content-Location or None, bytes)."""
    boundary = uuid.uuid4().hex
    body = b""
    for media, location, content in parts:
        head = f"--{boundary}\r\nContent-Type: {media}\r\n" + (f"Content-Location: {location}\r\n" if location else "")
        body += head.encode() + b"\r\n" + content + b"\r\n"
    return body + f"--{boundary}--\r\n".encode(), f'multipart/related; type="{kind}"; boundary={boundary}'


def post(gantry, parts, kind, study=""):
    body, media = multipart(parts, kind)
    headers = {"Content-Type": media, "Accept": JSON}
    status, answered, text = fetch(gantry.web + "/studies" + study, data=body, headers=headers, method="POST")
    return status, json.loads(text) if answered["Content-Type"] == JSON else {}


def curl(gantry, parts, kind, here):
    """The same by curl, in chunks, without asking first."""
    body, media = multipart(parts, kind)
    (here / "body").write_bytes(body)
    done = run("curl", "-s", "-w", "\n%{http_code}", "-H", f"Content-Type: {media}", "-H", "Transfer-Encoding: chunked",
               "--data-binary", f"@{here / 'body'}", gantry.web + "/studies")
    text, _, status = done.stdout.rpartition("\n")
    return int(status), json.loads(text)


def bulk_of(model, where, parts):
    """Moves long inline values of a JSON model into parts."""
    for tag, attribute in model.items():
        if attribute["vr"] == "SQ":
            for number, item in enumerate(attribute.get("Value", []), 1):
                bulk_of(item, f"{where}{tag}.{number}.", parts)
        elif len(attribute.get("InlineBinary", "")) > 200:
            location = f"bulk/{where}{tag}"
            parts.append(("application/octet-stream", location, base64.b64decode(attribute.pop("InlineBinary"))))
            attribute["BulkDataURI"] = location


def as_xml(model):
    """The Native DICOM Model of a data set in the JSON model (PS3.19 A.1)."""
    def escape(text):
        return str(text).replace("&", "&amp;").replace("<", "&lt;").replace("\r", "&#13;")

    def name(value):
        out = ""
        for group, text in value.items():
            names = zip(("FamilyName", "GivenName", "MiddleName", "NamePrefix", "NameSuffix"), text.split("^", 4))
            out += f"<{group}>" + "".join(f"<{n}>{escape(t)}</{n}>" for n, t in names if t) + f"</{group}>"
        return out

    def members(data_set):
        out = ""
        for tag, attribute in sorted(data_set.items()):
            out += f'<DicomAttribute tag="{tag}" vr="{attribute["vr"]}">'
            for number, value in enumerate(attribute.get("Value", []), 1):
                if attribute["vr"] == "SQ":
                    out += f'<Item number="{number}">{members(value)}</Item>'
                elif attribute["vr"] == "PN" and value:
                    out += f'<PersonName number="{number}">{name(value)}</PersonName>'
                elif value is not None and attribute["vr"] != "PN":
                    out += f'<Value number="{number}">{escape(value)}</Value>'
            if "BulkDataURI" in attribute:
                out += f'<BulkData uri="{escape(attribute["BulkDataURI"])}"/>'
            if "InlineBinary" in attribute:
                out += f'<InlineBinary>{attribute["InlineBinary"]}</InlineBinary>'
            out += "</DicomAttribute>"
        return out

    return f'<?xml version="1.0" encoding="UTF-8"?><NativeDicomModel>{members(model)}</NativeDicomModel>'.encode()


def model_of(file, here):
    """DCMTK's JSON of a file with all values inline; None where it cannot write one."""
    plain = here / "plain.dcm"
    if run("dcmconv", "-q", "+te", "+U8", file, plain, check=False).returncode != 0:
        return None
    text = run("dcm2json", "-q", "-fc", plain, check=False)
    try:
        model = json.loads(text.stdout)
    except ValueError:
        return None  # it writes numbers that are none
    return {tag: attribute for tag, attribute in model.items() if not tag.startswith("0002")}


class Archive:
    """gantry's own, read by WADO-RS."""

    def __init__(self, gantry):
        self.gantry = gantry

    def file(self, uid):
        found = fetch(f"{self.gantry.web}/instances?SOPInstanceUID={uid}", headers={"Accept": JSON})
        if found[0] != 200:
            return None
        url = json.loads(found[2])[0]["00081190"]["Value"][0]
        status, _, body = fetch(url, headers={"Accept": "application/dicom; transfer-syntax=*"})
        assert status == 200, (url, status)
        return body


class Pacs:
    """DCMTK's storescp, bit preserving: what a PACS behind DIMSE got."""

    def __init__(self, here):
        self.port, self.kept = free_port(), here / "pacs"
        self.kept.mkdir()
        self.process = Process(["storescp", "-q", "+xa", "+B", "-od", self.kept, self.port], here / "pacs.log")
        wait_for("storescp", lambda: run("echoscu", "-q", "127.0.0.1", self.port, check=False).returncode == 0)

    def file(self, uid):
        def arrived():
            found = [path for path in self.kept.iterdir() if path.name.endswith(uid)]
            return found[0].read_bytes() if found else None

        return wait_for(f"{uid} to arrive", arrived)

    def forget(self):
        for path in self.kept.iterdir():
            path.unlink()

    def end(self):
        self.process.end()


def stored_uid(answer):
    return answer[STORED]["Value"][0][UID]["Value"][0]


def comparable(lines):
    """Without what a way through JSON may change: the character set's name, the file meta, and the form of numbers in text."""
    def number(text):
        with contextlib.suppress(ValueError):
            return float(text)
        return text.strip()

    def plain(line):
        text = line.split("#")[0].rstrip()
        head, bracket, values = text.partition("[")
        if bracket and head.rstrip().endswith((" DS", " IS")):
            return head + str([number(value) for value in values.rstrip("]").split("\\")])
        if bracket and head.rstrip().endswith(" PN"):  # delimiters at its end say nothing
            return head + "\\".join(name.rstrip("^= ") for name in values.rstrip("]").split("\\"))
        if bracket and head.rstrip().endswith((" DA", " TM")):  # as they were before DICOM
            return head + values.replace(".", "").replace(":", "").rstrip("]")
        return text.replace("(no value available)", "")

    return [plain(line) for line in lines if not line.lstrip().startswith(("(0008,0005)", "(0002,"))]


def syntax_of(content):
    """Where its file meta says one as it should; else empty."""
    return meta_value(content, 0x0010) if content[128:138] == b"DICM\x02\0\0\0UL" else ""


def compare(got, file, here):
    """Bit for bit, but for what may not stand on the web: that element by element."""
    sent = file.read_bytes()
    if syntax_of(sent) and syntax_of(sent) not in REENCODED:
        assert data_set(got) == data_set(sent), file.name
    else:
        assert elements(got, here, "got") == elements(sent, here, "sent"), file.name


def check_file(gantry, archive, file, here):
    """As a DICOM file, by curl. True where it is stored."""
    status, answer = curl(gantry, [(DICOM, None, file.read_bytes())], DICOM, here)
    if status != 200:
        assert status in (400, 409), (file.name, status)
        reasons = [item[REASON]["Value"][0] for key in (FAILED, "0008119A") for item in answer.get(key, {}).get("Value", [])]
        assert reasons and all(reason >= 0x0100 for reason in reasons), (file.name, answer)
        return False
    compare(archive.file(stored_uid(answer)), file, here)
    return True


def check_model(gantry, archive, file, here, form):
    """As metadata with bulk data; "equal", or why it was not tried."""
    model = model_of(file, here)
    if model is None:
        return "no model"
    uid = f"2.25.{uuid.uuid4().int}"
    model["00080018"] = {"vr": "UI", "Value": [uid]}
    parts = []
    bulk_of(model, "", parts)
    metadata = as_xml(model) if form == XML else json.dumps([model]).encode()
    status, answer = post(gantry, [(form, None, metadata)] + parts, form)
    assert status == 200, (file.name, form, status, answer)
    assert stored_uid(answer) == uid
    plain = here / "expected.dcm"
    run("dcmodify", "-q", "-nb", "-imt", "-m", f"(0008,0018)={uid}", here / "plain.dcm")
    run("dcmconv", "-q", here / "plain.dcm", plain)
    expected = comparable(elements(plain.read_bytes(), here, "expected_model"))
    got = comparable(elements(archive.file(uid), here, "got_model"))
    for line, other in zip(expected, got):
        assert line == other, (file.name, form, line, other)
    assert len(expected) == len(got), (file.name, form, len(expected), len(got))
    return "equal"


def check_images(gantry, archive, file, here):
    """Frames of a compressed file as images."""
    content = file.read_bytes()
    syntax = syntax_of(content)
    if syntax not in IMAGES:
        return False
    raw = here / "frames"
    raw.mkdir(exist_ok=True)
    for old in raw.iterdir():
        old.unlink()
    if run("dcmdump", "-q", "+W", raw, file, check=False).returncode != 0:
        return False
    fragments = sorted(raw.iterdir(), key=lambda path: int(path.suffixes[-2].lstrip(".")) if len(path.suffixes) > 1 else 0)
    text = run("dcmdump", "-q", "+P", "0028,0008", file, check=False).stdout
    frames = int(text.split("[")[1].split("]")[0]) if "[" in text else 1
    if len(fragments) != frames + 1:
        return False  # frames in pieces
    without = here / "without.dcm"
    without.write_bytes(content)
    run("dcmodify", "-q", "-nb", "-ea", "(7fe0,0010)", without)
    model = model_of(without, here)
    if model is None:
        return False
    uid = f"2.25.{uuid.uuid4().int}"
    model["00080018"] = {"vr": "UI", "Value": [uid]}
    model["7FE00010"] = {"vr": "OB", "BulkDataURI": "pixels"}
    parts = [(IMAGES[syntax], "pixels", path.read_bytes()) for path in fragments[1:]]
    status, answer = post(gantry, [(JSON, None, json.dumps([model]).encode())] + parts, JSON)
    assert status == 200, (file.name, status, answer)
    got = archive.file(uid)
    assert meta_value(got, 0x0010) == syntax, (file.name, meta_value(got, 0x0010))
    for path in fragments[1:]:
        assert path.read_bytes() in got, (file.name, "frame")
    return True


def check_rules(gantry, file):
    """What the standard's tables say of what cannot be stored."""
    content = file.read_bytes()
    status, answer = post(gantry, [(DICOM, None, content)], DICOM, study="/1.2.3.4.5")
    assert status == 409 and answer[FAILED]["Value"][0][REASON]["Value"] == [0xA900], (status, answer)
    status, answer = post(gantry, [(DICOM, None, content), (DICOM, None, b"garbage")], DICOM)
    assert status == 202 and answer["0008119A"]["Value"][0][REASON]["Value"] == [0xC000], (status, answer)
    assert fetch(gantry.web + "/studies", data=b"x", headers={"Content-Type": "text/plain"}, method="POST")[0] == 415
    body, media = multipart([(DICOM, None, content)], DICOM)
    status, headers, text = fetch(gantry.web + "/studies", data=body, headers={"Content-Type": media, "Accept": XML}, method="POST")
    assert status == 200 and headers["Content-Type"] == XML and b"<NativeDicomModel" in text, (status, text)


def local(here, files):
    gantry = Gantry(here / "local")
    with running(gantry):
        gantry.start()
        archive, counts = Archive(gantry), {"files": 0, JSON: 0, XML: 0, "images": 0}
        for file in files:
            if not check_file(gantry, archive, file, here):
                continue
            counts["files"] += 1
            if check_images(gantry, archive, file, here):
                counts["images"] += 1
            if syntax_of(file.read_bytes()) not in NATIVE:
                continue
            for form in (JSON, XML):
                counts[form] += check_model(gantry, archive, file, here, form) == "equal"
        print(counts)
        assert counts["files"] >= 30 and counts[JSON] >= 15 and counts[XML] >= 15 and counts["images"] >= 3, counts
        check_rules(gantry, next(f for f in files if f.name == "CT_small.dcm"))


def dimse(here, files):
    pacs = Pacs(here)
    origins = [{"name": "pacs", "kind": "dimse", "peer": "STORESCP"}]
    peers = [{"ae_title": "STORESCP", "host": "127.0.0.1", "port": pacs.port}]
    gantry = Gantry(here / "dimse", origins=origins, peers=peers, routes={"web": {"store": ["pacs"]}},
                    web={"store_answer": "delivered", "store_wait": "30s"})
    try:
        with running(gantry):
            gantry.start()
            delivered = 0
            for file in files:
                content = file.read_bytes()
                if syntax_of(content) != EXPLICIT:
                    continue
                status, answer = post(gantry, [(DICOM, None, content)], DICOM)
                if status != 200:
                    continue
                uid = stored_uid(answer)
                # 200 is the PACS's own word: it is there now, not soon.
                got = [path for path in pacs.kept.iterdir() if path.name.endswith(uid)]
                assert got, (file.name, "answered before it arrived")
                compare(got[0].read_bytes(), file, here)
                delivered += 1
            assert delivered >= 10, delivered
            print("delivered by DIMSE:", delivered)
    finally:
        pacs.end()


def main():
    need("curl", "dcm2json", "dcmconv", "dcmdump", "dcmodify", "storescp", "echoscu")
    files = sorted(samples().glob("*.dcm"))
    with folder() as here:
        local(here, files)
        dimse(here, files)


if __name__ == "__main__":
    sys.exit(main())
