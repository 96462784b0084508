"""The parts `find` and `retrieve` of compare: what a question through gantry costs beside the origin's own answer and other SCPs."""

import json
import os
import shutil
import statistics
import subprocess
import time

from dicom import INSTANCE_UID, PATIENT_ID, PATIENT_NAME, SERIES_UID, STUDY_UID, part10, read, split, value_of, write
from measuring import COUNT, ROUNDS, SIZE, TOOLS, Tool, have, load, ratio, resident
from trial import Gantry, Orthanc, fetch, free_port, running, wait_for
from workstation import Dcmqrscp

MATCHES = (1, 100, 10_000)
FILLED = int(os.environ.get("GANTRY_BENCH_STUDIES", "10000"))  # so many of them in Orthanc, too
CT = "1.2.840.10008.5.1.4.1.1.2"
KEYS = ("0020000d", "00080020", "00080030", "00080050", "00080061", "00081030", "00100010", "00200010", "00201208")
LARGE = 500 << 20
FEW = 200  # dcmqrscp's database is searched and written as a whole


def query_load(service, port, called, *arguments):
    command = [TOOLS / "query_load", service, "--port", port, "--called", called, *arguments]
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)


def find_gantry(url, here):
    return Gantry(here, origins=[{"name": "archive", "kind": "dicomweb", "url": url}], log_level="warn",
                  routes={"dimse": {"store": [], "find": "archive", "retrieve": "archive"}})


# find -----------------------------------------------------------------------------------------------------------------------------


def repeats(matches):
    return {1: 200, 100: 50}.get(matches, 3)


def asked(port, called, matches):
    """(milliseconds to the first match, to the final response), medians on one association."""
    keys = [a for k in KEYS for a in ("--key", k)]
    report = query_load("find", port, called, "--key", f"00100020=N{matches}", *keys, "--repeat", repeats(matches))
    assert (report["status"], report["matches"]) == ("0000", matches), report
    return report["first_ms"], report["last_ms"]


def curl_asked(url, matches):
    """Milliseconds of the same question as QIDO-RS in one answer, median on one connection."""
    target = f"{url}/studies?PatientID=N{matches}&limit={matches + 1}&" + "&".join(f"includefield={k.upper()}" for k in KEYS)
    command = ["curl", "-sf", "-w", "%{time_total} %{size_download}\n"]
    for _ in range(repeats(matches)):
        command += ["-o", "/dev/null", target]
    lines = subprocess.run(command, capture_output=True, text=True, check=True, timeout=900).stdout.split("\n")[:-1]
    return statistics.median(float(line.split()[0]) for line in lines[1:] or lines) * 1000


def study_file(matches, number):
    uid = f"2.25.8.{matches}.{number}"
    return part10(write({
        0x00080016: CT, INSTANCE_UID: uid + ".1.1", 0x00080020: "20240501", 0x00080030: "101500", 0x00080050: f"A{number}",
        0x00080060: "CT", 0x00081030: f"Thorax {number}", PATIENT_NAME: "Load^Test", PATIENT_ID: f"N{matches}",
        STUDY_UID: uid, SERIES_UID: uid + ".1", 0x00200010: f"S{number}", 0x00200011: "1", 0x00200013: "1",
    }), CT, uid + ".1.1")


def stow(url, files, batch=500):
    boundary = "bench0123456789"
    for start in range(0, len(files), batch):
        head = f"--{boundary}\r\nContent-Type: application/dicom\r\n\r\n".encode()
        body = b"".join(head + f + b"\r\n" for f in files[start:start + batch])
        status, _, answer = fetch(url + "/studies", data=body + f"--{boundary}--\r\n".encode(), method="POST", timeout=300,
                                  headers={"Content-Type": f'multipart/related; type="application/dicom"; boundary={boundary}'})
        assert status == 200, answer[:300]


def find_rows(name, url, here, counts, real=True):
    """Gantry in front of an archive, beside its own answer. What comes on top of an answer that costs nothing is shown for itself."""
    gantry = find_gantry(url, here / "gantry")
    with running(gantry):
        gantry.start()
        for matches in counts:
            port = gantry.port("dimse")
            asked(port, "GANTRY", matches)  # connections are open, the page size of the archive is known
            straight, (first, last) = curl_asked(url, matches), asked(port, "GANTRY", matches)
            allowed = straight + 1 if matches == 1 else straight * 1.1
            verdict = f"{last / straight:.2f} × (to reach {allowed:.2f} ms: {'yes' if last <= allowed else 'NO'})"
            print(f"  {matches:6} matches  {name:<16} QIDO by curl {straight:9.2f} ms   gantry first {first:8.2f} last {last:9.2f} ms   "
                  f"{last - straight:+.2f} ms, " + (verdict if real else f"{(last - straight) / matches * 1000:.1f} µs a match"))
        gantry.stop()
    shutil.rmtree(here / "gantry")


def find_beside(name, port, called, counts):
    for matches in counts:
        first, last = asked(port, called, matches)
        print(f"  {matches:6} matches  {name:<16} own C-FIND {'':16} SCP first {first:8.2f} last {last:9.2f} ms")


