#!/usr/bin/env python3
"""DCMTK's movescu and getscu against gantry, in front of Orthanc's DICOMweb and with its local origin: instances, bytes, counters.

Every instance that Orthanc holds comes through gantry with the bytes with which it is held, and as it comes from Orthanc's own DIMSE
side; what differs stands in DIFFERENCES with its reason and its section of the standard, and whatever else differs fails. Then
destinations that take one syntax or one class only, are unknown, away, or die half way, and C-CANCEL.
"""

import re
import struct
import sys
import threading
import time

import generated
from dicom import (BIG_ENDIAN, CLASS_UID, DEFLATED, EXPLICIT, IMPLICIT, INSTANCE_UID, LEVEL, PATIENT_ID, SERIES_UID, STUDY_UID, part10,
                   read, same, split, write)
from generated import CT, MR, instance_uid, series_uid, study_uid
from modality import Association, ct_image
from query_beside_trial import fill
from trial import Gantry, Orthanc, data_set, fetch, folder, free_port, meta_value, need, run, running, wait_for
from workstation import CANCELLED, SUCCESS, UNKNOWN_DESTINATION, Destination, Peer, contents, get, move

WARNING, ALL_FAILED = 0xB000, 0xA702
GET_STUDY_ROOT = "1.2.840.10008.5.1.4.1.2.2.3"
MANY = 1000
MANY_STUDY = "2.25.77002.1"
REENCODED = {IMPLICIT, BIG_ENDIAN, DEFLATED}
UNCOMPRESSED = REENCODED | {EXPLICIT}
ONLY_CT = """[[TransferSyntaxes]]
[Uncompressed]
TransferSyntax1 = LittleEndianExplicit
TransferSyntax2 = LittleEndianImplicit
[[PresentationContexts]]
[OnlyCT]
PresentationContext1 = CTImageStorage\\Uncompressed
PresentationContext2 = VerificationSOPClass\\Uncompressed
[[Profiles]]
[Default]
PresentationContexts = OnlyCT
"""

# (SOP Instance UID, by what: "C-MOVE", "C-GET", "getscu", "beside" or "*", why). Each must be seen.
DIFFERENCES = [
    ("1.9.999.999.99.9.9999.9999.20030818153516", "*",
     "Orthanc's WADO-RS says 404 where two of its patients share a Study Instance UID (PS3.18 10.4.3.2): failed, and listed"),
    ("1.2.826.0.1.3680043.10.511.3.71040587180733182327492180132130832", "getscu",
     "getscu does not offer Parametric Map Storage (PS3.4 C.4.3.1.4): failed, and listed"),
]

# What is asked for at each level: (model, level, keys), and which generated instances that is.
def instances_of(study, series=None):
    rows = generated.STUDIES[study - 1][8]
    return {instance_uid(study, s[1], i) for s in rows for i in range(1, s[3] + 1) if series in (None, s[1])}


def of_patient(patient):
    return set().union(*(instances_of(s[0]) for s in generated.STUDIES if s[1] == patient))


