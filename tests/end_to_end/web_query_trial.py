#!/usr/bin/env python3
"""QIDO-RS on PACS that speak DIMSE only, beside findscu straight: Orthanc without its DICOMweb plugin, and DCMTK's dcmqrscp.

Answers are compared attribute by attribute with what the PACS itself says to findscu. What a PACS leaves out, and QIDO-RS has always
there, is compared with what was stored. Then what is relational, paging, both media types, and how failures look.
"""

import json
import re
import signal
import sys
import xml.etree.ElementTree as ElementTree
from urllib.parse import quote

import generated
import query_cases
from dicom import INSTANCE_UID, PATIENT_ID, PATIENT_NAME, SERIES_UID, STUDY_UID, CHARACTER_SET, plain_set, read_file, value_of
from query_cases import (CLASS, DATE, INSTANCE_NUMBER, MODALITIES, MODALITY, SERIES_INSTANCES, STUDY_INSTANCES, STUDY_SERIES, TIME)
from trial import Gantry, Orthanc, fetch, folder, need, running, samples
from workstation import SUCCESS, Dcmqrscp, Peer, find

UNIQUE = {"STUDY": STUDY_UID, "SERIES": SERIES_UID, "IMAGE": INSTANCE_UID}
COUNTED = {MODALITIES, STUDY_SERIES, STUDY_INSTANCES, SERIES_INSTANCES}
ALWAYS = {  # PS3.18 tables 10.6.3-3 to 5, R and U
    "STUDY": [DATE, TIME, 0x00080050, MODALITIES, 0x00080090, PATIENT_NAME, PATIENT_ID, 0x00100030, 0x00100040, STUDY_UID, 0x00200010,
              STUDY_SERIES, STUDY_INSTANCES, 0x00081190],
    "SERIES": [MODALITY, SERIES_UID, 0x00200011, SERIES_INSTANCES, 0x00081190],
    "IMAGE": [CLASS, INSTANCE_UID, INSTANCE_NUMBER, 0x00081190],
}
# PS3.18 8.3.4.1.1: two ranges are one range of moments; C-FIND without negotiation takes the time of each day (PS3.4 C.2.2.2.5).
COMBINED = {
    "study STUDY date and time ranges": {2, 4, 5},
    "study STUDY date and time ranges overnight": {3, 4, 5, 6},
}
# Where a PACS does not match what it is asked for, and gantry gives what the standard says (PS3.4 C.2.2.2): the unique keys.
SECOND = generated.series_uid(2, 2)
OTHERWISE = {
    ("orthanc", "study SERIES request matched"): {SECOND},  # Orthanc does not match items of sequences
    ("orthanc", "study SERIES request not matched"): set(),
    # dcmqrscp knows nothing of modalities in a study: gantry asks for its series
    ("dcmqrscp", "study STUDY modality"): {generated.study_uid(n) for n in (2, 3, 6, 7)},
}


def text_of(element):
    """A JSON element as dicom.plain() says the same one."""
    if element["vr"] == "SQ":
        return [{int(t, 16): text_of(e) for t, e in item.items()} for item in element.get("Value", [])]
    values = element.get("Value", [])
    if element["vr"] == "PN":
        groups = [v or {} for v in values]
        values = ["=".join([g.get("Alphabetic", ""), g.get("Ideographic", ""), g.get("Phonetic", "")]).rstrip("=") for g in groups]
    if element["vr"] in ("US", "SS", "UL", "SL", "FL", "FD"):
        return values
    return "\\".join("" if v is None else str(v) for v in values)


def number(text):
    return re.sub(r"^0+(?=\d)", "", text)


def qido(gantry, path, parameters=(), accept="application/dicom+json"):
    """(status, headers, results): results as {tag: text}."""
    query = "&".join(f"{name}={value}" for name, value in parameters)
    status, headers, body = fetch(f"{gantry.web}{path}?{query}", headers={"Accept": accept})
    if status != 200:
        return status, headers, body
    return status, headers, [{int(t, 16): text_of(e) for t, e in r.items()} for r in json.loads(body)]


def parameters_of(keys, left_out=()):
    """The keys of a C-FIND as parameters (PS3.18 8.3.4)."""
    out = []
    for tag, value in keys.items():
        if tag in left_out or tag == CHARACTER_SET:
            continue
        if isinstance(value, list):
            for nested, inner in value[0].items():
                name = f"{tag:08x}.{nested:08x}"
                out.append((name, quote(inner)) if inner else ("includefield", name))
        elif value == "":
            out.append(("includefield", f"{tag:08X}"))
        else:
            raw = str(value if not isinstance(value, bytes) else value.decode())
            out.append((f"{tag:08X}", ",".join(map(quote, raw.split("\\"))) if tag in UNIQUE.values() else quote(raw)))
    return out


