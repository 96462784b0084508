#!/usr/bin/env python3
"""DCMTK's getscu and movescu retrieve through gantry: from the archive of its own, and from Orthanc behind it."""

import re
import sys

from query_trial import store
from trial import Gantry, Orthanc, Process, fetch, folder, free_port, need, run, running, samples, wait_for

GETSCU, MOVESCU, STORESCP, DCMDUMP = need("getscu", "movescu", "storescp", "dcmdump")
FILES = ["CT_small.dcm", "MR_small.dcm", "chrH31.dcm", "chrX2.dcm"]


def value(path, tag):
    dump = run(DCMDUMP, "-Un", "+P", tag, path).stdout
    return re.search(r"\[(.*?)\]", dump).group(1).strip("\0 ")


def retrieved(target):
    """SOP Instance UIDs of the files in a folder."""
    return sorted(value(path, "0008,0018") for path in target.iterdir())


def get(gantry, target, *keys, model="-S"):
    target.mkdir()
    arguments = [part for key in keys for part in ("-k", key)]
    return run(
        GETSCU, "-v", model, "-aet", "WS1", "-aec", "GANTRY", "-od", target, "127.0.0.1", gantry.port("dimse"), *arguments
    )


def move(gantry, destination, *keys, model="-S", check=True):
    arguments = [part for key in keys for part in ("-k", key)]
    return run(
        MOVESCU, "-v", model, "-aet", "WS1", "-aec", "GANTRY", "-aem", destination, "127.0.0.1", gantry.port("dimse"),
        *arguments, check=check,
    )


def retrieve_from(gantry, here, arrived):
    for name in FILES:
        file = samples() / name
        study, instance = value(file, "0020,000d"), value(file, "0008,0018")
        keys = ["0008,0052=STUDY", f"0020,000d={study}"]
        got = here / f"got-{name}"
        get(gantry, got, *keys)
        assert retrieved(got) == [instance], (name, retrieved(got))
        move(gantry, "RECEIVER", *keys)
        assert instance in retrieved(arrived), name
        for path in arrived.iterdir():
            path.unlink()
    # all levels of patient root; a destination that nobody knows
    patient = ["0008,0052=PATIENT", "0010,0020=" + value(samples() / "CT_small.dcm", "0010,0020")]
    get(gantry, here / "got-patient", *patient, model="-P")
    assert len(retrieved(here / "got-patient")) == 1
    refused = move(gantry, "NOBODY", *keys, check=False)
    assert "MoveDestinationUnknown" in refused.stdout, refused.stdout[-2000:]


def trial(here, origins, route, fill):
    here.mkdir()
    arrived = here / "arrived"
    arrived.mkdir()
    port = free_port()
    receiver = Process([STORESCP, "-aet", "RECEIVER", "-od", arrived, "+xa", str(port)], here / "storescp.log")
    gantry = Gantry(
        here / "gantry",
        origins=origins,
        routes={"web": {"store": [route]}, "dimse": {"find": route, "retrieve": route}},
        peers=[{"ae_title": "RECEIVER", "host": "127.0.0.1", "port": port}],
    )
    gantry.start()
    with running(gantry, receiver):
        fill(gantry)
        retrieve_from(gantry, here, arrived)


def main():
    with folder() as here:
        files = [samples() / name for name in FILES]
        trial(here / "local", [{"name": "here", "kind": "local"}], "here", lambda gantry: store(gantry, *files))
        orthanc = Orthanc(here / "orthanc")

        def fill(_):
            for file in files:
                status, _, body = fetch(orthanc.rest + "/instances", file.read_bytes(), method="POST")
                assert status == 200, (file.name, status, body[:300])

        with running(orthanc):
            wait_for("Orthanc", orthanc.answers)
            trial(here / "cloud", [{"name": "cloud", "kind": "dicomweb", "url": orthanc.web}], "cloud", fill)
    print("ok")


if __name__ == "__main__":
    sys.exit(main())
