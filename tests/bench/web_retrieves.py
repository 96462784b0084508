"""WADO-RS through gantry from an archive that speaks DIMSE, cold and warm, beside that archive's own DICOMweb server, beside getscu to the
disk, and beside nginx with the same bytes as files."""

import os
import shutil
import struct
import subprocess
import time
from pathlib import Path

import dicom
from measuring import COUNT, ROUNDS, have, ratio, resident, table
from pictures import CT, US, Picture, head, pixels
from trial import Gantry, Orthanc, Process, fetch, free_port, run, running, wait_for

SIDE = 512
LARGE_FRAMES = 1000  # of 512 KiB: 500 MiB
ACCEPT = 'multipart/related; type="application/dicom"; transfer-syntax=*'
FRAMES = 'multipart/related; type="application/octet-stream"; transfer-syntax=*'
MIB = float(1 << 20)


def study(count):
    """CT slices of 512 KiB, each with other pixels."""
    picture = Picture("Bench", "Bench^CT", 900, "CT", rows=SIDE, columns=SIDE)
    noise = os.urandom(2 * SIDE * SIDE + 2 * count)
    for n in range(1, count + 1):
        elements = head(picture, CT, n) | pixels(picture, 1, 16) | {
            0x00200032: f"0\\0\\{n}", 0x00200037: "1\\0\\0\\0\\1\\0", 0x00200052: f"{picture.series}.0", 0x00280030: "1\\1",
            0x7FE00010: noise[2 * n:2 * n + 2 * SIDE * SIDE],
        }
        yield dicom.part10(dicom.write(elements), CT, elements[0x00080018])


def large_instance():
    picture = Picture("Bench large", "Bench^Large", 901, "US", rows=SIDE, columns=SIDE)
    noise = os.urandom(2 * SIDE * SIDE)
    elements = head(picture, US, 1) | pixels(picture, 1, 16) | {
        0x00280008: str(LARGE_FRAMES), 0x00280009: b"\x18\0\x63\x10", 0x00181063: "40"}
    length = len(noise) * LARGE_FRAMES
    pixel_data = struct.pack("<HH2sHI", 0x7FE0, 0x0010, b"OW", 0, length)
    return picture, dicom.part10(dicom.write(elements) + pixel_data, US, elements[0x00080018]), noise