ONE = {STUDY_UID: study_uid(1), SERIES_UID: series_uid(1, 2)}
QUESTIONS = [
    ("study", "STUDY", {STUDY_UID: study_uid(1)}, instances_of(1)),
    ("study", "STUDY", {STUDY_UID: f"{study_uid(1)}\\{study_uid(4)}\\{study_uid(7)}"}, instances_of(1) | instances_of(4) | instances_of(7)),
    ("study", "SERIES", {STUDY_UID: study_uid(1), SERIES_UID: series_uid(1, 2)}, instances_of(1, 2)),
    ("study", "SERIES", {STUDY_UID: study_uid(2), SERIES_UID: f"{series_uid(2, 1)}\\{series_uid(2, 2)}"}, instances_of(2)),
    ("study", "IMAGE", {**ONE, INSTANCE_UID: instance_uid(1, 2, 3)}, {instance_uid(1, 2, 3)}),
    ("study", "IMAGE", {**ONE, INSTANCE_UID: f"{instance_uid(1, 2, 1)}\\{instance_uid(1, 2, 3)}"},
     {instance_uid(1, 2, 1), instance_uid(1, 2, 3)}),
    ("patient", "PATIENT", {PATIENT_ID: "T-1"}, of_patient("T-1")),
    ("patient", "STUDY", {PATIENT_ID: "T-2", STUDY_UID: study_uid(4)}, instances_of(4)),
    ("patient", "SERIES", {PATIENT_ID: "T-2", STUDY_UID: study_uid(5), SERIES_UID: series_uid(5, 3)}, instances_of(5, 3)),
    ("patient", "IMAGE", {PATIENT_ID: "T-1", **ONE, INSTANCE_UID: instance_uid(1, 2, 2)}, {instance_uid(1, 2, 2)}),
    ("psonly", "PATIENT", {PATIENT_ID: "T-2"}, of_patient("T-2")),
    ("psonly", "STUDY", {PATIENT_ID: "T-1", STUDY_UID: study_uid(3)}, instances_of(3)),
    ("study", "STUDY", {STUDY_UID: "1.2.3.999"}, set()),
]


def many_files():
    """PS3.10 files of a study of many small CT instances."""
    for number in range(MANY):
        uid = f"{MANY_STUDY}.1.{number + 1}"
        yield part10(ct_image(MANY_STUDY, f"{MANY_STUDY}.1", uid), CT, uid)


def store_many(url):
    boundary = "trial0123456789"
    body = b"".join(f"--{boundary}\r\nContent-Type: application/dicom\r\n\r\n".encode() + f + b"\r\n" for f in many_files())
    status, _, answer = fetch(url + "/studies", data=body + f"--{boundary}--\r\n".encode(), method="POST",
                              headers={"Content-Type": f'multipart/related; type="application/dicom"; boundary={boundary}'})
    assert status == 200, (status, answer[:500])


class Held:
    """What an archive holds: (transfer syntax, data set) of each instance, and which belong to a study."""

    def __init__(self, orthanc):
        self.instances, self.studies = {}, {}
        for study in orthanc.ask("/studies?expand"):
            uids = self.studies.setdefault(study["MainDicomTags"]["StudyInstanceUID"], set())
            for instance in orthanc.ask(f"/studies/{study['ID']}/instances"):
                uid = instance["MainDicomTags"]["SOPInstanceUID"]
                uids.add(uid)
                syntax, content = split(orthanc.file(instance["ID"]))
                if not syntax:  # no file meta: as its first element shows
                    syntax = EXPLICIT if content[4:6].isalpha() else IMPLICIT
                self.instances[uid] = syntax, content

    def sop_class(self, uid):
        syntax, content = self.instances[uid]
        return read(content, syntax)[CLASS_UID].value.rstrip(b"\0 ").decode()


def levels(peer, here, destination):
    """Every model and level, by C-MOVE and C-GET: the instances that were meant, and no others."""
    for model, level, keys, expected in QUESTIONS:
        destination.clear()
        moved = move(peer, here, level, keys, destination.title, model)
        what = (peer.name, model, level, keys)
        assert moved.counts() == (SUCCESS, len(expected), 0, 0), (what, moved.counts(), moved.comment)
        moved.check_pending(len(expected))
        assert set(destination.contents()) == expected, (what, set(destination.contents()) ^ expected)
        target = here / f"got-{len(list(here.iterdir()))}"
        got = get(peer, here, level, keys, target, model)
        assert got.counts() == (SUCCESS, len(expected), 0, 0), (what, got.counts(), got.comment)
        got.check_pending(len(expected))
        assert set(contents(target)) == expected, (what, set(contents(target)) ^ expected)


