"""Studies that the trials make themselves: patients, times and modalities that tell one matching rule from another."""

from dicom import part10, write

CT, MR = "1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.4"
ROOT = "2.25.77001"

# Patient ID, name, character set, birth date, sex.
PATIENTS = {
    "T-1": ("Trial^Anna", "", "19500101", "F"),
    "T-2": ("Trial^Bernd^^Dr.", "", "19610228", "M"),
    "T-3": ("TRIAL^Anna", "", "19720229", "F"),
    "T-4": ("Müller^Jürgen", "ISO_IR 100", "19830401", "M"),
    "T-5": ("Trial_Odd^Percent%&=+", "", "19830401", "O"),
    "t-1": ("Trialer^Anton", "", "19940731", "M"),
}

# Number, patient, date, time, accession, study id, description, referring, series of (modality, number, description, instances)
STUDIES = [
    (1, "T-1", "20240105", "081500", "A100", "S1", "Head", "Ref^One", [("CT", 1, "Scout", 1), ("CT", 2, "Axial 5mm", 3)]),
    (2, "T-1", "20240106", "093000", "A101", "S2", "Head control", "Ref^One", [("CT", 1, "Axial", 2), ("MR", 2, "T1", 2)]),
    (3, "T-1", "20240107", "235959.5", "A102", "S3", "Knee", "Ref^Two", [("MR", 1, "T1 sag", 2)]),
    (4, "T-2", "20240106", "100000", "A103", "S1", "Chest, lung & more", "Ref^Two", [("CT", 1, "Lung", 2)]),
    (5, "T-2", "20240107", "1800", "B100", "S2", "Chest", "", [("CT", 1, "Lung", 1), ("CT", 3, "Lung", 1)]),
    (6, "T-3", "20240108", "000000", "B101", "S1", "Knee*", "Ref^Two", [("MR", 1, "", 1)]),
    (7, "T-4", "20240109", "120000", "C100", "S1", "Schädel", "Weiß^Jörg", [("CT", 1, "Übersicht", 1), ("MR", 2, "T2", 1)]),
    (8, "T-5", "20231231", "235959", "C[1", "S 1", "50% + more", "", [("CT", 1, "a,b", 1)]),
    (9, "t-1", "", "", "", "", "", "", [("CT", 1, "", 1)]),
]


def study_uid(number):
    return f"{ROOT}.{number}"


def series_uid(number, series):
    return f"{ROOT}.{number}.{series}"


def instance_uid(number, series, instance):
    return f"{ROOT}.{number}.{series}.{instance}"


def image(study, series, instance):
    """The data set of one instance: {tag: value}."""
    number, patient, date, time, accession, study_id, description, referring, _ = study
    name, characters, born, sex = PATIENTS[patient]
    modality, series_number, series_description, _ = series
    codec = {"": "ascii", "ISO_IR 100": "latin-1"}[characters]
    out = {
        0x00080016: CT if modality == "CT" else MR, 0x00080018: instance_uid(number, series_number, instance), 0x00080020: date,
        0x00080021: date, 0x00080030: time, 0x00080050: accession, 0x00080060: modality, 0x00080090: referring.encode(codec),
        0x00081030: description.encode(codec), 0x0008103E: series_description.encode(codec), 0x00100010: name.encode(codec),
        0x00100020: patient, 0x00100030: born, 0x00100040: sex, 0x0020000D: study_uid(number),
        0x0020000E: series_uid(number, series_number), 0x00200010: study_id, 0x00200011: str(series_number),
        0x00200013: str(instance), 0x00280010: 8, 0x00280011: 16 if modality == "CT" else 8, 0x00280100: 16,
    }
    if characters:
        out[0x00080005] = characters
    if modality == "MR":
        out[0x00400244], out[0x00400245] = date, time
        out[0x00400275] = [{0x00400009: f"SPS{number}", 0x00401001: f"RP{number}"}]
    return out


def files():
    """PS3.10 files of all generated instances."""
    out = []
    for study in STUDIES:
        for series in study[8]:
            for instance in range(1, series[3] + 1):
                elements = image(study, series, instance)
                out.append(part10(write(elements), elements[0x00080016], elements[0x00080018]))
    return out