def curl(url, accept, out="/dev/null"):
    """(seconds to the first byte, seconds in all, bytes) of one answer."""
    done = subprocess.run(["curl", "-sf", "-o", out, "-H", f"Accept: {accept}", "-w", "%{time_starttransfer} %{time_total} %{size_download}",
                           url], capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, (url, done.returncode, done.stdout)
    first, total, size = done.stdout.split()
    return float(first), float(total), int(size)


def best_of(measure):
    return min((measure() for _ in range(ROUNDS)), key=lambda row: row[1])


def parallel(here, urls, accept, at_once):
    """Requests a second, so many at once on kept connections, and the bytes that came."""
    listing = here / "urls"
    listing.write_text("".join(f'url = "{url}"\noutput = "/dev/null"\n' for url in urls))
    command = ["curl", "-sf", "--parallel", "--parallel-max", str(at_once), "-H", f"Accept: {accept}", "-K", listing]
    begun = time.monotonic()
    assert subprocess.run(command, timeout=600).returncode == 0
    return len(urls) / (time.monotonic() - begun)


class Nginx:
    """Files of a folder, as fast as they can be served."""

    def __init__(self, here, root):
        self.port = free_port()
        here.mkdir()
        configuration = here / "nginx.conf"
        configuration.write_text(f"""user root; daemon off; worker_processes 1; pid {here}/pid; error_log {here}/error.log;
events {{ worker_connections 256; }}
http {{ access_log off; sendfile on; tcp_nopush on; keepalive_requests 100000;
  client_body_temp_path {here}/b; proxy_temp_path {here}/p; fastcgi_temp_path {here}/f; uwsgi_temp_path {here}/u; scgi_temp_path {here}/s;
  server {{ listen 127.0.0.1:{self.port}; root {root}; }} }}
""")
        self.process = Process(["nginx", "-c", configuration, "-e", here / "error.log"], here / "log")
        self.url = f"http://127.0.0.1:{self.port}"
        wait_for("nginx", lambda: self.answers())

    def answers(self):
        try:
            return fetch(self.url + "/")[0] > 0
        except OSError:
            return False


def nginx_rate(here, folder):
    """Seconds and bytes of all files of the folder on one connection."""
    server = Nginx(here / "nginx", folder)
    listing = here / "files"
    names = sorted(p.name for p in folder.iterdir())
    listing.write_text("".join(f'url = "{server.url}/{name}"\noutput = "/dev/null"\n' for name in names))
    size = sum(p.stat().st_size for p in folder.iterdir())
    with running(server):
        def once():
            begun = time.monotonic()
            assert subprocess.run(["curl", "-sf", "-K", listing], timeout=600).returncode == 0
            return 0, time.monotonic() - begun, size
        row = best_of(once)
        server.process.end()
    return row


def getscu_rate(here, orthanc):
    """As getscu writes the study to the disk."""
    def once():
        target = here / "got"
        target.mkdir()
        begun = time.monotonic()
        run("getscu", "-S", "-aec", "ORTHANC", "-od", target, "+B", "-k", "QueryRetrieveLevel=STUDY", "-k",
            f"StudyInstanceUID={Picture('', '', 900, '').study}", "127.0.0.1", orthanc.dicom)
        took = time.monotonic() - begun
        files = list(target.iterdir())
        assert len(files) == COUNT, len(files)
        size = sum(f.stat().st_size for f in files)
        shutil.rmtree(target)
        return 0, took, size
    return best_of(once)


def gantry_before(here, orthanc):
    return Gantry(here / "gantry", peers=[{"ae_title": "ORTHANC", "host": "127.0.0.1", "port": orthanc.dicom}],
                  origins=[{"name": "old", "kind": "dimse", "peer": "ORTHANC"}],
                  routes={"web": {"find": "old", "retrieve": "old"}}, log_level="warn")


def cold(here, orthanc, path):
    """The study through gantry with an empty cache, each time."""
    def once():
        gantry = gantry_before(here, orthanc)
        with running(gantry):
            gantry.start()
            row = curl(gantry.web + path, ACCEPT)
            gantry.stop()
        shutil.rmtree(here / "gantry")
        return row
    return best_of(once)


def rows_of(title, *rows):
    table(title, [(name, size / MIB / took, f"first byte {first * 1000:.1f} ms" if first else "", *ratios)
                  for name, (first, took, size), *ratios in rows], "MiB/s")


def speed(row):
    return row[2] / row[1]


def retrieve(here):
    if not have("Orthanc", "curl", "getscu"):
        return
    orthanc = Orthanc(here / "orthanc", DicomAlwaysAllowGet=True, DicomAlwaysAllowFind=True, HttpThreadsCount=32, ConcurrentJobs=4,
                      DicomThreadsCount=8)
    files = here / "plain"
    files.mkdir()
    with running(orthanc):
        for n, content in enumerate(study(COUNT)):
            (files / f"{n}.dcm").write_bytes(content)
            assert fetch(orthanc.rest + "/instances", data=content, method="POST")[0] == 200
        whole = Picture("", "", 900, "")
        path, series = f"/studies/{whole.study}", f"/studies/{whole.study}/series/{whole.series}"
        from_disk = getscu_rate(here, orthanc)
        first_time = cold(here, orthanc, path)
        theirs = best_of(lambda: curl(orthanc.web + path, ACCEPT))
        rows_of(f"WADO-RS of {COUNT} CT instances, cold: through the archive",
                ("getscu to the disk", from_disk), ("Orthanc's own DICOMweb", theirs),
                ("gantry", first_time, ratio(speed(first_time), speed(from_disk), "getscu", 0.8)))
        gantry = gantry_before(here, orthanc)
        with running(gantry):
            gantry.start()
            time.sleep(1)
            idle = resident(gantry.process, "VmRSS")
            curl(gantry.web + path, ACCEPT)
            again = best_of(lambda: curl(gantry.web + path, ACCEPT))
            plain = nginx_rate(here, files) if have("nginx") else None
            rows_of(f"WADO-RS of {COUNT} CT instances, warm: from the cache",
                    *([("nginx, the same as files", plain)] if plain else []), ("Orthanc's own DICOMweb", theirs),
                    ("gantry", again, ratio(speed(again), speed(theirs), "Orthanc", 1.5),
                     *([ratio(speed(again), speed(plain), "nginx", 0.7)] if plain else [])))
            metadata(gantry, orthanc, series)
            frames(here, gantry, orthanc, whole, series)
            large(gantry, orthanc)
            peak = resident(gantry.process, "VmHWM")
            gantry.stop()
        print(f"\nMemory: {peak - idle:.1f} MiB above idle ({idle:.1f}) throughout (to reach 64: {'yes' if peak - idle <= 64 else 'NO'})")
        orthanc.stop()


def metadata(gantry, orthanc, series):
    json = "application/dicom+json"
    ours, theirs = (best_of(lambda root=root: curl(root + series + "/metadata", json)) for root in (gantry.web, orthanc.web))
    table(f"Metadata of a series of {COUNT}", [
        ("Orthanc's own DICOMweb", theirs[1] * 1000), ("gantry", ours[1] * 1000, ratio(theirs[1], ours[1], "as fast as Orthanc", 5))], "ms")


def frames(here, gantry, orthanc, whole, series):
    names = [f"{series}/instances/{whole.series}.{n}/frames/1" for n in range(1, COUNT + 1)]
    ours, theirs = (max(parallel(here, [root + name for name in names], FRAMES, 25) for _ in range(ROUNDS))
                    for root in (gantry.web, orthanc.web))
    table("Frames of 512 KiB by 25 clients at once", [
        ("Orthanc's own DICOMweb", theirs), ("gantry", ours, ratio(ours, theirs, "Orthanc"))], "frames/s")


def large(gantry, orthanc):
    picture, front, noise = large_instance()
    status, _, answer = fetch(orthanc.rest + "/instances", data=front + noise * LARGE_FRAMES, method="POST", timeout=600)
    assert status == 200, answer
    path = f"/studies/{picture.study}/series/{picture.series}/instances/{picture.series}.1"
    first = curl(gantry.web + path, ACCEPT)
    warm = best_of(lambda: curl(gantry.web + path, ACCEPT))
    theirs = curl(orthanc.web + path, ACCEPT)
    rows_of("One instance of 500 MiB", ("Orthanc's own DICOMweb", theirs), ("gantry, cold", first), ("gantry, warm", warm))
    took = sorted(curl(f"{gantry.web}{path}/frames/{n}", FRAMES)[1] * 1000 for n in range(1, 200, 10))
    beside = curl(f"{orthanc.web}{path}/frames/7", FRAMES)[1] * 1000
    table("One frame of it, warm", [("Orthanc's own DICOMweb", beside),
          ("gantry", took[len(took) // 2], f"(to reach 5: {'yes' if took[len(took) // 2] <= 5 else 'NO'})", f"slowest of {len(took)} {took[-1]:.1f}")],
          "ms")