def many(peer, here, destination):
    destination.clear()
    moved = move(peer, here, "STUDY", {STUDY_UID: MANY_STUDY}, destination.title)
    assert moved.counts() == (SUCCESS, MANY, 0, 0), (moved.counts(), moved.comment)
    moved.check_pending(MANY)
    expected = {meta_value(f, 0x0003): data_set(f) for f in many_files()}
    assert {u: c for u, (_, c) in destination.contents().items()} == expected
    got = get(peer, here, "STUDY", {STUDY_UID: MANY_STUDY}, here / "many")
    assert got.counts() == (SUCCESS, MANY, 0, 0), (got.counts(), got.comment)
    got.check_pending(MANY)
    assert {u: c for u, (_, c) in contents(here / "many").items()} == expected


class Comparison:
    """Bytes as they are held; but what is held in a syntax that has no place on the web (PS3.18 8.7.3.5.2: Implicit VR, Big Endian,
    Deflated), or in which the peer does not take it, comes in Explicit VR Little Endian with the same values."""

    def __init__(self):
        self.identical, self.reencoded, self.decompressed, self.seen, self.complaints = 0, 0, 0, set(), []

    def explained(self, uid, service):
        for number, (which, how, _) in enumerate(DIFFERENCES):
            if which == uid and how in (service, "*"):
                self.seen.add(number)
                return True
        return False

    def instance(self, held, uid, service, came):
        old = held.instances.get(uid, ("-", b""))
        if came == old:
            self.identical += 1
        elif came and service == "getscu" and old[0] not in UNCOMPRESSED and came[0] == EXPLICIT:
            check_decompressed(uid, read(came[1]))
            self.decompressed += 1
        elif came and old[0] in REENCODED and came[0] in (EXPLICIT, old[0]) and same(read(*came[::-1]), read(*old[::-1])):
            self.reencoded += 1
        elif not self.explained(uid, service):
            new = "nothing" if came is None else f"{came[0]}, {len(came[1])} bytes"
            self.complaints.append(f"{service} of {uid}: {new}, held as {old[0]}, {len(old[1])} bytes")

    def study(self, held, uids, service, outcome, came):
        """The bytes, and counters that tell what came."""
        for uid in uids:
            self.instance(held, uid, service, came.get(uid))
        if set(came) - uids:
            self.complaints.append(f"{service}: came unasked: {set(came) - uids}")
        total = outcome.completed + outcome.failed + outcome.warning
        if (total, outcome.completed) != (len(uids), len(came)):
            self.complaints.append(f"{service} of {sorted(map(str, uids))[:3]}: {outcome.counts()}, {len(came)} came of {len(uids)}")
        wanted = SUCCESS if len(came) == len(uids) else WARNING if came else ALL_FAILED
        if outcome.status != wanted:
            self.complaints.append(f"{service} of {sorted(map(str, uids))[:3]}: status {outcome.status:04x}, not {wanted:04x}")

    def verdict(self):
        unseen = [d for n, d in enumerate(DIFFERENCES) if n not in self.seen]
        self.complaints += [f"never seen, though listed: {d}" for d in unseen]
        assert not self.complaints, "\n".join(self.complaints)
        return self.identical, self.reencoded, self.decompressed


def everything(gantry, peer, theirs, held, here, destination):
    """Each study by C-MOVE to one who takes all syntaxes, by C-GET on contexts in the syntaxes in which it is held, and by getscu,
    which wants it uncompressed."""
    comparison = Comparison()
    for study, uids in sorted(held.studies.items()):
        destination.clear()
        moved = move(peer, here, "STUDY", {STUDY_UID: study}, destination.title)
        came = destination.contents()
        comparison.study(held, uids, "C-MOVE", moved, came)
        if theirs:
            beside(comparison, came, study, theirs, here, destination)
        comparison.study(held, uids, "C-GET", *get_as_held(gantry, held, study))
        target = here / f"study-{study}"
        got = get(peer, here, "STUDY", {STUDY_UID: study}, target)
        comparison.study(held, uids, "getscu", got, contents(target))
    return comparison.verdict()