def find(here):
    print("\nC-FIND at STUDY level, time to the first match and to the final response")
    archive = Tool("answering_archive", here)
    with running(archive):
        find_rows("made-up archive", f"http://127.0.0.1:{archive.port}", here, MATCHES, real=False)
    if have("Orthanc"):
        orthanc = Orthanc(here / "orthanc", DicomAlwaysAllowFind=True)
        counts = [m for m in MATCHES if m <= FILLED]
        with running(orthanc):
            for matches in counts:
                stow(orthanc.web, [study_file(matches, n) for n in range(matches)])
            find_rows("Orthanc", orthanc.web, here, counts)
            find_beside("Orthanc", orthanc.dicom, "ORTHANC", counts)
        shutil.rmtree(here / "orthanc")
    if have("dcmqrscp", "dcmqridx"):
        scp = Dcmqrscp(here / "dcmqrscp")
        counts = [m for m in MATCHES if m <= FEW]
        for matches in counts:
            scp.add(*write_all(scp.folder, [study_file(matches, n) for n in range(matches)], f"find{matches}-"))
        peer = scp.start()
        with running(scp):
            find_beside("dcmqrscp", peer.port, peer.called, counts)
        shutil.rmtree(here / "dcmqrscp")


def write_all(target, files, prefix):
    out = []
    for number, content in enumerate(files):
        out.append(target / f"{prefix}{number}.dcm")
        out[-1].write_bytes(content)
    return out


# retrieve -------------------------------------------------------------------------------------------------------------------------


class Pull:
    """One retrieve: MiB/s, and how far the memory of the SCP rose over what it held when it was idle."""

    def __init__(self, scp, port, called, service, study, expected, destination):
        process = getattr(scp, "process", None)
        time.sleep(0.3)
        idle = resident(process, "VmRSS") if process else None
        more = ["--class", CT] if service == "get" else ["--destination", "BENCH", "--listen", destination]
        report = query_load(service, port, called, "--calling", "BENCH", "--key", f"0020000d={study}", *more)
        done = (report["status"], report["completed"], report["failed"], report["instances"])
        assert done == ("0000", expected, 0, expected), report
        self.rate, self.bytes = report["mib_per_second"], report["bytes"]
        self.above = resident(process, "VmHWM") - idle if process else None


def curl_pull(url, study):
    command = ["curl", "-sf", "-o", "/dev/null", "-w", "%{size_download} %{time_total}", f"{url}/studies/{study}", "-H",
               'Accept: multipart/related; type="application/dicom"; transfer-syntax=*']
    size, seconds = subprocess.run(command, capture_output=True, text=True, check=True, timeout=900).stdout.split()
    return int(size) / float(seconds) / (1 << 20)


def show(title, straight, rows, wanted, beside):
    """rows: (name, pulls): the best of the rounds, and the most memory of any."""
    print(f"\n{title}")
    if straight:
        print(f"  {'curl':<34} {straight:10,.1f} MiB/s")
    others = {}
    for name, pulls in rows:
        rate = max(p.rate for p in pulls)
        others[name] = rate
        text = f"  {name:<34} {rate:10,.1f} MiB/s"
        if name.startswith("gantry"):
            text += "   " + ratio(rate, straight or beside(others, name), "curl" if straight else "dcmqrscp", wanted)
            if "Orthanc" in others or any(o.startswith("Orthanc") for o in others):
                text += "   " + ratio(rate, others.get("Orthanc" + name[6:]), "Orthanc")
        above = [p.above for p in pulls if p.above is not None]
        if above:
            limit = f" (to reach 64: {'yes' if max(above) <= 64 else 'NO'})" if name.startswith("gantry") else ""
            text += f"   memory +{max(above):.1f} MiB{limit}"
        print(text)


def pulls(make, service, study, expected):
    """Rounds, each with an SCP of its own. make(destination port): (what has the process, port, called)."""
    out = []
    for _ in range(ROUNDS if expected > 1 else 1):
        destination = free_port()
        with make(destination) as (scp, port, called):
            out.append(Pull(scp, port, called, service, study, expected, destination))
    return out


class FromWeb:
    """A gantry in front of `url`, with the destination that it is given."""

    def __init__(self, url, here):
        self.url, self.here = url, here

    def __call__(self, destination):
        self.gantry = Gantry(self.here / "gantry", origins=[{"name": "archive", "kind": "dicomweb", "url": self.url}], log_level="warn",
                             peers=[{"ae_title": "BENCH", "host": "127.0.0.1", "port": destination}],
                             routes={"dimse": {"store": [], "find": "archive", "retrieve": "archive"}})
        return self

    def __enter__(self):
        self.gantry.start()
        return self.gantry, self.gantry.port("dimse"), "GANTRY"

    def __exit__(self, *_):
        self.gantry.stop()
        shutil.rmtree(self.here / "gantry")


