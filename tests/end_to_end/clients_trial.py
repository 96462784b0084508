#!/usr/bin/env python3
"""dicomweb-client and dcmjs, in a browser, before gantry and an archive that speaks DIMSE only: every resource and media type, and the day
of an AI service, which finds a series by QIDO-RS, draws it by WADO-RS, and posts a segmentation and a report by STOW-RS.

The clients are npm packages that tests/run unpacks (GANTRY_WEB_CLIENTS); skipped where they are absent.
"""

import base64
import os
import sys
from pathlib import Path

import dicom
from archives import HospitalPacs
from browser import Browser, FileServer
from pictures import all_pictures
from trial import SOURCE, Gantry, data_set, fetch, folder, free_port, meta_value, running, skip, wait_for

CLIENTS = Path(os.environ.get("GANTRY_WEB_CLIENTS", SOURCE / "build/web-clients"))
SCRIPTS = {"/dicomweb-client.js": CLIENTS / "dicomweb-client/build/dicomweb-client.js", "/dcmjs.js": CLIENTS / "dcmjs/build/dcmjs.js"}
PAGE = "<!doctype html><title>clients</title><script src=/dicomweb-client.js></script><script src=/dcmjs.js></script>"
EXPLICIT, JPEG_LS = "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.4.80"

# Whatever a client gives, as what can be compared: JSON as it is, bytes as Base64.
CALL = """
const plain = value => {
  if (value instanceof ArrayBuffer || ArrayBuffer.isView(value)) {
    const bytes = new Uint8Array(value.buffer || value);
    let text = '';
    for (let i = 0; i < bytes.length; i += 30000) text += String.fromCharCode(...bytes.subarray(i, i + 30000));
    return {bytes: btoa(text)};
  }
  return Array.isArray(value) ? value.map(plain) : value;
};
window.client = window.client || new DICOMwebClient.api.DICOMwebClient({url: arguments[0], singlepart: ''});
return client[arguments[1]](arguments[2] || {}).then(plain, fault => ({failed: String(fault.message || fault), status: fault.status}));
"""