class Counts:
    """Of a final response."""

    def __init__(self, command):
        numbers = [struct.unpack("<H", command[e])[0] if e in command else 0 for e in (0x0900, 0x1021, 0x1022, 0x1023)]
        self.status, self.completed, self.failed, self.warning = numbers

    def counts(self):
        return self.status, self.completed, self.failed, self.warning


def get_as_held(gantry, held, study):
    """C-GET with a context for each class and syntax that the study has."""
    pairs = set()
    for uid in held.studies[study]:
        syntax, _ = held.instances[uid]
        offered = {syntax, EXPLICIT} if syntax in REENCODED else {syntax}
        pairs |= {(held.sop_class(uid), one) for one in offered}
    contexts = {1: (GET_STUDY_ROOT, [EXPLICIT])}
    contexts |= {2 * n + 3: (sop_class, [syntax]) for n, (sop_class, syntax) in enumerate(sorted(pairs))}
    with Association(gantry.port("dimse"), contexts=contexts, roles=sorted({p[0] for p in pairs})) as association:
        received, final, _ = association.get(GET_STUDY_ROOT, write({LEVEL: "STUDY", STUDY_UID: study}))
        association.release()
    return Counts(final), received


def beside(comparison, came, study, theirs, here, destination):
    """The same from Orthanc's own DIMSE side, value by value."""
    destination.clear()
    move(theirs, here, "STUDY", {STUDY_UID: study}, destination.title)
    for uid, (syntax, content) in destination.contents().items():
        if uid not in came:
            if not comparison.explained(uid, "C-MOVE"):
                comparison.complaints.append(f"{uid} comes from Orthanc ({syntax}) and not from gantry")
        elif (syntax, content) != came[uid] and not same(read(content, syntax), read(*came[uid][::-1])):
            if not comparison.explained(uid, "beside"):
                comparison.complaints.append(f"{uid}: Orthanc gives other values ({syntax}; gantry {came[uid][0]})")


# Destinations --------------------------------------------------------------------------------------------------------------------


def implicit_only(peer, held, here, destination):
    """Everything is re-encoded, value by value, or decompressed; what cannot be fails and says so."""
    equal = decompressed = 0
    for study, uids in sorted(held.studies.items()):
        destination.clear()
        moved = move(peer, here, "STUDY", {STUDY_UID: study}, destination.title)
        came = destination.contents()
        assert moved.completed + moved.warning == len(came), (study, moved.counts(), len(came))
        assert moved.completed + moved.warning + moved.failed == len(uids), (study, moved.counts(), len(uids))
        for uid, (syntax, content) in came.items():
            old_syntax, old = held.instances[uid]
            assert syntax == IMPLICIT, (uid, syntax)
            if old_syntax in UNCOMPRESSED:
                assert same(read(content, IMPLICIT), read(old, old_syntax)), uid
                equal += 1
            else:
                check_decompressed(uid, read(content, IMPLICIT))
                decompressed += 1
    return equal, decompressed


def check_decompressed(uid, elements):
    """Pixel data of the size that the image has, and never an image without (PS3.5 A.4)."""
    number = {t: struct.unpack("<H", elements[t].value)[0] if t in elements else 1 for t in (0x00280002, 0x00280010, 0x00280011, 0x00280100)}
    frames = int(elements[0x00280008].value.strip(b" \0") or 1) if 0x00280008 in elements else 1
    bits = number[0x00280002] * number[0x00280010] * number[0x00280011] * number[0x00280100] * frames
    size = (bits + 7) // 8
    assert 0x7FE00010 in elements, f"{uid}: an image without pixels"
    assert len(elements[0x7FE00010].value) == size + size % 2, (uid, number, frames, len(elements[0x7FE00010].value))


