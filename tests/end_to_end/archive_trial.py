#!/usr/bin/env python3
"""Orthanc with its DICOMweb plugin as the archive: every storable sample file arrives with an identical data set.

What DCMTK's dcmsend puts on the wire is learned from DCMTK's storescp (bit preserving), then compared with what Orthanc holds after
dcmsend sent to gantry and gantry delivered: bit for bit in the syntaxes that the web allows, element by element where Implicit VR,
big endian or deflated was re-encoded. What cannot be stored gets its status, and the next one is unharmed.
"""

import re
import sys

from modality import Association
from trial import Gantry, Orthanc, Process, data_set, folder, free_port, meta_value, need, run, running, samples, wait_for

EXPLICIT = "1.2.840.10008.1.2.1"
REENCODED = {"1.2.840.10008.1.2", "1.2.840.10008.1.2.2", "1.2.840.10008.1.2.1.99"}
# Files that are sent and refused, with what dcmsend calls the status (PS3.4 B.2.3).
REFUSED = {
    "JPEGLSNearLossless_08.dcm": "DataSetDoesNotMatchSOPClass",  # A900: no Study Instance UID
    "rtdose_rle.dcm": "SOPClassNotSupported",  # 0122: its file meta names another class, and so does the context
}
NOT_SENT = {
    "HTJ2KLossless_08_RGB.dcm",   # a syntax that DCMTK 3.6.7 does not know
    "ExplVR_LitEndNoMeta.dcm", "rtstruct.dcm",  # no file meta: dcmsend wants one
    "meta_missing_tsyntax.dcm", "no_meta_group_length.dcm", "nested_priv_SQ.dcm",  # no SOP Instance UID
    "MR_truncated.dcm",           # DCMTK does not load it
}# The file meta names another instance than the data set: as a command it is refused.
OTHER_META = {"rtdose.dcm", "rtplan.dcm"}


def on_the_wire(file, here):
    """What dcmsend sends of this file, as storescp receives it bit for bit; None where it sends nothing."""
    port, kept = free_port(), here / "wire"
    kept.mkdir(exist_ok=True)
    for old in kept.iterdir():
        old.unlink()
    scp = Process(["storescp", "-q", "+xa", "+B", "-od", kept, port], here / "storescp.log")
    try:
        wait_for("storescp", lambda: run("echoscu", "-q", "127.0.0.1", port, check=False).returncode == 0)
        run("dcmsend", "-q", "-dn", "-nuc", "127.0.0.1", port, file, check=False)
        received = list(kept.iterdir())
        return received[0].read_bytes() if received else None
    finally:
        scp.end()


def elements(part10, here, name):
    """DCMTK's reading of a file as Explicit VR Little Endian, one line an element, group lengths and padding left out."""
    path, converted = here / f"{name}.dcm", here / f"{name}.explicit.dcm"
    path.write_bytes(part10)
    run("dcmconv", "-q", "+te", "-g", "-p", path, converted)
    text = run("dcmdump", "-q", "+L", "+R", "1048576", converted, check=False).stdout
    lines = text.partition("# Dicom-Data-Set")[2].splitlines()
    # Lengths of sequences and items are written either way and say nothing.
    return [re.sub(r"\s+#\s*(\S+),\s*(\S+)\s", r" # \2 ", line) for line in lines if "Delimitation" not in line]


def as_it_is(file, gantry, orthanc, here):
    """Sends what the web does not allow byte for byte, on a context of no other syntax; "equal", "refused", or None: not such a file."""
    content = file.read_bytes()
    if content[128:136] != b"DICM\x02\x00\x00\x00" or meta_value(content, 0x0010) not in REENCODED:
        return None
    sop_class, uid, syntax = (meta_value(content, element) for element in (0x0002, 0x0003, 0x0010))
    if not sop_class:
        return None
    with Association(gantry.port("dimse"), contexts={1: (sop_class, [syntax])}) as association:
        sent = data_set(content)
        sent += b"\0" * (len(sent) % 2)  # PS3.5 A.5: a deflated data set is padded to even length
        status = association.store(sent, uid, sop_class)
        association.release()
    if file.name in OTHER_META:
        assert status == 0xA900, (file.name, hex(status))
        return "refused"
    assert status == 0, (file.name, hex(status))
    found = wait_for(f"{file.name} to arrive", lambda: orthanc.find(uid))
    wait_for("the queue to settle", lambda: not gantry.queue())
    arrived = orthanc.file(found[0]["ID"])
    orthanc.forget(found[0]["ID"])
    compare_elements(file.name, content, arrived, here)
    return "equal"


def compare_elements(name, before, after, here):
    assert meta_value(after, 0x0010) == EXPLICIT, name
    old, new = elements(before, here, "before"), elements(after, here, "after")
    assert len(old) > 5 and old == new, (name, [p for p in zip(old, new) if p[0] != p[1]][:5])


def main():
    need("dcmsend", "storescp", "echoscu", "dcmconv", "dcmdump")
    folder_of_samples = samples()
    sent = refused = identical = equal = 0
    with folder() as here:
        orthanc = Orthanc(here / "orthanc")
        gantry = Gantry(
            here / "gantry",
            origins=[{"name": "archive", "kind": "dicomweb", "url": orthanc.web}],
            routes={"dimse": {"store": ["archive"]}},
        )
        with running(gantry, orthanc):
            gantry.start()
            for file in sorted(folder_of_samples.glob("*.dcm")):
                wire = on_the_wire(file, here)
                answer = run("dcmsend", "-v", "-dn", "-nuc", "-aec", "GANTRY", "127.0.0.1", gantry.port("dimse"), file, check=False)
                if wire is None:
                    assert file.name in NOT_SENT, f"{file.name} is not sent by dcmsend:\n{answer.stdout}"
                    continue
                if file.name in REFUSED:
                    assert REFUSED[file.name] in answer.stdout, (file.name, answer.stdout)
                    refused += 1
                    continue
                assert "Received C-STORE Response (Success)" in answer.stdout, (file.name, answer.stdout)
                sent += 1
                uid = meta_value(wire, 0x0003)
                found = wait_for(f"{file.name} to arrive", lambda uid=uid: orthanc.find(uid))
                wait_for("the queue to settle", lambda: not gantry.queue())
                arrived = orthanc.file(found[0]["ID"])
                if meta_value(wire, 0x0010) in REENCODED:
                    compare_elements(file.name, wire, arrived, here)
                    equal += 1
                else:
                    assert meta_value(arrived, 0x0010) == meta_value(wire, 0x0010), file.name
                    assert data_set(arrived) == data_set(wire), f"{file.name} was altered"
                    identical += 1
                orthanc.forget(found[0]["ID"])
            for file in sorted(folder_of_samples.glob("*.dcm")):
                outcome = as_it_is(file, gantry, orthanc, here)
                equal += outcome == "equal"
                refused += outcome == "refused"
            assert gantry.stop() == 0
    print(f"{sent} stored, {identical} bit for bit, {equal} re-encoded with every value equal, {refused} refused")
    assert identical >= 40 and equal >= 6 and refused >= 3


if __name__ == "__main__":
    sys.exit(main())
