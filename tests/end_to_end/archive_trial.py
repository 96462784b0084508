#!/usr/bin/env python3
"""Orthanc with its DICOMweb plugin as the archive: every storable sample file arrives with an identical data set.

What DCMTK's storescu puts on the wire is learned from DCMTK's storescp (bit preserving), then compared with what Orthanc holds after
storescu sent to gantry and gantry delivered: bit for bit in the syntaxes that the web allows, element by element where Implicit VR,
big endian or deflated was re-encoded. What cannot be stored gets its status, and the next one is unharmed.
"""

import re
import sys

from trial import Gantry, Orthanc, Process, data_set, folder, free_port, meta_value, need, run, running, samples, wait_for

EXPLICIT = "1.2.840.10008.1.2.1"
REENCODED = {"1.2.840.10008.1.2", "1.2.840.10008.1.2.2", "1.2.840.10008.1.2.1.99"}
# Files that no C-STORE can carry: storescu does not send them, or sends them and they are refused (stow-cstore: A900, C000).
REFUSED = {
    "JPEGLSNearLossless_08.dcm": "a900",  # no Study Instance UID
}
NOT_SENT = {
    "HTJ2KLossless_08_RGB.dcm",   # a syntax that DCMTK 3.6.7 does not know
    "ExplVR_LitEndNoMeta.dcm", "rtstruct.dcm",  # no preamble: DCMTK guesses the syntax; sent or not, see below
    "meta_missing_tsyntax.dcm", "no_meta_group_length.dcm", "nested_priv_SQ.dcm",  # no SOP Instance UID
    "MR_truncated.dcm",           # DCMTK does not load it
}


def on_the_wire(file, here):
    """What storescu sends of this file, as storescp receives it bit for bit; None where it sends nothing."""
    port, kept = free_port(), here / "wire"
    kept.mkdir(exist_ok=True)
    for old in kept.iterdir():
        old.unlink()
    scp = Process(["storescp", "-q", "+xa", "-B", "-od", kept, port], here / "storescp.log")
    try:
        wait_for("storescp", lambda: run("echoscu", "-q", "127.0.0.1", port, check=False).returncode == 0)
        run("storescu", "-q", "-R", "127.0.0.1", port, file, check=False)
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


def main():
    need("storescu", "storescp", "echoscu", "dcmconv", "dcmdump")
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
                answer = run("storescu", "-v", "-R", "-aec", "GANTRY", "127.0.0.1", gantry.port("dimse"), file, check=False)
                if wire is None:
                    assert file.name in NOT_SENT, f"{file.name} is not sent by storescu:\n{answer.stdout}"
                    continue
                if file.name in REFUSED:
                    assert REFUSED[file.name] in answer.stdout.lower(), (file.name, answer.stdout)
                    refused += 1
                    continue
                assert "Received Store Response (Success)" in answer.stdout, (file.name, answer.stdout)
                sent += 1
                uid = meta_value(wire, 0x0003)
                found = wait_for(f"{file.name} to arrive", lambda uid=uid: orthanc.find(uid))
                wait_for("the queue to settle", lambda: not gantry.queue())
                arrived = orthanc.file(found[0]["ID"])
                if meta_value(wire, 0x0010) in REENCODED:
                    assert meta_value(arrived, 0x0010) == EXPLICIT, file.name
                    before, after = elements(wire, here, "before"), elements(arrived, here, "after")
                    assert before == after, (file.name, [p for p in zip(before, after) if p[0] != p[1]][:5])
                    equal += 1
                else:
                    assert meta_value(arrived, 0x0010) == meta_value(wire, 0x0010), file.name
                    assert data_set(arrived) == data_set(wire), f"{file.name} was altered"
                    identical += 1
                orthanc.forget(found[0]["ID"])
            assert gantry.stop() == 0
    print(f"{sent} stored, {identical} bit for bit, {equal} re-encoded with every value equal, {refused} refused")
    assert identical >= 30 and equal >= 5 and refused >= 1


if __name__ == "__main__":
    sys.exit(main())
