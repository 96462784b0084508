#!/usr/bin/env python3
"""DCMTK's findscu against gantry in front of Orthanc's DICOMweb, beside the same against Orthanc's own DIMSE side.

Answers are compared attribute by attribute. Where the two may differ stands in DIFFERENCES, each with its reason and its section of
the standard; whatever else differs fails. Then texts in many character sets: asked for and answered in ISO 2022 and in UTF-8, from
that archive and, stored through gantry, from the local origin.
"""

import re
import sys

import generated
import query_cases
from dicom import (CHARACTER_SET, INSTANCE_UID, LEVEL, PATIENT_ID, PATIENT_NAME, RETRIEVE_AE, SERIES_UID, STUDY_UID, charset, plain_set,
                   read_file, value_of)
from trial import Gantry, Orthanc, fetch, folder, need, run, running, samples, wait_for
from workstation import SUCCESS, Peer, find

UNIQUE = {"PATIENT": PATIENT_ID, "STUDY": STUDY_UID, "SERIES": SERIES_UID, "IMAGE": INSTANCE_UID}
ABOVE = {
    "patient": {"PATIENT": [], "STUDY": [PATIENT_ID], "SERIES": [PATIENT_ID, STUDY_UID], "IMAGE": [PATIENT_ID, STUDY_UID, SERIES_UID]},
    "psonly": {"PATIENT": [], "STUDY": [PATIENT_ID]},
    "study": {"STUDY": [], "SERIES": [STUDY_UID], "IMAGE": [STUDY_UID, SERIES_UID]},
}
ALWAYS = {CHARACTER_SET, LEVEL, RETRIEVE_AE, 0x00080056, 0x00080201}  # may stand in every answer (PS3.4 C.4.1.1.3.2)

# (cases, "matches", "status" or the tag whose value differs, why). Each must be seen.
NAMELESS = "Patient ID may be unknown (PS3.3 C.7.1.1, type 2): Orthanc takes all such patients for one, gantry tells them apart"
DIFFERENCES = [
    ("(patient|psonly) PATIENT all", PATIENT_NAME, NAMELESS),
    ("(patient|psonly) PATIENT all", 0x00100030, NAMELESS),
    ("(patient|psonly) PATIENT all", 0x00100040, NAMELESS),
    ("study STUDY all", 0x00080020, "1994.11.05, as ACR-NEMA wrote dates, is given as today's form (PS3.5 6.2, DA)"),
    ("study STUDY all", 0x00080030, "11:20:00, as ACR-NEMA wrote times, is given as today's form (PS3.5 6.2, TM)"),
    ("study SERIES request .*", 0x00400275, "Orthanc's QIDO-RS neither matches nor returns Request Attributes Sequence (PS3.18 "
     "10.6.3.3.2 wants both); as a key to match it is said to be unsupported: FF01 and absent (PS3.4 C.4.1.1.4)"),
]
IN_PART = {"study SERIES request matched", "study SERIES request not matched"}


def fill(orthanc):
    """All samples that Orthanc takes, and the generated studies; the files that it took, by SOP Instance UID."""
    taken = {}
    for path in sorted(samples().glob("*.dcm")):
        status, _, body = fetch(orthanc.rest + "/instances", data=path.read_bytes(), method="POST")
        if status == 200 and b'"Success"' in body:
            taken[path.name] = path
    for content in generated.files():
        assert fetch(orthanc.rest + "/instances", data=content, method="POST")[0] == 200
    return taken


def by_key(found, level):
    """{unique key: the answers that have it}: Orthanc tells two patients' studies of one UID apart, and gives both."""
    out = {}
    for match in found.matches:
        out.setdefault(value_of(match, UNIQUE[level]), []).append(plain_set(match))
    return out


def check_form(found, case):
    """What PS3.4 C.4.1.1.3.2 asks of every answer."""
    name, model, level, keys = case
    allowed = ALWAYS | set(keys) | {UNIQUE[level]} | set(ABOVE[model][level])
    seen = set()
    for match in found.matches:
        assert not set(match) - allowed, (name, "not asked for", [f"{t:08x}" for t in set(match) - allowed])
        lacking = [t for t in [UNIQUE[level], *ABOVE[model][level]] if not value_of(match, t) and t != PATIENT_ID]
        assert not lacking, (name, "lacks unique keys", [f"{t:08x}" for t in lacking])
        assert value_of(match, LEVEL) == level, name
        assert value_of(match, RETRIEVE_AE) == "GANTRY", name
        key = value_of(match, UNIQUE[level])
        assert not key or key not in seen, (name, key, "twice")  # patients without an ID are told apart by what else is known
        seen.add(key)
    pending = 0xFF01 if name in IN_PART else 0xFF00
    assert all(s == pending for s in found.pending), (name, found.pending)
    assert len(found.pending) == len(found.matches), name


