"""What the query trial asks: (name, model, level, keys), over all models, levels and kinds of matching (PS3.4 C.2.2.2, C.6)."""

from dicom import INSTANCE_UID, PATIENT_ID, PATIENT_NAME, SERIES_UID, STUDY_UID
from generated import STUDIES, series_uid, study_uid

DATE, TIME, ACCESSION, MODALITIES, MODALITY = 0x00080020, 0x00080030, 0x00080050, 0x00080061, 0x00080060
REFERRING, DESCRIPTION, SERIES_DESCRIPTION, STUDY_ID = 0x00080090, 0x00081030, 0x0008103E, 0x00200010
BORN, SEX, SERIES_NUMBER, INSTANCE_NUMBER, CLASS = 0x00100030, 0x00100040, 0x00200011, 0x00200013, 0x00080016
REQUEST, STEP_ID, PROCEDURE_ID = 0x00400275, 0x00400009, 0x00401001
STEP_DATE, STEP_TIME = 0x00400244, 0x00400245
STUDIES_OF, SERIES_OF, INSTANCES_OF = 0x00201200, 0x00201202, 0x00201204  # of a patient
STUDY_SERIES, STUDY_INSTANCES, SERIES_INSTANCES = 0x00201206, 0x00201208, 0x00201209

PATIENT = dict.fromkeys([PATIENT_NAME, PATIENT_ID, BORN, SEX], "")
STUDY = dict.fromkeys([DATE, TIME, ACCESSION, STUDY_ID, STUDY_UID, DESCRIPTION, REFERRING], "")
SERIES = dict.fromkeys([MODALITY, SERIES_NUMBER, SERIES_UID, SERIES_DESCRIPTION], "")
IMAGE = dict.fromkeys([INSTANCE_NUMBER, INSTANCE_UID, CLASS], "")


def patients():
    root = [(f"PATIENT {what}", {**PATIENT, **keys}) for what, keys in [
        ("all", {}),
        ("single ID", {PATIENT_ID: "T-1"}),
        ("ID with wildcard", {PATIENT_ID: "T-*"}),
        ("ID with one unknown character", {PATIENT_ID: "T-?"}),
        ("name with wildcard", {PATIENT_NAME: "Trial*"}),
        ("name exact", {PATIENT_NAME: "Trial^Bernd^^Dr."}),
        ("sex", {SEX: "F"}),
        ("born in a range", {BORN: "19600101-19800101", PATIENT_ID: "T-*"}),
        ("none", {PATIENT_ID: "NOBODY"}),
        ("counts", {PATIENT_ID: "T-*", STUDIES_OF: "", SERIES_OF: "", INSTANCES_OF: ""}),
    ]]
    for model in ("patient", "psonly"):
        for name, keys in root:
            yield f"{model} {name}", model, "PATIENT", keys


def studies():
    for what, keys in [
        ("all", {}),
        ("of a patient", {PATIENT_ID: "T-1"}),
        ("patient ID is case-sensitive", {PATIENT_ID: "t-1"}),
        ("one UID", {STUDY_UID: study_uid(4)}),
        ("UID list", {STUDY_UID: "\\".join([study_uid(2), study_uid(5), study_uid(7), "1.2.3.999"])}),
        ("one date", {DATE: "20240106"}),
        ("dates from to", {DATE: "20240106-20240107"}),
        ("dates until", {DATE: "-20240105", PATIENT_ID: "T-*"}),
        ("dates from", {DATE: "20240107-"}),
        ("one time", {TIME: "093000", PATIENT_ID: "T-*"}),
        ("times from to", {TIME: "0900-1000", PATIENT_ID: "T-*"}),
        ("times until", {TIME: "-0900", PATIENT_ID: "T-*"}),
        ("times from", {TIME: "1800-", PATIENT_ID: "T-*"}),
        ("date and time ranges", {DATE: "20240105-20240107", TIME: "0900-1900"}),
        ("date and time ranges overnight", {DATE: "20240106-20240108", TIME: "1000-2000"}),
        ("accession", {ACCESSION: "A101"}),
        ("accession wildcard", {ACCESSION: "A10?"}),
        ("accession with a bracket", {ACCESSION: "C[1"}),
        ("study ID with a blank", {STUDY_ID: "S 1"}),
        ("name upper case", {PATIENT_NAME: "TRIAL^ANNA"}),
        ("name wildcard in the middle", {PATIENT_NAME: "Trial^*nna"}),
        ("name only wildcards", {PATIENT_NAME: "*", PATIENT_ID: "T-*"}),
        ("name with reserved characters", {PATIENT_NAME: "Trial_Odd^Percent%&*"}),
        ("description wildcard", {DESCRIPTION: "Head*"}),
        ("description with a comma", {DESCRIPTION: "Chest, lung & more"}),
        ("description with percent and plus", {DESCRIPTION: "50% + more"}),
        ("referring", {REFERRING: "Ref^Two"}),
        ("modality", {MODALITIES: "MR", PATIENT_ID: "T-*"}),
        ("modalities listed", {MODALITIES: "CT\\MR", PATIENT_ID: "T-*"}),
        ("modalities returned", {MODALITIES: "", PATIENT_ID: "T-*"}),
        ("counts", {STUDY_SERIES: "", STUDY_INSTANCES: "", PATIENT_ID: "T-*"}),
        ("patient's keys", {SEX: "F", BORN: "", PATIENT_ID: "T-*"}),
        ("without a date", {PATIENT_ID: "t-1"}),
        ("none", {ACCESSION: "NOTHING"}),
    ]:
        yield f"study STUDY {what}", "study", "STUDY", {PATIENT_NAME: "", PATIENT_ID: "", **STUDY, **keys}
    for model in ("patient", "psonly"):
        yield f"{model} STUDY of a patient", model, "STUDY", {**STUDY, PATIENT_ID: "T-1"}
        yield f"{model} STUDY of a patient by date", model, "STUDY", {**STUDY, PATIENT_ID: "T-1", DATE: "20240106-"}


