#!/usr/bin/env python3
"""DCMTK's movescu and getscu retrieve from gantry, on the archive of its own: what both ends share comes bit for bit, what
the receiver does not take comes uncompressed, and what cannot be sent is said to have failed."""

import functools
import re

from trial import Gantry, Process, data_set, fetch, folder, free_port, meta_value, need, run, running, samples

MOVESCU, GETSCU, STORESCP, DCMDUMP = need("movescu", "getscu", "storescp", "dcmdump")
IMPLICIT = "1.2.840.10008.1.2"
EXPLICIT = "1.2.840.10008.1.2.1"

# Of those that are the same instance, one.
FILES = (
    "CT_small.dcm", "MR_small_jp2klossless.dcm", "CT0012.not_fragmented_bot_rle.dcm",
    "JPEG-lossy.dcm", "JPEG2000.dcm", "SC_rgb_jpeg_dcmtk.dcm", "SC_rgb_rle_2frame.dcm", "examples_jpeg2k.dcm",
    "examples_ybr_color.dcm", "liver_1frame.dcm", "test-SR.dcm", "waveform_ecg.dcm",
    "CT0012.fragmented_no_bot_jpeg_baseline.51.dcm", "color-pl.dcm", "chrH31.dcm",
)


def store(gantry, files):
    """Bytes of what was taken, by SOP Instance UID."""
    kept = {}
    for file in files:
        part10 = file.read_bytes()
        boundary = b"--x\r\nContent-Type: application/dicom\r\n\r\n" + part10 + b"\r\n--x--\r\n"
        kind = {"Content-Type": 'multipart/related; type="application/dicom"; boundary=x'}
        status, _, body = fetch(gantry.web + "/studies", boundary, kind)
        assert status in (200, 409), (file.name, status, body[:500])
        if status == 200:
            kept[uid(file, "0008,0018")] = file
    return kept


@functools.lru_cache(None)
def uid_in(file, tag):
    return uid(file, tag)


def uid(file, tag):
    found = re.search(r"\[([0-9.]+)\]", run(DCMDUMP, "+P", tag, "-s", file).stdout)
    assert found, (file.name, tag)
    return found.group(1)


def studies_of(kept):
    return sorted({uid_in(file, "0020,000d") for file in kept.values()})


class Destination:
    """A storescp that keeps what it gets."""

    def __init__(self, here, name, *options):
        self.name, self.port = name, free_port()
        self.folder = here / name
        self.folder.mkdir()
        command = [STORESCP, "-aet", name, *options, "-od", self.folder, "+B", "-uf", self.port]
        self.process = Process(command, here / f"{name}.log")

    def got(self):
        """{SOP Instance UID: bytes}, and forgets it."""
        found = {}
        for file in list(self.folder.iterdir()):
            part10 = file.read_bytes()
            found[meta_value(part10, 0x0003)] = part10
            file.unlink()
        return found


def move(gantry, destination, study, model="-S", extra=(), keys=None):
    """(final status, counters of it, Pendings)."""
    keys = keys or {"0008,0052": "STUDY", "0020,000d": study}
    arguments = [part for tag, value in keys.items() for part in ("-k", f"{tag}={value}")]
    done = run(
        MOVESCU, "-d", *extra, model, "-aet", "WS1", "-aec", "GANTRY", "-aem", destination, "127.0.0.1",
        gantry.port("dimse"), *arguments, check=False,
    )
    return answers(done.stdout)


def answers(text):
    final, counts, pendings = None, {}, []
    for message in text.split("INCOMING DIMSE MESSAGE")[1:]:
        if "C-MOVE RSP" not in message and "C-GET RSP" not in message:
            continue
        status = int(re.search(r"DIMSE Status\s*: 0x([0-9a-f]+)", message).group(1), 16)
        counts = {
            name: int(number)
            for name, number in re.findall(r"(Remaining|Completed|Failed|Warning) Suboperations\s*: (\d+)", message)
        }
        if status == 0xFF00:
            pendings.append(counts)
        else:
            final = status
    assert final is not None, text[-3000:]
    return final, counts, pendings


def move_bit_for_bit(gantry, kept, destination):
    for study in studies_of(kept):
        expected = {name for name, file in kept.items() if uid_in(file, "0020,000d") == study}
        status, counts, pendings = move(gantry, destination.name, study)
        assert status == 0x0000, (study, hex(status), gantry.process.tail(2000))
        assert counts["Completed"] == len(expected), counts
        for pending in pendings:
            assert sum(pending.values()) == len(expected), (pending, len(expected))
        got = destination.got()
        assert set(got) == expected, (study, got.keys(), expected)
        for name, part10 in got.items():
            original = kept[name].read_bytes()
            assert meta_value(part10, 0x0010) == meta_value(original, 0x0010), kept[name].name
            assert data_set(part10) == data_set(original), kept[name].name