class Differences:
    """Those that are known, and which of them were seen."""

    def __init__(self):
        self.seen = set()

    def explains(self, name, where):
        for number, (cases, what, _) in enumerate(DIFFERENCES):
            if re.fullmatch(cases, name) and what in (where, "*"):
                self.seen.add(number)
                return True
        return False

    def unseen(self):
        return [DIFFERENCES[n] for n in range(len(DIFFERENCES)) if n not in self.seen]


def compare(case, ours, theirs, known):
    """Complaints about one case."""
    name, _, level, keys = case
    out = []
    if ours.status != theirs.status and not known.explains(name, "status"):
        out.append(f"{name}: final status {ours.status:04x} {ours.comment!r}, Orthanc {theirs.status:04x}")
    mine, others = by_key(ours, level), by_key(theirs, level)
    if mine.keys() != others.keys() and not known.explains(name, "matches"):
        out.append(f"{name}: only gantry {sorted(mine.keys() - others.keys())[:5]}, only Orthanc {sorted(others.keys() - mine.keys())[:5]}")
    for key in sorted(mine.keys() & others.keys()):
        for tag in keys.keys() - {CHARACTER_SET}:
            right = [o.get(tag) or "" for o in others[key]]
            wrong = [m.get(tag) or "" for m in mine[key] if (m.get(tag) or "") not in right]
            if wrong and not known.explains(name, tag):
                out.append(f"{name}: {key} ({tag:08x}): gantry {wrong}, Orthanc {right}")
    return out


def beside_orthanc(gantry, orthanc, here):
    """All cases; how many, and what differs without an explanation."""
    known, complaints, matches = Differences(), [], 0
    ours, theirs = Peer("gantry", gantry.port("dimse"), "GANTRY"), Peer("Orthanc", orthanc.dicom, "ORTHANC")
    for name, model, level, asked in query_cases.cases():
        keys = {CHARACTER_SET: "ISO_IR 192", **asked}
        case = name, model, level, keys
        found = find(ours, here, level, keys, model)
        check_form(found, case)
        matches += len(found.matches)
        # Orthanc has no Patient/Study Only: its Patient Root is the same at these levels (PS3.4 C.6.3).
        complaints += compare(case, found, find(theirs, here, level, keys, "patient" if model == "psonly" else model), known)
    complaints += [f"never seen, though listed: {d}" for d in known.unseen()]
    assert not complaints, "\n".join(complaints)
    return len(query_cases.cases()), matches


def refused(gantry, here):
    """What a strict SCP must not answer (PS3.4 C.4.1.1.4, C.4.1.2.2.1: A900)."""
    peer = Peer("gantry", gantry.port("dimse"), "GANTRY")
    for name, model, level, keys in query_cases.REFUSED:
        found = find(peer, here, level, keys, model)
        assert (found.status, found.matches) == (0xA900, []), (name, found.status, found.comment, len(found.matches))
        assert found.comment, (name, "no Error Comment")


def lenient(gantry, here):
    """The same, answered as if relational queries had been negotiated (PS3.4 C.4.1.2.2.2)."""
    peer = Peer("gantry", gantry.port("dimse"), "GANTRY")
    got = {name: find(peer, here, level, keys, model) for name, model, level, keys in query_cases.REFUSED}
    for name, expected in query_cases.ANSWERED_LENIENTLY.items():
        assert got[name].status == SUCCESS, (name, got[name].status, got[name].comment)
        level = next(r[2] for r in query_cases.REFUSED if r[0] == name)
        found = set(by_key(got[name], level))
        assert expected <= found, (name, expected - found)
        if name not in query_cases.WITHOUT_BOUND:
            assert expected == found, (name, found - expected)
    for name in got.keys() - query_cases.ANSWERED_LENIENTLY.keys():
        assert got[name].status == 0xA900, (name, got[name].status)


def asked_in(file, character_set):
    """The name of a charset file in another character set, or None where that one cannot say it."""
    if character_set == charset(file):
        return file[PATIENT_NAME].value
    return value_of(file, PATIENT_NAME).encode("utf-8") if character_set == "ISO_IR 192" else None