# The AI service: reads a series with dcmjs, marks what is bright, and stores a segmentation and a report about it.
SERVICE = """
const [root, root_uid] = arguments, client = new DICOMwebClient.api.DICOMwebClient({url: root});
const explicit = [{mediaType: 'application/dicom', transferSyntaxUID: '1.2.840.10008.1.2.1'}];
return (async () => {
  const uid = (o, tag) => o[tag].Value[0], studies = await client.searchForStudies({queryParams: {PatientID: 'V-1'}});
  const study = uid(studies[0], '0020000D');
  const found = await client.searchForSeries({studyInstanceUID: study, queryParams: {Modality: 'CT'}}), series = uid(found[0], '0020000E');
  const files = await client.retrieveSeries({studyInstanceUID: study, seriesInstanceUID: series});
  const images = files.map(f => dcmjs.data.DicomMessage.readFile(f))
      .map(d => dcmjs.data.DicomMetaDictionary.naturalizeDataset(d.dict))
      .sort((a, b) => a.InstanceNumber - b.InstanceNumber);
  const first = images[0], rows = first.Rows, columns = first.Columns;
  const mask = new Uint8Array(rows * columns * images.length);
  images.forEach((image, n) => {
    const stored = new Int16Array(image.PixelData[0] || image.PixelData);
    stored.forEach((value, i) => { mask[n * rows * columns + i] = value > 800 ? 1 : 0; });
  });
  const packed = new Uint8Array(mask.length / 8);
  mask.forEach((bit, i) => { packed[i >> 3] |= bit << (i & 7); });
  const code = (value, scheme, meaning) => ({CodeValue: value, CodingSchemeDesignator: scheme, CodeMeaning: meaning});
  const shared = {PatientName: first.PatientName, PatientID: first.PatientID, PatientBirthDate: first.PatientBirthDate,
      PatientSex: first.PatientSex, StudyInstanceUID: study, StudyDate: first.StudyDate, StudyTime: first.StudyTime, StudyID: first.StudyID,
      AccessionNumber: first.AccessionNumber, ReferringPhysicianName: '', InstanceNumber: '1', Manufacturer: 'trial',
      ManufacturerModelName: 'trial', DeviceSerialNumber: '1', SoftwareVersions: '1', ContentDate: '20250301', ContentTime: '120000'};
  const references = images.map(i => ({ReferencedSOPClassUID: i.SOPClassUID, ReferencedSOPInstanceUID: i.SOPInstanceUID}));
  const segmentation = {...shared, SOPClassUID: '1.2.840.10008.5.1.4.1.1.66.4', SOPInstanceUID: root_uid + '.1', Modality: 'SEG',
      SeriesInstanceUID: root_uid + '.10', SeriesNumber: '100', SeriesDescription: 'Bright parts', ImageType: ['DERIVED', 'PRIMARY'],
      FrameOfReferenceUID: first.FrameOfReferenceUID, PositionReferenceIndicator: '', ContentLabel: 'BRIGHT', ContentDescription: '',
      ContentCreatorName: '', SegmentationType: 'BINARY', SamplesPerPixel: 1, PhotometricInterpretation: 'MONOCHROME2', Rows: rows,
      Columns: columns, BitsAllocated: 1, BitsStored: 1, HighBit: 0, PixelRepresentation: 0, LossyImageCompression: '00',
      NumberOfFrames: String(images.length),
      ReferencedSeriesSequence: [{SeriesInstanceUID: series, ReferencedInstanceSequence: references}],
      DimensionOrganizationSequence: [{DimensionOrganizationUID: root_uid + '.5'}],
      DimensionIndexSequence: [{DimensionOrganizationUID: root_uid + '.5', DimensionIndexPointer: 0x0062000B, FunctionalGroupPointer: 0x0062000A}],
      SegmentSequence: [{SegmentNumber: 1, SegmentLabel: 'Bright', SegmentAlgorithmType: 'AUTOMATIC', SegmentAlgorithmName: 'threshold',
          SegmentedPropertyCategoryCodeSequence: [code('49755003', 'SCT', 'Morphologically Altered Structure')],
          SegmentedPropertyTypeCodeSequence: [code('52988006', 'SCT', 'Lesion')]}],
      SharedFunctionalGroupsSequence: [{
          PlaneOrientationSequence: [{ImageOrientationPatient: first.ImageOrientationPatient}],
          PixelMeasuresSequence: [{SliceThickness: first.SliceThickness, SpacingBetweenSlices: '2', PixelSpacing: first.PixelSpacing}]}],
      PerFrameFunctionalGroupsSequence: images.map((image, n) => ({
          FrameContentSequence: [{DimensionIndexValues: [1]}],
          PlanePositionSequence: [{ImagePositionPatient: image.ImagePositionPatient}],
          DerivationImageSequence: [{SourceImageSequence: [references[n]], DerivationCodeSequence: [code('113076', 'DCM', 'Segmentation')]}],
          SegmentIdentificationSequence: [{ReferencedSegmentNumber: 1}]})),
      PixelData: packed.buffer, _vrMap: {PixelData: 'OB'}};
  const report = {...shared, SOPClassUID: '1.2.840.10008.5.1.4.1.1.88.11', SOPInstanceUID: root_uid + '.2', Modality: 'SR',
      SeriesInstanceUID: root_uid + '.20', SeriesNumber: '101', SeriesDescription: 'Finding', ValueType: 'CONTAINER',
      ConceptNameCodeSequence: [code('121144', 'DCM', 'Document Title')], ContinuityOfContent: 'SEPARATE', CompletionFlag: 'COMPLETE',
      VerificationFlag: 'UNVERIFIED', PerformedProcedureCodeSequence: [], ReferencedPerformedProcedureStepSequence: [],
      ContentSequence: [{RelationshipType: 'CONTAINS', ValueType: 'TEXT', ConceptNameCodeSequence: [code('121071', 'DCM', 'Finding')],
          TextValue: mask.reduce((a, b) => a + b) + ' bright voxels'}]};
  const datasets = [segmentation, report].map(d => {
    d._meta = {TransferSyntaxUID: {Value: ['1.2.840.10008.1.2.1'], vr: 'UI'}, MediaStorageSOPClassUID: {Value: [d.SOPClassUID], vr: 'UI'},
        MediaStorageSOPInstanceUID: {Value: [d.SOPInstanceUID], vr: 'UI'}, ImplementationVersionName: {Value: ['trial'], vr: 'SH'}};
    return dcmjs.data.datasetToDict(d).write();
  });
  const answer = await client.storeInstances({datasets, studyInstanceUID: study});
  return {images: images.length, bright: mask.reduce((a, b) => a + b), answer: typeof answer === 'string' ? answer : JSON.stringify(answer)};
})().then(v => v, fault => ({failed: String(fault.stack || fault.message || fault), status: fault.status}));
"""


def raw(value):
    (value,) = value if isinstance(value, list) else [value]
    return base64.b64decode(value["bytes"])