def resource(level, keys):
    """The path, and the keys that stand in it."""
    if level == "STUDY":
        return "/studies", ()
    if level == "SERIES":
        return f"/studies/{keys[STUDY_UID]}/series", (STUDY_UID,)
    return f"/studies/{keys[STUDY_UID]}/series/{keys[SERIES_UID]}/instances", (STUDY_UID, SERIES_UID)


def counted(tag, match):
    """What was stored says of an entity, None where that is not known."""
    for study in generated.STUDIES:
        if generated.study_uid(study[0]) != match.get(STUDY_UID):
            continue
        series = study[8]
        if tag == SERIES_INSTANCES:
            return next((str(s[3]) for s in series if generated.series_uid(study[0], s[1]) == match.get(SERIES_UID)), None)
        return {MODALITIES: set(s[0] for s in series), STUDY_SERIES: str(len(series)), STUDY_INSTANCES: str(sum(s[3] for s in series))}[tag]
    return None


def check_always(name, level, match):
    for tag in ALWAYS[level]:
        assert tag in match, (name, f"{tag:08x} is missing")
    for tag in COUNTED & set(match):
        truth = counted(tag, match)
        got = set(match[tag].split("\\")) if tag == MODALITIES else match[tag]
        assert truth is None or got == truth, (name, f"{tag:08x}", got, truth)
        assert got, (name, f"{tag:08x} is empty")
    url = "/studies/" + match[STUDY_UID]
    if level != "STUDY":
        url += "/series/" + match[SERIES_UID]
    if level == "IMAGE":
        url += "/instances/" + match[INSTANCE_UID]
    assert match[0x00081190].endswith("/dicom-web" + url), (name, match[0x00081190])


def same(tag, ours, theirs):
    if isinstance(ours, str) and isinstance(theirs, str) and tag in (0x00200011, INSTANCE_NUMBER):
        return number(ours) == number(theirs)
    return (ours or "") == (theirs or "")


def compare(pacs, case, results, found):
    """Complaints about one case."""
    name, level, keys = case
    out = []
    mine = {r[UNIQUE[level]]: r for r in results}
    theirs = {}
    for match in found.matches:
        theirs.setdefault(value_of(match, UNIQUE[level]), []).append(plain_set(match))
    expected = OTHERWISE.get((pacs, name), theirs.keys())
    if mine.keys() != expected:
        out.append(f"{pacs}: {name}: only QIDO {sorted(mine.keys() - theirs.keys())}, only C-FIND {sorted(expected - mine.keys())}")
    for uid in mine.keys() & theirs.keys():
        for tag in keys.keys() - COUNTED - {CHARACTER_SET}:
            right = [t.get(tag, "") for t in theirs[uid]]
            if not any(same(tag, mine[uid].get(tag, ""), r) for r in right):
                out.append(f"{pacs}: {name}: {uid} ({tag:08x}): QIDO {mine[uid].get(tag)!r}, C-FIND {right!r}")
    return out


def beside(pacs, gantry, peer, here):
    """All cases of Study Root; how many."""
    complaints, asked, matches = [], 0, 0
    for name, model, level, keys in query_cases.cases():
        if model != "study":
            continue
        path, in_path = resource(level, keys)
        status, _, results = qido(gantry, path, parameters_of(keys, in_path))
        assert status == 200, (pacs, name, status, results)
        for match in results:
            check_always(name, level, match)
        asked, matches = asked + 1, matches + len(results)
        if name in COMBINED:
            got = {r[STUDY_UID] for r in results if r[STUDY_UID].startswith(generated.ROOT)}
            assert got == {generated.study_uid(n) for n in COMBINED[name]}, (name, got)
            continue
        found = find(peer, here, level, {CHARACTER_SET: "ISO_IR 192", **keys})
        assert found.status == SUCCESS, (pacs, name, found.status)
        complaints += compare(pacs, (name, level, keys), results, found)
    assert not complaints, "\n".join(complaints)
    return asked, matches