def texts(gantry, taken, here):
    """Each charset file is found by its name, asked for and answered in its own character set and in UTF-8, without loss."""
    peer, rounds = Peer("gantry", gantry.port("dimse"), "GANTRY"), 0
    for path in (p for name, p in taken.items() if name.startswith("chr")):
        file = read_file(path)
        name = value_of(file, PATIENT_NAME)
        for character_set in {charset(file), "ISO_IR 192"}:
            keys = {CHARACTER_SET: character_set, PATIENT_NAME: asked_in(file, character_set), PATIENT_ID: "", STUDY_UID: ""}
            # A key of the name as it is, one with a wildcard, and universal matching by its ID.
            wild = name.split("^")[0].encode("utf-8") + b"*" if character_set == "ISO_IR 192" else keys[PATIENT_NAME]
            for key in (keys, {**keys, PATIENT_NAME: wild}, {**keys, PATIENT_NAME: "", PATIENT_ID: value_of(file, PATIENT_ID)}):
                found = find(peer, here, "STUDY", key)
                matches = [m for m in found.matches if value_of(m, STUDY_UID) == value_of(file, STUDY_UID)]
                assert found.status == SUCCESS and len(matches) == 1, (path.name, character_set, key, found.status, found.comment)
                assert value_of(matches[0], PATIENT_NAME) == name, (path.name, character_set, value_of(matches[0], PATIENT_NAME))
                assert charset(matches[0]) == character_set, (path.name, character_set, charset(matches[0]))
                rounds += 1
    return rounds


def unasked(gantry, taken, here):
    """A question that names no character set: what the peer is configured to read, else Latin-1, else UTF-8; told to read nothing but the
    default repertoire, that, marked where it lacks a character (PS3.5 6.1.2.5.4 note 4)."""
    peer = Peer("gantry", gantry.port("dimse"), "GANTRY")
    for path in (p for name, p in taken.items() if name.startswith("chr")):
        file = read_file(path)
        name, key = value_of(file, PATIENT_NAME), {PATIENT_NAME: "", STUDY_UID: value_of(file, STUDY_UID)}
        (read_well,) = find(peer, here, "STUDY", key, calling="READS_UTF8").matches
        assert (charset(read_well), value_of(read_well, PATIENT_NAME)) == ("ISO_IR 192", name), path.name
        (ascii_only,) = find(peer, here, "STUDY", key, calling="READS_ASCII").matches
        assert (charset(ascii_only), value_of(ascii_only, PATIENT_NAME)) == ("", re.sub(r"[^ -~]", "?", name)), path.name
        (unknown,) = find(peer, here, "STUDY", key).matches
        expected = "" if name.isascii() else "ISO_IR 100" if name.encode("latin-1", "ignore").decode("latin-1") == name else "ISO_IR 192"
        assert (charset(unknown), value_of(unknown, PATIENT_NAME)) == (expected, name), (path.name, charset(unknown))


def local_round(taken, here):
    """C-STORE in, C-FIND out: the charset files through the local origin."""
    routes = {"dimse": {"store": ["here"], "find": "here", "retrieve": "here"}}
    gantry = Gantry(here / "local", routes=routes, peers=[
        {"ae_title": "READS_UTF8", "character_set": "ISO_IR 192"}, {"ae_title": "READS_ASCII", "character_set": "ISO_IR 6"}])
    files = [p for name, p in taken.items() if name.startswith("chr")]
    with running(gantry):
        gantry.start()
        run("storescu", "-xe", "-aec", "GANTRY", "127.0.0.1", gantry.port("dimse"), *files)
        wait_for("an empty queue", lambda: not gantry.queue())
        rounds = texts(gantry, taken, here)
        unasked(gantry, taken, here)
        assert gantry.stop() == 0
    return rounds


def main():
    need("findscu", "storescu")
    with folder() as here:
        orthanc = Orthanc(here / "orthanc", DicomAlwaysAllowFind=True, DefaultEncoding="Utf8")
        origin = [{"name": "archive", "kind": "dicomweb", "url": orthanc.web}]
        routes = {"dimse": {"store": [], "find": "archive", "retrieve": "archive"}}
        gantry = Gantry(here / "gantry", origins=origin, routes=routes)
        generous = Gantry(here / "lenient", origins=origin, routes=routes, dimse={"queries": "lenient"})
        with running(gantry, generous, orthanc):
            taken = fill(orthanc)
            gantry.start()
            asked, matches = beside_orthanc(gantry, orthanc, here)
            refused(gantry, here)
            rounds = texts(gantry, taken, here)
            assert gantry.stop() == 0
            generous.start()
            lenient(generous, here)
            assert generous.stop() == 0
        rounds += local_round(taken, here)
    print(f"{asked} questions, {matches} matches as Orthanc's own but for {len(DIFFERENCES)} explained differences; "
          f"{len(query_cases.REFUSED)} refused; {rounds} rounds of text")


if __name__ == "__main__":
    sys.exit(main())