class Client:
    def __init__(self, browser, root):
        self.browser, self.root = browser, root

    def __call__(self, method, **options):
        answer = self.browser.run(CALL, self.root, method, options)
        assert not (isinstance(answer, dict) and "failed" in answer), (method, options, answer)
        return answer


def uids(picture, instance=None):
    out = {"studyInstanceUID": picture.study, "seriesInstanceUID": picture.series}
    if instance:
        out["sopInstanceUID"] = f"{picture.series}.{instance}"
    return out


def values(answer, tag):
    return sorted(entry[tag]["Value"][0] for entry in answer)


def check_searches(client, pictures):
    ct = pictures[0]
    assert values(client("searchForStudies"), "0020000D") == sorted(p.study for p in pictures)
    (one,) = client("searchForStudies", queryParams={"PatientName": "Viewer^Cl*"})
    assert one["0020000D"]["Value"] == [pictures[2].study]
    assert one["00201208"]["Value"] == [1] and one["00080061"]["Value"] == ["OT"], one
    (series,) = client("searchForSeries", studyInstanceUID=ct.study)
    assert series["00201209"]["Value"] == [len(ct.files)], series
    instances = client("searchForInstances", studyInstanceUID=ct.study, seriesInstanceUID=ct.series)
    assert len(instances) == len(ct.files)
    assert values(client("searchForSeries", queryParams={"Modality": "SR"}), "0020000D") == [pictures[5].study]


def same_data_set(left, right):
    """Attribute by attribute, whatever VRs and padding."""
    (a, b) = (dicom.read(data_set(content)) for content in (left, right))
    assert a.keys() == b.keys(), (a.keys() ^ b.keys())
    for tag in a:
        assert dicom.same_value(a[tag], b[tag]), (hex(tag), a[tag], b[tag])


def single(client, picture, instance, syntax):
    """One instance as a single part in that syntax: what the client has no words for."""
    url = f"{client.root}/studies/{picture.study}/series/{picture.series}/instances/{picture.series}.{instance}"
    status, headers, body = fetch(url, headers={"Accept": f"application/dicom; transfer-syntax={syntax}"})
    assert status == 200 and headers["Content-Type"].startswith("application/dicom"), (status, headers, body[:300])
    assert meta_value(body, 0x10) == syntax
    return body


def check_instances(client, pictures):
    ct, _, _, packed, *_ = pictures
    study = client("retrieveStudy", studyInstanceUID=ct.study)
    by_uid = {meta_value(raw(one), 3): raw(one) for one in study}
    assert len(by_uid) == len(ct.files) == len(study)
    for content in ct.files:
        same_data_set(by_uid[meta_value(content, 3)], content)
    assert len(client("retrieveSeries", **uids(ct))) == len(ct.files)
    same_data_set(raw(client("retrieveInstance", **uids(ct, 3))), ct.files[2])
    # As stored, and decompressed.
    assert data_set(single(client, packed, 1, JPEG_LS)) == data_set(packed.files[0])
    pixels = dicom.read(data_set(single(client, packed, 1, EXPLICIT)))[0x7FE00010].value
    assert [v - 1024 for v in memoryview(pixels).cast("h")] == packed.frames[0]


def check_metadata(client, pictures):
    ct, cine, _, packed, document, _ = pictures
    for method, options, count in (
        ("retrieveStudyMetadata", {"studyInstanceUID": ct.study}, len(ct.files)),
        ("retrieveSeriesMetadata", uids(ct), len(ct.files)),
        ("retrieveInstanceMetadata", uids(ct, 5), 1),
    ):
        answer = client(method, **options)
        assert len(answer) == count, (method, len(answer))
        one = next(entry for entry in answer if entry["00080018"]["Value"] == [f"{ct.series}.5"])
        assert one["00281052"]["Value"] == [-1024] and one["00100010"]["Value"][0]["Alphabetic"] == "Viewer^Anna"
        assert "InlineBinary" not in one["7FE00010"], one["7FE00010"]
    (pdf,) = client("retrieveInstanceMetadata", **uids(document, 1))
    entry = pdf["00420011"]
    content = raw(client("retrieveBulkData", BulkDataURI=entry["BulkDataURI"])[0]) if "BulkDataURI" in entry else base64.b64decode(
        entry["InlineBinary"])
    assert content.startswith(b"%PDF-1.4") and content.rstrip(b"\0").endswith(b"%%EOF\n"), content[:20]


