#!/usr/bin/env python3
"""Orthanc with its DICOMweb plugin behind gantry: findscu gets from gantry what it gets from Orthanc's own DIMSE side, but where the
standard says otherwise; and from Orthanc and the embedded archive together what both hold, each once.
"""

from query_trial import ask, ask_port, store
from trial import Gantry, Orthanc, fetch, folder, running, samples

FILES = [
    "CT_small.dcm",
    "MR_small.dcm",
    "chrH31.dcm",
    "chrGerm.dcm",
    "chrRuss.dcm",
    "chrX1.dcm",
    "reportsi.dcm",
    "waveform_ecg.dcm",
    "examples_ybr_color.dcm",
]
UNIQUE = {"PATIENT": "0010,0020", "STUDY": "0020,000d", "SERIES": "0020,000e", "IMAGE": "0008,0018"}

# Keys of questions that both answer alike.
ALIKE = [
    ("study", "STUDY", "0020,000d"),
    ("study", "STUDY", "0020,000d", "0010,0010=*"),
    ("study", "STUDY", "0020,000d", "0010,0010=comp*"),
    ("study", "STUDY", "0020,000d", "0010,0020=?CT?"),
    ("study", "STUDY", "0020,000d", "0008,0020=20040101-20041231"),
    ("study", "STUDY", "0020,000d", "0008,0061=MR\\CT"),
    ("study", "STUDY", "0020,000d", "0010,0020=NOBODY"),
    ("study", "STUDY", "0020,000d", "0010,0020=1ct1"),  # its QIDO-RS takes it for 1CT1 (PS3.4 C.2.2.2.1)
    ("patient", "PATIENT", "0010,0020", "0010,0010=comp*"),
    ("patient", "PATIENT", "0010,0020", "0010,0010=*^CT*"),
]


def uniques(answers, level):
    return sorted(answer[UNIQUE[level]] for answer in answers)


def compare(gantry, orthanc, question):
    level = question[1]
    ours = ask(gantry, *question)
    theirs = ask_port(orthanc.dicom, "ORTHANC", *question)
    assert ours[0] == theirs[0] == "Success", (question, ours[0], theirs[0])
    assert uniques(ours[1], level) == uniques(theirs[1], level), (question, ours[1], theirs[1])
    return ours[1]


def compare_downwards(gantry, orthanc):
    """Every study by its series, every series by its images."""
    for study in compare(gantry, orthanc, ALIKE[0]):
        within = ("0020,000d=" + study["0020,000d"],)
        for series in compare(gantry, orthanc, ("study", "SERIES", *within, "0020,000e", "0008,0060")):
            assert series["0008,0060"], series
            inside = (*within, "0020,000e=" + series["0020,000e"])
            images = compare(gantry, orthanc, ("study", "IMAGE", *inside, "0008,0018", "0008,0016"))
            assert all(image["0008,0016"] for image in images), images


def ask_what_orthanc_answers_otherwise(gantry, orthanc):
    # A study without a date is before no date (PS3.4 C.2.2.2.5.1); Orthanc finds it before every one.
    question = ("study", "STUDY", "0020,000d", "0008,0020=-20040119")
    assert any(not study["0008,0020"] for study in ask_port(orthanc.dicom, "ORTHANC", *question)[1])
    status, studies = ask(gantry, *question)
    assert status == "Success" and [study["0008,0020"] for study in studies] == ["20040119"], (status, studies)


def ask_both_archives(here, orthanc):
    group = Gantry(
        here,
        origins=[{"name": "here", "kind": "local"}, {"name": "cloud", "kind": "dicomweb", "url": orthanc.web}],
        routes={"web": {"store": ["here"], "find": "here"}, "dimse": {"find": ["here", "cloud"]}},
    )
    group.start()
    with running(group):
        store(group, samples() / "CT_small.dcm", samples() / "rtdose_rle.dcm")
        status, studies = ask(group, *ALIKE[0])
        assert status == "Success", status
        _, of_orthanc = ask_port(orthanc.dicom, "ORTHANC", *ALIKE[0])
        found, other = uniques(studies, "STUDY"), uniques(of_orthanc, "STUDY")
        assert len(found) == len(set(found)) == len(other) + 1, (found, other)
        assert set(other) < set(found), (found, other)
        orthanc.stop()
        status, studies = ask(group, *ALIKE[0])
        assert status != "Success" and len(studies) == 2, (status, studies)
    return status


def main():
    with folder() as here:
        orthanc = Orthanc(here / "orthanc", DicomAlwaysAllowFind=True)
        gantry = Gantry(
            here / "gantry",
            origins=[{"name": "cloud", "kind": "dicomweb", "url": orthanc.web}],
            routes={"web": {"store": ["cloud"]}, "dimse": {"find": "cloud"}},
        )
        gantry.start()
        with running(gantry, orthanc):
            for name in FILES:
                status, _, body = fetch(orthanc.rest + "/instances", (samples() / name).read_bytes(), method="POST")
                assert status == 200, (name, status, body[:300])
            for question in ALIKE:
                compare(gantry, orthanc, question)
            compare_downwards(gantry, orthanc)
            ask_what_orthanc_answers_otherwise(gantry, orthanc)
            print(ask_both_archives(here / "both", orthanc))
    print("ok")


if __name__ == "__main__":
    main()