def from_web(here, name, url, study, count, others=()):
    straight = max(curl_pull(url, study) for _ in range(ROUNDS))
    rows = [*others]
    for service in ("get", "move"):
        rows.append((f"gantry, C-{service.upper()}", pulls(FromWeb(url, here), service, study, count)))
    title = f"{count} instances of {SIZE // 1024} KiB" if count > 1 else f"One instance of {LARGE >> 20} MiB"
    show(f"{title} from {name}", straight, rows, 0.6, None)


class Standing:
    """An SCP that stays, filled beforehand, with one destination."""

    def __init__(self, scp, port, called, destination):
        self.answer, self.destination = (scp, port, called), destination


def standing_pulls(standing, service, study, expected):
    return [Pull(*standing.answer, service, study, expected, standing.destination) for _ in range(ROUNDS if expected > 1 else 1)]


def study_of(folder_of_files):
    syntax, content = split(next(folder_of_files.iterdir()).read_bytes())
    return value_of(read(content, syntax), STUDY_UID)


def made(here, count, size):
    """PS3.10 files of one study, and its UID."""
    target = here / f"files-{size}"
    if not target.exists():
        target.mkdir()
        subprocess.run([TOOLS / "store_load", "--write", target, "--instances", str(count), "--size", str(size)], check=True)
    return target, study_of(target)


def local_gantry(here, count, size):
    """A gantry whose local origin holds one study; and its UID."""
    destination = free_port()
    gantry = Gantry(here / "gantry", log_level="warn", peers=[{"ae_title": "BENCH", "host": "127.0.0.1", "port": destination}],
                    routes={"dimse": {"store": ["here"], "find": "here", "retrieve": "here"},
                            "web": {"store": ["here"], "find": "here", "retrieve": "here"}})
    gantry.start()
    load(gantry.port("dimse"), 1, count, size=size)
    wait_for("an empty queue", lambda: not gantry.queue(), 300)
    study = json.loads(fetch(gantry.web + "/studies")[2])[0]["0020000D"]["Value"][0]
    gantry.stop()  # so that its memory is that of a retrieve
    gantry.start()
    return Standing(gantry, gantry.port("dimse"), "GANTRY", destination), study


def from_here(here, count, size):
    files, study = made(here, count, size)
    rows = []
    if have("Orthanc"):
        destination = free_port()
        orthanc = Orthanc(here / "orthanc", dicomweb=False, DicomAlwaysAllowGet=True, DicomAlwaysAllowMove=True,
                          DicomModalities={"BENCH": ["BENCH", "127.0.0.1", destination]})
        with running(orthanc):
            for file in files.iterdir():
                assert fetch(orthanc.rest + "/instances", data=file.read_bytes(), method="POST", timeout=300)[0] == 200
            standing = Standing(orthanc, orthanc.dicom, "ORTHANC", destination)
            rows += [(f"Orthanc, C-{s.upper()}", standing_pulls(standing, s, study, count)) for s in ("get", "move")]
        shutil.rmtree(here / "orthanc")
    if have("dcmqrscp", "dcmqridx"):
        destination = free_port()
        scp = Dcmqrscp(here / "dcmqrscp", [("BENCH", destination)])
        for file in files.iterdir():
            os.link(file, scp.folder / file.name)
        scp.add(*scp.folder.glob("*.dcm"))
        peer = scp.start()
        with running(scp):
            standing = Standing(None, peer.port, peer.called, destination)  # a process for each association
            rows += [(f"dcmqrscp, C-{s.upper()}", standing_pulls(standing, s, study, count)) for s in ("get", "move")]
        shutil.rmtree(here / "dcmqrscp")
    shutil.rmtree(files)
    standing, study = local_gantry(here, count, size)
    with running(standing.answer[0]):
        rows += [(f"gantry, C-{s.upper()}", standing_pulls(standing, s, study, count)) for s in ("get", "move")]
        standing.answer[0].stop()
    shutil.rmtree(here / "gantry")
    title = f"{count} instances of {size // 1024} KiB" if count > 1 else f"One instance of {size >> 20} MiB"
    show(f"{title} from the local origin", None, rows, 1, lambda others, name: others.get("dcmqrscp" + name[6:]))


def retrieve(here):
    archive = Tool("answering_archive", here)
    with running(archive):
        url = f"http://127.0.0.1:{archive.port}"
        from_web(here, "a made-up archive", url, f"2.25.7.{COUNT}.{SIZE}", COUNT)
        from_web(here, "a made-up archive", url, f"2.25.7.1.{LARGE}", 1)
    if have("Orthanc"):
        files, study = made(here, COUNT, SIZE)
        orthanc = Orthanc(here / "orthanc", HttpThreadsCount=8)
        with running(orthanc):
            for file in files.iterdir():
                assert fetch(orthanc.rest + "/instances", data=file.read_bytes(), method="POST")[0] == 200
            from_web(here, "Orthanc", orthanc.web, study, COUNT)
        shutil.rmtree(here / "orthanc")
    from_here(here, COUNT, SIZE)
    from_here(here, 1, LARGE)