def some_classes(peer, here, destination):
    """Two CT are taken, two MR are not: B000, and a list of the two (PS3.4 C.4.2.1.5, table C.4-2)."""
    moved = move(peer, here, "STUDY", {STUDY_UID: study_uid(2)}, destination.title)
    assert moved.counts() == (WARNING, 2, 2, 0), (moved.counts(), moved.comment)
    assert set(destination.contents()) == instances_of(2, 1)
    assert failed_list(moved.log) == instances_of(2, 2), failed_list(moved.log)
    only = move(peer, here, "SERIES", {STUDY_UID: study_uid(2), SERIES_UID: series_uid(2, 2)}, destination.title)
    assert only.counts() == (ALL_FAILED, 0, 2, 0), only.counts()
    assert failed_list(only.log) == instances_of(2, 2)


def failed_list(log):
    found = re.findall(r"\(0008,0058\) UI \[?([0-9.\\]+)", log)
    return set(found[-1].split("\\")) if found else set()


def get_of_some_classes(gantry):
    """C-GET on an association that offers CT alone (PS3.4 C.4.3.1.4, C.4.3.2.2)."""
    contexts = {1: (GET_STUDY_ROOT, [EXPLICIT]), 3: (CT, [EXPLICIT])}
    identifier = write({LEVEL: "STUDY", STUDY_UID: study_uid(2)})
    with Association(gantry.port("dimse"), contexts=contexts, roles=[CT]) as association:
        received, final, listed = association.get(GET_STUDY_ROOT, identifier)
        counts = [struct.unpack("<H", final[e])[0] for e in (0x0900, 0x1021, 0x1022, 0x1023)]
        assert counts == [WARNING, 2, 2, 0], counts
        assert set(received) == instances_of(2, 1), received.keys()
        failed = read(listed)[0x00080058].value.rstrip(b"\0").decode().split("\\")
        assert set(failed) == instances_of(2, 2), failed
        association.release()
    with Association(gantry.port("dimse"), contexts=contexts) as association:  # no role selection: no C-STORE is possible
        received, final, listed = association.get(GET_STUDY_ROOT, identifier)
        assert struct.unpack("<H", final[0x0900])[0] == ALL_FAILED and not received, final
        assert MR not in association.contexts
        association.release()


def unknown_and_away(peer, here):
    unknown = move(peer, here, "STUDY", {STUDY_UID: study_uid(1)}, "NOBODY")
    assert unknown.status == UNKNOWN_DESTINATION and not unknown.pending, (unknown.counts(), unknown.comment)
    away = move(peer, here, "STUDY", {STUDY_UID: study_uid(1)}, "AWAY")
    assert away.counts() == (ALL_FAILED, 0, 4, 0), (away.counts(), away.comment)
    assert failed_list(away.log) == instances_of(1)


def cancelled(peer, here, destination):
    """C-CANCEL after some responses: FE00, and what was done is counted (PS3.4 C.4.2.3.1)."""
    destination.clear()
    moved = move(peer, here, "STUDY", {STUDY_UID: MANY_STUDY}, destination.title, cancel=3)
    assert moved.status == CANCELLED, (moved.counts(), moved.comment)
    came = wait_for("what was under way", lambda: len(list(destination.folder.iterdir())) >= moved.completed and True)
    assert came and moved.completed < MANY, moved.counts()
    final = moved.responses[-1]
    if "remaining" in final:
        assert final["remaining"] + sum(moved.counts()[1:]) == MANY, final
    time.sleep(0.5)  # nothing may come any more
    assert len(list(destination.folder.iterdir())) <= moved.completed + moved.failed + 1


def dies_half_way(peer, here, destination):
    """All that it did not confirm is failed and listed (PS3.4 C.4.2.1.5)."""
    destination.clear()

    def kill():
        wait_for("a part of the study", lambda: len(list(destination.folder.iterdir())) > 50, interval=0.001)
        destination.kill()

    killer = threading.Thread(target=kill)
    killer.start()
    moved = move(peer, here, "STUDY", {STUDY_UID: MANY_STUDY}, destination.title)
    killer.join()
    assert moved.status == WARNING, (moved.counts(), moved.comment)
    assert 50 <= moved.completed < MANY and moved.completed + moved.failed == MANY, moved.counts()
    assert moved.completed <= len(list(destination.folder.iterdir())), "counted as completed, and not there"


