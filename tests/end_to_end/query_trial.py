#!/usr/bin/env python3
"""DCMTK's findscu asks gantry: all models and levels, on the archive of its own."""

import re

from trial import Gantry, fetch, folder, need, run, running, samples

(FINDSCU,) = need("findscu")
MODELS = {"patient": "-P", "study": "-S", "patient_study": "-O"}


def ask(gantry, *question, options=(), calling="WS1"):
    """(final status, answers): each answer is {"gggg,eeee": value}."""
    return ask_port(gantry.port("dimse"), "GANTRY", *question, options=options, calling=calling)


def ask_port(port, called, model, level, *keys, options=(), calling="WS1"):
    arguments = [f"-k=0008,0052={level}"] + [f"-k={key}" for key in keys]
    arguments = [part for key in arguments for part in key.split("=", 1)]
    done = run(
        FINDSCU, "-v", *options, MODELS[model], "-aet", calling, "-aec", called, "127.0.0.1", port,
        *arguments, check=False,
    )
    final = re.findall(r"Received Final Find Response \((.*?)\)", done.stdout)
    answers, now = [], None
    for line in done.stdout.splitlines():
        if "Find Response:" in line:
            now = {}
            answers.append(now)
        element = re.search(r"\(([0-9a-f]{4},[0-9a-f]{4})\) [A-Z]{2} (.*?)\s+#", line)
        if now is not None and element:
            text = element.group(2).strip()
            now[element.group(1)] = "" if text.startswith("(") else text.strip("[]").rstrip(" \0")
    return (final[-1] if final else done.stdout[-500:]), answers


def store(gantry, *files):
    for file in files:
        boundary = b"--x\r\nContent-Type: application/dicom\r\n\r\n" + file.read_bytes() + b"\r\n--x--\r\n"
        kind = {"Content-Type": 'multipart/related; type="application/dicom"; boundary=x'}
        status, _, body = fetch(gantry.web + "/studies", boundary, kind)
        assert status == 200, (file.name, status, body[:500])


def ask_for_studies(gantry):
    status, studies = ask(gantry, "study", "STUDY", "0020,000d", "0010,0010", "0008,0061", "0020,1208")
    assert status == "Success", status
    assert len(studies) == 4, studies
    for study in studies:
        assert study["0008,0052"] == "STUDY" and study["0020,1208"] == "1" and study["0020,000d"], study


def go_down_from_a_patient(gantry):
    keys = ["0010,0010=compressedsamples^ct*", "0010,0020", "0020,1200"]
    status, patients = ask(gantry, "patient", "PATIENT", *keys)
    assert status == "Success" and len(patients) == 1, (status, patients)
    assert patients[0]["0020,1200"] == "1", patients
    patient = "0010,0020=" + patients[0]["0010,0020"]
    _, found = ask(gantry, "patient", "STUDY", patient, "0020,000d")
    study = "0020,000d=" + found[0]["0020,000d"]
    _, found = ask(gantry, "patient", "SERIES", patient, study, "0020,000e", "0008,0060")
    assert found[0]["0008,0060"] == "CT", found
    series = "0020,000e=" + found[0]["0020,000e"]
    status, found = ask(gantry, "patient", "IMAGE", patient, study, series, "0008,0018", "0008,0016")
    assert status == "Success" and len(found) == 1, (status, found)
    assert found[0]["0010,0020"] == patients[0]["0010,0020"], found
    _, found = ask(gantry, "patient_study", "STUDY", patient, "0020,000d")
    assert len(found) == 1, found


def ask_what_is_answered_with_nothing(gantry):
    status, found = ask(gantry, "study", "STUDY", "0010,0020=NOBODY")
    assert (status, found) == ("Success", []), (status, found)
    status, found = ask(gantry, "study", "SERIES", "0008,0060=CT")
    assert "DataSetDoesNotMatchSOPClass" in status and not found, (status, found)
    status, _ = ask(gantry, "study", "STUDY", calling="CT1")
    assert "No Acceptable Presentation Contexts" in status, status


def ask_in_japanese(gantry):
    keys = ["0008,0005=\\ISO 2022 IR 87", "0010,0010=yamada*", "0020,000d"]
    status, found = ask(gantry, "study", "STUDY", *keys)
    assert status == "Success" and len(found) == 1, (status, found)
    assert found[0]["0008,0005"] == "\\ISO 2022 IR 87", found
    assert found[0]["0010,0010"].startswith("Yamada^Tarou="), found


def main():
    files = [samples() / name for name in ("CT_small.dcm", "MR_small.dcm", "chrH31.dcm", "chrGerm.dcm")]
    with folder() as here:
        gantry = Gantry(
            here,
            routes={"web": {"store": ["here"], "find": "here", "retrieve": "here"}, "dimse": {"find": "here"}},
            peers=[{"ae_title": "CT1", "may": ["echo"]}],
        )
        gantry.start()
        with running(gantry):
            store(gantry, *files)
            ask_for_studies(gantry)
            go_down_from_a_patient(gantry)
            ask_what_is_answered_with_nothing(gantry)
            ask_in_japanese(gantry)
    print("ok")


if __name__ == "__main__":
    main()