def check_frames(client, pictures):
    ct, cine, colour, packed, *_ = pictures
    frames = client("retrieveInstanceFrames", **uids(cine, 1), frameNumbers=[2, 5])
    assert [list(raw(f)) for f in frames] == [cine.frames[1], cine.frames[4]]
    (one,) = client("retrieveInstanceFrames", **uids(ct, 7), frameNumbers=[1])
    assert [v - 1024 for v in memoryview(raw(one)).cast("h")] == ct.frames[6]
    (one,) = client("retrieveInstanceFrames", **uids(colour, 1), frameNumbers=[1])
    assert list(raw(one)) == colour.frames[0]
    (one,) = client("retrieveInstanceFrames", **uids(packed, 2), frameNumbers=[1],
                    mediaTypes=[{"mediaType": "image/jls", "transferSyntaxUID": JPEG_LS}])
    assert raw(one)[:2] == b"\xff\xd8" and raw(one).rstrip(b"\0")[-2:] == b"\xff\xd9"
    (one,) = client("retrieveInstanceFrames", **uids(packed, 2), frameNumbers=[1])
    assert [v - 1024 for v in memoryview(raw(one)).cast("h")] == packed.frames[1]


def check_rendered(client, pictures):
    ct, cine, colour, packed, *_ = pictures
    magic = {"image/jpeg": b"\xff\xd8\xff", "image/png": b"\x89PNG", "image/gif": b"GIF8"}
    for picture in (ct, colour, packed):
        for media, begins in magic.items():
            image = raw(client("retrieveInstanceRendered", **uids(picture, 1), mediaTypes=[{"mediaType": media}]))
            assert image.startswith(begins), (picture.name, media, image[:8])
        assert raw(client("retrieveInstanceThumbnail", **uids(picture, 1))).startswith(magic["image/jpeg"])
    image = raw(client("retrieveInstanceFramesRendered", **uids(cine, 1), frameNumbers=[3], mediaTypes=[{"mediaType": "image/png"}]))
    assert image.startswith(magic["image/png"])
    options = {"window": "40,400,linear", "viewport": "50,50"}
    windowed = raw(client("retrieveInstanceRendered", **uids(ct, 1), mediaTypes=[{"mediaType": "image/png"}], queryParams=options))
    assert windowed[16:24] == (50).to_bytes(4, "big") * 2, windowed[16:24]


def check_service(browser, root, gantry, pacs, ct):
    root_uid = "2.25.99001"
    before = pacs.orthanc.instances()
    done = browser.run(SERVICE, root, root_uid)
    assert "failed" not in done, done
    bright = sum(v + 1024 > 800 for frame in ct.frames for v in frame)
    assert (done["images"], done["bright"]) == (len(ct.files), bright), done
    wait_for("both to arrive in the archive", lambda: pacs.orthanc.instances() == before + 2)
    for name, sop_class in (("1", "1.2.840.10008.5.1.4.1.1.66.4"), ("2", "1.2.840.10008.5.1.4.1.1.88.11")):
        (found,) = pacs.orthanc.find(f"{root_uid}.{name}")
        stored = pacs.orthanc.file(found["ID"])
        assert dicom.read(data_set(stored))[0x00080016].value.rstrip(b"\0").decode() == sop_class
    wait_for("the queue to be empty", lambda: not gantry.queue())
    status, _, body = fetch(f"{root}/studies/{ct.study}/series?Modality=SEG")
    assert status == 200 and root_uid.encode() in body, (status, body[:300])


def main():
    for script in SCRIPTS.values():
        if not script.is_file():
            skip(f"no web client in {script}")
    with folder() as here:
        pictures = all_pictures(here)
        pacs = HospitalPacs(here / "pacs")
        port = free_port()
        gantry = Gantry(
            here / "gantry",
            peers=[pacs.peer],
            origins=[{"name": "old", "kind": "dimse", "peer": pacs.title, "min_backoff": "100ms"}],
            routes={"web": {"find": "old", "retrieve": "old", "store": "old"}},
            web={"cors": {"origins": [f"http://127.0.0.1:{port}"]}},
        )
        browser = Browser(here / "browser")
        files = FileServer(here, {"/": PAGE, **{path: script.read_text() for path, script in SCRIPTS.items()}}, port)
        with running(gantry, pacs, browser):
            gantry.start()
            pacs.store([content for picture in pictures for content in picture.files])
            browser.open(files.url + "/")
            client = Client(browser, gantry.web)
            for check in (check_searches, check_instances, check_metadata, check_frames, check_rendered):
                check(client, pictures)
                print(f"{check.__name__}: good", flush=True)
            check_service(browser, gantry.web, gantry, pacs, pictures[0])
            print("an AI service: good", flush=True)
            browser.end()
            assert gantry.stop() == 0
        files.end()


if __name__ == "__main__":
    sys.exit(main())