def relational(gantry):
    """The resources that no C-FIND without negotiation has (PS3.18 table 10.6.1-1)."""
    own = ("PatientID", "T-*")
    trial = [s for s in generated.STUDIES if s[1].startswith("T-")]
    every_series = {generated.series_uid(s[0], row[1]) for s in trial for row in s[8]}
    every = {generated.instance_uid(s[0], row[1], i) for s in trial for row in s[8] for i in range(1, row[3] + 1)}
    for path, parameters, level, expected in [
        ("/series", [own], "SERIES", every_series),
        ("/series", [own, ("Modality", "MR")], "SERIES",
         {generated.series_uid(s[0], row[1]) for s in trial for row in s[8] if row[0] == "MR"}),
        ("/series", [own, ("StudyDate", "20240109-")], "SERIES", {generated.series_uid(7, 1), generated.series_uid(7, 2)}),
        ("/instances", [own], "IMAGE", every),
        ("/instances", [own, ("Modality", "MR"), ("InstanceNumber", "2")], "IMAGE",
         {generated.instance_uid(2, 2, 2), generated.instance_uid(3, 1, 2)}),
        (f"/studies/{generated.study_uid(2)}/instances", [], "IMAGE", {generated.instance_uid(2, s, i) for s in (1, 2) for i in (1, 2)}),
        (f"/studies/{generated.study_uid(2)}/series", [("PatientID", "T-1")], "SERIES", {generated.series_uid(2, s) for s in (1, 2)}),
        (f"/studies/{generated.study_uid(2)}/series", [("PatientID", "T-2")], "SERIES", set()),
        ("/series", [("PatientID", "NOBODY")], "SERIES", set()),
    ]:
        status, _, results = qido(gantry, path, parameters)
        assert status == 200, (path, parameters, status, results)
        got = {r[UNIQUE[level]] for r in results}
        assert got == expected and len(results) == len(got), (path, parameters, got ^ expected)
        for match in results:
            check_always(path, level, match)
            if path in ("/series", "/instances"):
                check_study(match)


def check_study(match):
    """Attributes of the study among those of what is below it."""
    for tag in ALWAYS["STUDY"][:-1]:
        assert tag in match, f"{tag:08x}"
    study = next(s for s in generated.STUDIES if generated.study_uid(s[0]) == match[STUDY_UID])
    assert (match[DATE], match[PATIENT_ID]) == (study[2], study[1]), match
    assert match[PATIENT_NAME] == generated.PATIENTS[study[1]][0].rstrip("^"), match


def pages(gantry):
    """One after the other they are the whole, each match once."""
    _, _, whole = qido(gantry, "/studies")
    for size in (1, 4, len(whole) - 1, len(whole), len(whole) + 5):
        gathered = []
        while True:
            status, headers, page = qido(gantry, "/studies", [("limit", size), ("offset", len(gathered))])
            assert status == 200 and len(page) <= size, (status, len(page))
            more = "additional results that can be requested" in (headers.get("Warning") or "")
            gathered += page
            assert more == (len(gathered) < len(whole)), (size, len(gathered), headers.get("Warning"))
            if not more:
                break
        assert [r[STUDY_UID] for r in gathered] == [r[STUDY_UID] for r in whole], size
    for parameters in ([("limit", 0)], [("offset", len(whole))]):
        assert qido(gantry, "/studies", parameters)[::2] == (200, []), parameters
    limited = qido(gantry, "/series", [("PatientID", "T-*"), ("limit", 2)])[2]
    assert len(limited) == 2, limited


def in_xml(gantry):
    """The same results in the Native DICOM Model (PS3.19 A.1)."""
    kind = 'multipart/related; type="application/dicom+xml"'
    status, headers, body = fetch(gantry.web + "/studies?PatientID=T-*", headers={"Accept": kind})
    assert status == 200 and headers["Content-Type"].startswith(kind), (status, headers["Content-Type"])
    boundary = headers["Content-Type"].rpartition("boundary=")[2].encode()
    parts = [p.partition(b"\r\n\r\n")[2] for p in body.split(b"--" + boundary)[1:-1]]
    space = "{http://dicom.nema.org/PS3.19/models/NativeDICOM}"
    names = {}
    for part in parts:
        root = ElementTree.fromstring(part.rstrip(b"\r\n"))
        assert root.tag == space + "NativeDicomModel", root.tag
        by_tag = {e.get("tag"): e for e in root.findall(space + "DicomAttribute")}
        person = by_tag["00100010"].find(f"{space}PersonName/{space}Alphabetic")
        names[by_tag["0020000D"].find(space + "Value").text] = "^".join(e.text for e in person)
    _, _, results = qido(gantry, "/studies", [("PatientID", "T-*")])
    # An empty component in the middle has no element.
    assert names == {r[STUDY_UID]: re.sub(r"\^+", "^", r[PATIENT_NAME].split("=")[0]) for r in results}, names


