#!/usr/bin/env python3
"""WADO-RS on PACS that speak DIMSE only, by C-GET and by C-MOVE to gantry: Orthanc without its DICOMweb plugin, and DCMTK's dcmqrscp.

A study of 200 instances comes byte for byte as it was stored. Series and instances come alone; what is not there is 404; what is
compressed comes as it is; a PACS that has gone is 503, and its study is there again when it is back.
"""

import hashlib
import signal
import sys

import dicom
from archives import Dcmqrscp, HospitalPacs
from modality import CT, ct_image
from trial import Gantry, data_set, fetch, folder, meta_value, need, running, samples

STUDY = "2.25.7001"
SERIES, EACH = 4, 50
AS_STORED = 'multipart/related; type="application/dicom"; transfer-syntax=*'
COMPRESSED = ("JPEG2000.dcm", "JPEG-lossy.dcm", "MR_small_RLE.dcm", "SC_rgb_jpeg_dcmtk.dcm",
              "SC_rgb_rle_2frame.dcm", "examples_palette.dcm", "CT_small.dcm", "pdf.dcm", "reportsi.dcm")


def large_study():
    """{instance: data set}."""
    out = {}
    for series in range(1, SERIES + 1):
        for number in range(1, EACH + 1):
            instance = f"{STUDY}.{series}.{number}"
            seed = hashlib.sha256(instance.encode()).digest()
            out[instance] = ct_image(STUDY, f"{STUDY}.{series}", instance, pixels=seed * 1024)
    return out


def parts(headers, body):
    """The files of a multipart answer."""
    boundary = headers["Content-Type"].rpartition("boundary=")[2].strip('"').encode()
    pieces = (b"\r\n" + body).split(b"\r\n--" + boundary)
    assert pieces[-1].startswith(b"--"), "no closing boundary"
    return [piece.partition(b"\r\n\r\n")[2] for piece in pieces[1:-1]]


def retrieve(gantry, path):
    """{instance: file}."""
    status, headers, body = fetch(f"{gantry.web}{path}", headers={"Accept": AS_STORED})
    assert status == 200, (path, status, body[:500])
    files = parts(headers, body)
    out = {meta_value(file, 3): file for file in files}
    assert len(out) == len(files), "an instance came twice"
    return out


def check_large(gantry, study):
    got = retrieve(gantry, f"/studies/{STUDY}")
    assert got.keys() == study.keys(), (len(got), sorted(study.keys() - got.keys())[:5])
    for instance, file in got.items():
        assert data_set(file) == study[instance], f"{instance} is another"


def check_parts(gantry, study):
    series = f"{STUDY}.3"
    got = retrieve(gantry, f"/studies/{STUDY}/series/{series}")
    assert got.keys() == {i for i in study if i.startswith(series + ".")}, len(got)
    one = f"{series}.7"
    got = retrieve(gantry, f"/studies/{STUDY}/series/{series}/instances/{one}")
    assert got.keys() == {one} and data_set(got[one]) == study[one]


def check_absent(gantry):
    for path in ("/studies/2.25.404", f"/studies/{STUDY}/series/2.25.404", f"/studies/{STUDY}/series/{STUDY}.1/instances/2.25.404"):
        status, headers, _ = fetch(gantry.web + path, headers={"Accept": AS_STORED})
        assert status == 404, (path, status)


def without_lengths(elements):
    return {tag: element for tag, element in elements.items() if tag & 0xFFFF != 0}


def check_compressed(gantry, files):
    for name, content in files.items():
        file = dicom.read_file(content)
        study, series, instance = (dicom.value_of(file, t) for t in (dicom.STUDY_UID, dicom.SERIES_UID, dicom.INSTANCE_UID))
        got = retrieve(gantry, f"/studies/{study}/series/{series}/instances/{instance}")[instance]
        syntax = meta_value(got, 0x10)
        assert syntax == meta_value(content.read_bytes(), 0x10), (name, syntax)
        left = without_lengths(dicom.read(data_set(got), syntax))
        right = without_lengths(dicom.read(data_set(content.read_bytes()), syntax))
        assert dicom.same(left, right), name


def front(here, pacs, way):
    return Gantry(
        here / f"gantry-{pacs.title}-{way}",
        peers=[pacs.peer],
        origins=[{"name": "old", "kind": "dimse", "peer": pacs.title, "retrieve_by": way}],
        routes={"web": {"store": [], "find": "old", "retrieve": "old"}},
    )


def trial(here, pacs, study, files):
    for way in ("get", "move", "automatic"):
        gantry = front(here, pacs, way)
        with running(gantry):
            gantry.start()
            pacs.knows_gantry(gantry.port("dimse"))
            check_parts(gantry, study)  # each fetched alone, before the study as a whole
            check_large(gantry, study)
            check_absent(gantry)
            if way != "move":  # the PACS proposes what it likes in a C-MOVE
                check_compressed(gantry, files)
            assert gantry.stop() == 0
        print(f"{pacs.title}: {len(study)} instances by {way}, each as it was stored")


def gone_and_back(here, pacs):
    """A cache that is empty, a PACS that is killed."""
    gantry = front(here, pacs, "get")
    gantry.folder.joinpath("state").rename(here / "state-before")
    gantry.state.mkdir(mode=0o700)
    with running(gantry):
        gantry.start()
        pacs.process.end(signal.SIGKILL)
        status, headers, body = fetch(f"{gantry.web}/studies/{STUDY}", headers={"Accept": AS_STORED})
        assert (status, headers["Content-Type"]) == (503, "application/problem+json"), (status, body)
        assert gantry.stop() == 0
    print(f"{pacs.title}: 503 where it has gone")


def main():
    need("dcmqrscp", "dcmqridx")
    study = large_study()
    stored = [dicom.part10(content, CT, instance) for instance, content in study.items()]
    files = {name: samples() / name for name in COMPRESSED}
    with folder() as here:
        pacs = HospitalPacs(here / "orthanc")
        with running(pacs.orthanc):
            pacs.store(stored + [path.read_bytes() for path in files.values()])
            trial(here, pacs, study, files)
            gone_and_back(here, pacs)
        pacs = Dcmqrscp(here / "dcmqrscp")
        with running(pacs.scp):
            pacs.store(stored)
            trial(here, pacs, study, {})


if __name__ == "__main__":
    sys.exit(main())