def move_uncompressed(gantry, kept, destination, syntax):
    for study in studies_of(kept):
        expected = {name for name, file in kept.items() if uid_in(file, "0020,000d") == study}
        status, counts, _ = move(gantry, destination.name, study)
        assert status == 0x0000, (study, hex(status), gantry.process.tail(2000))
        got = destination.got()
        assert set(got) == expected, (study, got.keys(), expected)
        for name, part10 in got.items():
            assert meta_value(part10, 0x0010) == syntax, (kept[name].name, meta_value(part10, 0x0010))
            received = destination.folder / "read"
            received.write_bytes(part10)
            assert uid(received, "0008,0018") == name
            pixels = run(DCMDUMP, "+P", "7fe0,0010", "+L", kept[name]).stdout
            if pixels and "PixelSequence" not in pixels:
                assert "PixelData" in run(DCMDUMP, "+P", "7fe0,0010", received).stdout, kept[name].name
            received.unlink()


def get(gantry, study, into, *options):
    done = run(
        GETSCU, "-d", *options, "-S", "-aet", "WS1", "-aec", "GANTRY", "+B", "-od", into, "127.0.0.1", gantry.port("dimse"),
        "-k", "0008,0052=STUDY", "-k", f"0020,000d={study}", check=False,
    )
    return answers(done.stdout)


def get_everything(gantry, kept, into):
    into.mkdir()
    for study in studies_of(kept):
        expected = {name for name, file in kept.items() if uid_in(file, "0020,000d") == study}
        status, counts, _ = get(gantry, study, into)
        assert status == 0x0000 and counts["Completed"] == len(expected), (study, hex(status), counts)
        got = {}
        for file in list(into.iterdir()):
            part10 = file.read_bytes()
            got[meta_value(part10, 0x0003)] = part10
            file.unlink()
        assert set(got) == expected, (study, got.keys(), expected)
        for name, part10 in got.items():
            original = kept[name].read_bytes()
            if meta_value(original, 0x0010) == EXPLICIT:
                assert data_set(part10) == data_set(original), kept[name].name


def what_cannot_be_done(gantry, kept, destination):
    study = studies_of(kept)[0]
    count = sum(uid_in(file, "0020,000d") == study for file in kept.values())
    assert move(gantry, "NOBODY", study)[0] == 0xA801
    status, counts, _ = move(gantry, "DOWN", study)
    assert (status, counts["Failed"]) == (0xA702, count), (hex(status), counts)
    assert move(gantry, destination.name, "1.2.3.4.5.6")[0] == 0x0000
    keys = {"0008,0052": "SERIES", "0020,000e": "1.2.3"}
    assert move(gantry, destination.name, study, keys=keys)[0] == 0xA900
    assert destination.got() == {}


def cancel(gantry, kept, destination, study):
    status, counts, pendings = move(gantry, destination.name, study, extra=("--cancel", "1"))
    assert status in (0x0000, 0xFE00), hex(status)
    destination.got()


def try_everything(gantry, kept, into, destinations):
    everything, implicit, explicit = destinations
    move_bit_for_bit(gantry, kept, everything)
    move_uncompressed(gantry, kept, implicit, IMPLICIT)
    move_uncompressed(gantry, kept, explicit, EXPLICIT)
    get_everything(gantry, kept, into)
    what_cannot_be_done(gantry, kept, everything)
    cancel(gantry, kept, everything, studies_of(kept)[0])


def main():
    files = [samples() / name for name in FILES]
    with folder() as here:
        everything = Destination(here, "EVERYTHING", "+xa")
        implicit = Destination(here, "IMPLICIT", "+xi")
        explicit = Destination(here, "EXPLICIT", "+xe")
        peers = [
            {"ae_title": d.name, "host": "127.0.0.1", "port": d.port} for d in (everything, implicit, explicit)
        ]
        peers.append({"ae_title": "DOWN", "host": "127.0.0.1", "port": free_port()})
        gantry = Gantry(
            here / "gantry",
            routes={
                "web": {"store": ["here"], "find": "here", "retrieve": "here"},
                "dimse": {"find": "here", "retrieve": "here"},
            },
            peers=peers,
        )
        gantry.start()
        processes = [everything.process, implicit.process, explicit.process]
        with running(gantry, *processes):
            kept = store(gantry, files)
            assert len(kept) > 10, kept
            try_everything(gantry, kept, here / "get", (everything, implicit, explicit))
            # The same from a DICOMweb archive, which is the first one's web side.
            gateway = Gantry(
                here / "gateway",
                origins=[{"name": "cloud", "kind": "dicomweb", "url": gantry.web}],
                routes={"dimse": {"find": "cloud", "retrieve": "cloud"}},
                peers=peers,
            )
            gateway.start()
            with running(gateway):
                try_everything(gateway, kept, here / "get_web", (everything, implicit, explicit))
    print("ok")


if __name__ == "__main__":
    main()