def refusals(gantry):
    """What a client gets wrong, and what this PACS does not do."""
    for path, status in [("/studies?limit=-1", 400), ("/studies?PatientID=a&PatientID=b", 400), ("/studies/x/series", 400)]:
        got, headers, body = fetch(gantry.web + path)
        assert (got, headers["Content-Type"]) == (status, "application/problem+json"), (path, got, headers["Content-Type"])
        assert json.loads(body)["detail"], body
    _, headers, _ = qido(gantry, "/studies", [("PatientName", "Trial*"), ("fuzzymatching", "true")])
    assert headers["Warning"].endswith("The fuzzymatching parameter is not supported. Only literal matching has been performed."), headers


def gone(gantry, process):
    """A PACS that has gone is never an empty list."""
    process.end(signal.SIGKILL)
    for path in ("/studies", "/series", f"/studies/{generated.study_uid(2)}/series"):
        status, headers, body = fetch(gantry.web + path)
        assert (status, headers["Content-Type"]) == (503, "application/problem+json"), (path, status, body)
        assert int(headers["Retry-After"]) > 0, path


def charsets(gantry, taken):
    """Text in other character sets arrives in UTF-8, and is found by it."""
    rounds = 0
    for path in taken:
        file = read_file(path)
        uid, name = value_of(file, STUDY_UID), value_of(file, PATIENT_NAME)
        _, _, (result,) = qido(gantry, "/studies", [("StudyInstanceUID", uid)])
        assert result[PATIENT_NAME] == name, (path.name, result[PATIENT_NAME], name)
        # With "*": a name may end in delimiters that say nothing (PS3.5 6.2), and Orthanc counts them.
        status, _, results = qido(gantry, "/studies", [("PatientName", quote(name) + "*")])
        assert status == 200 and uid in {r[STUDY_UID] for r in results}, (path.name, status, results)
        rounds += 1
    return rounds


def front(here, name, peer, character_set, **origin):
    """gantry before a PACS."""
    return Gantry(
        here / f"gantry-{name}",
        peers=[{"ae_title": peer.called, "host": "127.0.0.1", "port": peer.port, "character_set": character_set}],
        origins=[{"name": "old", "kind": "dimse", "peer": peer.called, **origin}],
        routes={"web": {"store": [], "find": "old", "retrieve": "old"}},
    )


def trial(here, name, peer, process, character_set, **origin):
    gantry = front(here, name, peer, character_set, **origin)
    with running(gantry):
        gantry.start()
        asked, matches = beside(name, gantry, peer, here)
        relational(gantry)
        pages(gantry)
        in_xml(gantry)
        refusals(gantry)
        rounds = charsets(gantry, chosen()) if name == "orthanc" else 0
        if name == "orthanc":  # dcmqrscp has a process for each association, and they stay
            gone(gantry, process)
        assert gantry.stop() == 0
    print(f"{name}: {asked} questions, {matches} matches as the PACS itself gives them; {rounds} texts")


def chosen():
    names = ("chrGerm.dcm", "chrFrenMulti.dcm", "chrRuss.dcm", "chrGreek.dcm", "chrX1.dcm", "chrX2.dcm")
    return [samples() / n for n in names]


def main():
    need("findscu", "dcmqrscp", "dcmqridx")
    with folder() as here:
        orthanc = Orthanc(here / "orthanc", dicomweb=False, DicomAlwaysAllowFind=True, DefaultEncoding="Utf8")
        with running(orthanc):
            for content in [*generated.files(), *(p.read_bytes() for p in chosen())]:
                assert fetch(orthanc.rest + "/instances", data=content, method="POST")[0] == 200
            trial(here, "orthanc", Peer("Orthanc", orthanc.dicom, "ORTHANC"), orthanc.process, "ISO_IR 192")
        scp = Dcmqrscp(here / "dcmqrscp")
        for position, content in enumerate(generated.files()):
            path = scp.folder / f"{position}.dcm"
            path.write_bytes(content)
            scp.add(path)
        peer = scp.start()
        with running(scp):
            trial(here, "dcmqrscp", peer, scp.process, "ISO_IR 100", connections=2)


if __name__ == "__main__":
    sys.exit(main())