# ---------------------------------------------------------------------------------------------------------------------------------


class Destinations:
    def __init__(self, here):
        (here / "only-ct.cfg").write_text(ONLY_CT)
        self.all = Destination(here, "DEST")
        self.implicit = Destination(here, "IMPLICIT", "+xi")
        self.some = Destination(here, "SOMECT", None, options=["-xf", here / "only-ct.cfg", "Default"])
        self.mortal = Destination(here, "MORTAL")
        self.running = [self.all, self.implicit, self.some, self.mortal]
        self.peers = {d.title: d.port for d in self.running} | {"AWAY": free_port()}

    def as_peers(self):
        return [{"ae_title": t, "host": "127.0.0.1", "port": p} for t, p in self.peers.items()]


def from_the_web(here, destinations, orthanc, held):
    gantry = Gantry(here / "web", origins=[{"name": "archive", "kind": "dicomweb", "url": orthanc.web}], peers=destinations.as_peers(),
                    routes={"dimse": {"store": [], "find": "archive", "retrieve": "archive"}})
    with running(gantry):
        gantry.start()
        peer, theirs = Peer("gantry", gantry.port("dimse"), "GANTRY"), Peer("Orthanc", orthanc.dicom, "ORTHANC")
        levels(peer, here, destinations.all)
        bytes_ = everything(gantry, peer, theirs, held, here, destinations.all)
        implicit = implicit_only(peer, held, here, destinations.implicit)
        many(peer, here, destinations.all)
        some_classes(peer, here, destinations.some)
        get_of_some_classes(gantry)
        unknown_and_away(peer, here)
        cancelled(peer, here, destinations.all)
        dies_half_way(peer, here, destinations.mortal)
        assert gantry.stop() == 0
    return *bytes_, *implicit


def from_here(here, destinations, held):
    """The local origin, filled over DICOMweb with what Orthanc holds in syntaxes that the web allows."""
    gantry = Gantry(here / "local", peers=destinations.as_peers(),
                    routes={"dimse": {"store": ["here"], "find": "here", "retrieve": "here"},
                            "web": {"store": ["here"], "find": "here", "retrieve": "here"}})
    with running(gantry):
        gantry.start()
        peer = Peer("gantry, local", gantry.port("dimse"), "GANTRY")
        store_many(gantry.web)
        files = here / "files"
        files.mkdir()
        for number, content in enumerate(generated.files()):
            (files / f"{number}.dcm").write_bytes(content)
        run("storescu", "-q", "-xe", "-aec", "GANTRY", "127.0.0.1", gantry.port("dimse"), "+sd", files)
        wait_for("an empty queue", lambda: not gantry.queue())
        levels(peer, here, destinations.all)
        many(peer, here, destinations.all)
        assert gantry.stop() == 0
    assert held


def main():
    need("movescu", "getscu", "storescp", "storescu", "echoscu")
    with folder() as here:
        destinations = Destinations(here)
        orthanc = Orthanc(here / "orthanc", DicomAlwaysAllowGet=True, DicomAlwaysAllowMove=True,
                          DicomModalities={t: [t, "127.0.0.1", p] for t, p in destinations.peers.items()})
        with running(orthanc, *destinations.running):
            fill(orthanc)
            held = Held(orthanc)
            store_many(orthanc.web)
            from_here(here, destinations, held)
            counts = from_the_web(here, destinations, orthanc, held)
    print("{} bit for bit, {} re-encoded with every value equal, {} decompressed; of Implicit VR only {} re-encoded with every value "
          "equal, {} decompressed; ".format(*counts) + f"{len(DIFFERENCES)} explained differences")


if __name__ == "__main__":
    sys.exit(main())