def series():
    two = {STUDY_UID: study_uid(2)}
    for what, keys in [
        ("all", two),
        ("modality", {**two, MODALITY: "MR"}),
        ("number", {STUDY_UID: study_uid(5), SERIES_NUMBER: "3"}),
        ("number is a number", {STUDY_UID: study_uid(5), SERIES_NUMBER: "03"}),
        ("description wildcard", {STUDY_UID: study_uid(1), SERIES_DESCRIPTION: "Ax*"}),
        ("description with a comma", {STUDY_UID: study_uid(8), SERIES_DESCRIPTION: "a,b"}),
        ("UID list", {STUDY_UID: study_uid(1), SERIES_UID: f"{series_uid(1, 1)}\\{series_uid(1, 2)}"}),
        ("counts", {**two, SERIES_INSTANCES: ""}),
        ("step date", {**two, STEP_DATE: "20240106", STEP_TIME: ""}),
        ("request returned", {**two, REQUEST: [{STEP_ID: "", PROCEDURE_ID: ""}]}),
        ("request matched", {**two, REQUEST: [{STEP_ID: "SPS2", PROCEDURE_ID: ""}]}),
        ("request not matched", {**two, REQUEST: [{STEP_ID: "SPS9", PROCEDURE_ID: ""}]}),
        ("unknown study", {STUDY_UID: "1.2.3.999"}),
    ]:
        yield f"study SERIES {what}", "study", "SERIES", {**SERIES, **keys}
    yield "patient SERIES all", "patient", "SERIES", {**SERIES, **two, PATIENT_ID: "T-1"}
    yield "patient SERIES of another patient", "patient", "SERIES", {**SERIES, **two, PATIENT_ID: "T-2"}


def images():
    one = {STUDY_UID: study_uid(1), SERIES_UID: series_uid(1, 2)}
    for what, keys in [
        ("all", one),
        ("number", {**one, INSTANCE_NUMBER: "2"}),
        ("UID list", {**one, INSTANCE_UID: f"{series_uid(1, 2)}.1\\{series_uid(1, 2)}.3"}),
        ("class", {**one, CLASS: "1.2.840.10008.5.1.4.1.1.2"}),
        ("another class", {**one, CLASS: "1.2.840.10008.5.1.4.1.1.4"}),
        ("image size", {**one, 0x00280010: "", 0x00280011: "", 0x00280100: ""}),
        ("rows matched", {**one, 0x00280010: 8}),
        ("rows not matched", {**one, 0x00280010: 9}),
    ]:
        yield f"study IMAGE {what}", "study", "IMAGE", {**IMAGE, **keys}
    yield "patient IMAGE all", "patient", "IMAGE", {**IMAGE, **one, PATIENT_ID: "T-1"}


def cases():
    return [*patients(), *studies(), *series(), *images()]


# What must be refused (PS3.4 C.4.1.1.4: A900), and by the model that it was asked in.
REFUSED = [
    ("PATIENT level in Study Root", "study", "PATIENT", PATIENT),
    ("SERIES level in Patient/Study Only", "psonly", "SERIES", {**SERIES, PATIENT_ID: "T-1", STUDY_UID: study_uid(2)}),
    ("a level that is none", "study", "INSTANCE", {**IMAGE, STUDY_UID: study_uid(2)}),
    ("SERIES without its study", "study", "SERIES", {**SERIES, STUDY_UID: ""}),
    ("IMAGE without its series", "study", "IMAGE", {**IMAGE, STUDY_UID: study_uid(2), SERIES_UID: ""}),
    ("IMAGE with a list of series", "study", "IMAGE",
     {**IMAGE, STUDY_UID: study_uid(1), SERIES_UID: f"{series_uid(1, 1)}\\{series_uid(1, 2)}"}),
    ("STUDY without its patient in Patient Root", "patient", "STUDY", STUDY),
]

# Of these, what a lenient SCP answers as a relational query (PS3.4 C.4.1.2.2.2), and with what.
ANSWERED_LENIENTLY = {
    "SERIES without its study": {series_uid(n, s[1]) for n, *_, rows in STUDIES for s in rows},
    "IMAGE without its series": {f"{series_uid(2, s)}.{i}" for s in (1, 2) for i in (1, 2)},
    "IMAGE with a list of series": {f"{series_uid(1, s)}.{i}" for s, count in ((1, 1), (2, 3)) for i in range(1, count + 1)},
    "STUDY without its patient in Patient Root": {study_uid(s[0]) for s in STUDIES},
}
WITHOUT_BOUND = {"SERIES without its study", "STUDY without its patient in Patient Root"}  # the samples are among the answers
