"""The part `qido` of compare: what QIDO-RS on an archive that speaks DIMSE costs beside that archive's own C-FIND, asked for the same
attributes, and beside Orthanc's own DICOMweb server on the same data."""

import json
import shutil
import subprocess

from measuring import TOOLS, have, resident
from queries import query_load, stow, study_file, write_all
from trial import Gantry, Orthanc, fetch, running
from workstation import Dcmqrscp

MATCHES = {1: 1, 50: 3}  # to reach: milliseconds on top of the archive's own C-FIND
CLIENTS = (1, 8, 64)
# What QIDO-RS returns of a study (PS3.18 table 10.6.3-3).
KEYS = ("00080020", "00080030", "00080050", "00080061", "00080090", "00100010", "00100030", "00100040", "0020000d", "00200010",
        "00201206", "00201208")


def repeats(clients):
    return {1: 200, 8: 50}.get(clients, 10)


def c_find(port, called, matches, clients):
    keys = [a for k in KEYS for a in ("--key", k)]
    report = query_load("find", port, called, "--key", f"00100020=N{matches}", *keys, "--repeat", repeats(clients),
                        "--clients", clients)
    assert (report["status"], report["matches"]) == ("0000", matches), report
    return report["last_ms"], report["per_second"]


def http_load(port, target, clients):
    command = [TOOLS / "http_load", "--port", port, "--target", target, "--accept", "application/dicom+json", "--clients", clients,
               "--repeat", repeats(clients)]
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)


def target(matches):
    return f"/dicom-web/studies?PatientID=N{matches}"


def check(url, matches):
    """The answer is whole before it is timed."""
    status, _, body = fetch(f"{url}/studies?PatientID=N{matches}", headers={"Accept": "application/dicom+json"})
    assert status == 200 and len(json.loads(body)) == matches, (url, status, body[:300])


def row(name, report, extra=""):
    print(f"    {name:<24} median {report['median_ms']:8.2f} ms   99% {report['p99_ms']:8.2f} ms   {report['per_second']:9.1f} a second"
          f"{extra}")


def rows(name, port, called, gantry, own_web=None, judged=True):
    for matches, allowed in MATCHES.items():
        check(gantry.web, matches)
        for clients in CLIENTS:
            print(f"  {name}, {matches} match(es), {clients} client(s)")
            try:
                straight, rate = c_find(port, called, matches, clients)
                print(f"    {'its own C-FIND':<24} median {straight:8.2f} ms   {'':16} {rate:9.1f} a second")
            except AssertionError:  # it allows fewer associations than there are clients
                straight = None
                print(f"    {'its own C-FIND':<24} refuses so many associations")
            ours = http_load(gantry.port("web"), target(matches), clients)
            verdict = ""
            if straight and judged and clients == 1:
                above = ours["median_ms"] - straight
                verdict = f"   {above:+.2f} ms (to reach +{allowed}: {'yes' if above <= allowed else 'NO'})"
            row("gantry QIDO-RS", ours, verdict)
            if own_web:
                row("its own QIDO-RS", http_load(own_web, target(matches), clients))


def front(here, peer_title, port, **origin):
    return Gantry(here, peers=[{"ae_title": peer_title, "host": "127.0.0.1", "port": port}],
                  origins=[{"name": "old", "kind": "dimse", "peer": peer_title, **origin}],
                  routes={"web": {"store": [], "find": "old", "retrieve": "old"}}, log_level="warn")


def measured(here, name, title, port, own_web=None, judged=True, **origin):
    gantry = front(here / "gantry", title, port, **origin)
    with running(gantry):
        gantry.start()
        idle = resident(gantry.process, "VmRSS")
        rows(name, port, title, gantry, own_web, judged)
        print(f"  gantry's memory: +{resident(gantry.process, 'VmHWM') - idle:.1f} MiB")
        gantry.stop()
    shutil.rmtree(here / "gantry")


def qido(here):
    print("\nQIDO-RS on an archive that speaks DIMSE, studies with what the standard requires of them")
    if have("Orthanc"):
        orthanc = Orthanc(here / "orthanc", DicomAlwaysAllowFind=True, DicomThreadsCount=8)
        with running(orthanc):
            for matches in MATCHES:
                stow(orthanc.web, [study_file(matches, n) for n in range(matches)])
            measured(here, "Orthanc", "ORTHANC", orthanc.dicom, orthanc.http)
        shutil.rmtree(here / "orthanc")
    if have("dcmqrscp", "dcmqridx"):
        scp = Dcmqrscp(here / "dcmqrscp")
        for matches in MATCHES:
            scp.add(*write_all(scp.folder, [study_file(matches, n) for n in range(matches)], f"qido{matches}-"))
        peer = scp.start()
        with running(scp):
            # It knows neither counts nor modalities: as it answers, and with these asked for study by study.
            measured(here, "dcmqrscp as it is", peer.called, peer.port, complete_answers=False)
            measured(here, "dcmqrscp completed", peer.called, peer.port, judged=False)
        shutil.rmtree(here / "dcmqrscp")
