"""What the end-to-end trials share: a gantry of its own for each, real peers beside it, and what came of it.

Every trial runs in a folder and on ports of its own and ends only processes that it started. Standard library only.
A trial is a script: it asserts, and its exit status says what came of it; 77 is "skipped", with the reason as its last line.
"""

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[2]
SKIPPED = 77
PATIENCE = float(os.environ.get("GANTRY_TRIAL_PATIENCE", "60"))  # seconds that anything may take


def skip(reason):
    print(f"SKIPPED: {reason}", flush=True)
    sys.exit(SKIPPED)


def need(*programs):
    """Full paths of programs; skips where one is not installed."""
    paths = []
    for program in programs:
        path = shutil.which(program)
        if not path:
            skip(f"{program} is not installed")
        paths.append(path)
    return paths


def samples():
    """The folder of odd real files; skips where it is absent."""
    folder = Path(os.environ.get("GANTRY_SAMPLES", SOURCE.parent / "shared/data/dicom"))
    if not folder.is_dir():
        skip(f"no sample files in {folder}")
    return folder


def free_port():
    """A port for a peer that cannot say which one it took. (gantry itself listens on port 0 and says.)"""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_for(what, condition, patience=PATIENCE, interval=0.02):
    """Returns the first true result of condition(); raises where there is none in time."""
    end = time.monotonic() + patience
    while True:
        result = condition()
        if result:
            return result
        if time.monotonic() > end:
            raise TimeoutError(f"waited {patience:.0f} s for {what}")
        time.sleep(interval)


def fetch(url, data=None, headers=None, method=None, timeout=PATIENCE):
    """(status, headers, body) of any HTTP answer; raises where there is none."""
    request = urllib.request.Request(url, data=data, headers=headers or {}, method=method)
    try:
        with urllib.request.urlopen(request, timeout=timeout) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as answer:
        return answer.code, answer.headers, answer.read()


def run(*command, check=True, **options):
    """Runs a program to its end; TCP_NODELAY for DCMTK's tools, which leave Nagle on otherwise."""
    options.setdefault("timeout", PATIENCE * 4)
    environment = {**os.environ, "TCP_NODELAY": "1", **options.pop("env", {})}
    done = subprocess.run(
        [str(c) for c in command],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        env=environment,
        text=True,
        errors="replace",
        **options,
    )
    if check and done.returncode != 0:
        raise AssertionError(f"{command[0]} ended with {done.returncode}:\n{done.stdout[-4000:]}")
    return done


class Process:
    """A program in the background, ended with the trial."""

    def __init__(self, command, log, env=None):
        self.log = Path(log)
        self.output = open(self.log, "ab")
        self.popen = subprocess.Popen(
            [str(c) for c in command],
            stdout=self.output,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            env={**os.environ, "TCP_NODELAY": "1", **(env or {})},
        )

    @property
    def alive(self):
        return self.popen.poll() is None

    def end(self, how=signal.SIGTERM, patience=PATIENCE):
        """Sends the signal where it still runs, waits, and returns the exit status."""
        if self.alive:
            self.popen.send_signal(how)
        try:
            return self.popen.wait(patience)
        except subprocess.TimeoutExpired:
            self.popen.kill()
            self.popen.wait()
            raise AssertionError(f"did not end within {patience} s:\n{self.tail()}") from None
        finally:
            self.output.close()

    def tail(self, size=6000):
        return self.log.read_text(errors="replace")[-size:]


class Gantry:
    """A gantry in a folder of its own. `origins`, `routes` and the rest are dictionaries as in gantry.yaml."""

    def __init__(self, folder, origins=None, routes=None, peers=None, **sections):
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.state = self.folder / "state"
        self.state.mkdir(mode=0o700, exist_ok=True)
        self.configuration = self.folder / "gantry.yaml"
        self.process = None
        self.addresses = None
        self.binary = Path(os.environ.get("GANTRY_BINARY", SOURCE / "build/dev/gateway/gantry"))
        if not self.binary.is_file():
            skip(f"no binary at {self.binary}")
        sections.setdefault("custody", {}).setdefault("min_free", "16MiB")
        sections.setdefault("dimse", {})
        self.sections = {
            "state_dir": str(self.state),
            **sections,
            "dimse": {"ae_title": "GANTRY", "listen": ["127.0.0.1:0"], "unknown_peers": "allow", **sections["dimse"]},
            "web": {"listen": ["127.0.0.1:0"], **sections.get("web", {})},
            "admin": {"listen": "127.0.0.1:0"},
            "peers": peers or [],
            "origins": origins or [{"name": "here", "kind": "local"}],
            "routes": routes or {"web": {"store": ["here"], "find": "here", "retrieve": "here"}},
        }

    def start(self, env=None, wait=True):
        # JSON is YAML.
        self.configuration.write_text(json.dumps(self.sections, indent=1))
        listening = self.state / "listening.json"
        listening.unlink(missing_ok=True)
        self.process = Process([self.binary, "serve", "-c", self.configuration], self.folder / "gantry.log", env)
        if wait:
            def ready():
                if not self.process.alive:
                    raise AssertionError(f"gantry ended with {self.process.popen.returncode}:\n{self.process.tail()}")
                return listening.exists()

            wait_for("gantry to listen", ready)
            self.addresses = json.loads(listening.read_text())
        return self

    def port(self, face):
        """Port of "dimse", "web" or "admin"."""
        return int(self.addresses[face][0].rpartition(":")[2])

    @property
    def web(self):
        return f"http://127.0.0.1:{self.port('web')}/dicom-web"

    @property
    def admin(self):
        return f"http://127.0.0.1:{self.port('admin')}"

    def stop(self, how=signal.SIGTERM):
        status = self.process.end(how)
        self.process = None
        return status

    def command(self, *arguments, check=True):
        return run(self.binary, *arguments, "-c", self.configuration, check=check)

    def queue(self, *arguments):
        """Rows of gantry queue list --json."""
        out = self.command("queue", "list", "--json", *arguments).stdout
        return [json.loads(line) for line in out.splitlines() if line.startswith("{")]

    def metrics(self):
        """Prometheus samples as {"name{labels}": value}."""
        _, _, body = fetch(self.admin + "/metrics")
        rows = (line.rpartition(" ") for line in body.decode().splitlines() if line and not line.startswith("#"))
        return {name: float(value) for name, _, value in rows}


class Orthanc:
    """Orthanc as a cloud PACS (with its DICOMweb plugin) or as a hospital PACS (without)."""

    def __init__(self, folder, dicomweb=True, **settings):
        (program,) = need("Orthanc")
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.http, self.dicom = free_port(), free_port()
        plugins = []
        if dicomweb:
            found = sorted(Path("/usr/share/orthanc/plugins").glob("libOrthancDicomWeb.so*")) or sorted(
                Path("/usr/lib").rglob("libOrthancDicomWeb.so*")
            )
            if not found:
                skip("Orthanc's DICOMweb plugin is not installed")
            plugins = [str(found[0])]
        configuration = {
            "Name": "trial",
            "StorageDirectory": str(self.folder / "storage"),
            "IndexDirectory": str(self.folder / "storage"),
            "HttpPort": self.http,
            "DicomPort": self.dicom,
            "DicomAet": "ORTHANC",
            "AuthenticationEnabled": False,
            "RemoteAccessAllowed": True,
            "DicomCheckCalledAet": False,
            "DicomAlwaysAllowStore": True,
            "Plugins": plugins,
            "DicomWeb": {"Enable": True, "Root": "/dicom-web/"},
            **settings,
        }
        path = self.folder / "orthanc.json"
        path.write_text(json.dumps(configuration))
        self.process = Process([program, path], self.folder / "orthanc.log")
        self.web = f"http://127.0.0.1:{self.http}/dicom-web"
        self.rest = f"http://127.0.0.1:{self.http}"
        wait_for("Orthanc", self.answers)

    def answers(self):
        assert self.process.alive, self.process.tail()
        with contextlib.suppress(OSError):
            return fetch(self.rest + "/system")[0] == 200

    def ask(self, path, **options):
        status, _, body = fetch(self.rest + path, **options)
        assert status == 200, (path, status, body[:300])
        return json.loads(body)

    def instances(self):
        return self.ask("/statistics")["CountInstances"]

    def find(self, sop_instance_uid):
        """Orthanc's identifiers of that instance."""
        return self.ask("/tools/lookup", data=sop_instance_uid.encode(), method="POST")

    def file(self, identifier):
        return fetch(f"{self.rest}/instances/{identifier}/file")[2]

    def forget(self, identifier):
        fetch(f"{self.rest}/instances/{identifier}", method="DELETE")

    def stop(self):
        return self.process.end()


@contextlib.contextmanager
def folder():
    """A folder for one trial, gone afterwards; kept where GANTRY_TRIAL_KEEP is set."""
    path = Path(tempfile.mkdtemp(prefix="gantry-trial-"))
    try:
        yield path
    finally:
        if os.environ.get("GANTRY_TRIAL_KEEP"):
            print(f"kept: {path}", file=sys.stderr)
        else:
            shutil.rmtree(path, ignore_errors=True)


@contextlib.contextmanager
def running(*parts):
    """Ends whatever of these still runs; shows gantry's log where the trial failed."""
    try:
        yield
    except BaseException:
        for part in parts:
            process = getattr(part, "process", part)
            if process is not None and isinstance(process, Process):
                print(f"--- {process.log}\n{process.tail()}", file=sys.stderr)
        raise
    finally:
        for part in parts:
            process = getattr(part, "process", part)
            if isinstance(process, Process) and process.alive:
                process.end(signal.SIGKILL)


def data_set(part10):
    """The data set's bytes of a PS3.10 file (PS3.10 7.1): what follows the file meta group."""
    assert part10[128:132] == b"DICM", part10[:140]
    assert part10[132:136] == b"\x02\x00\x00\x00", part10[132:140]
    return part10[144 + int.from_bytes(part10[140:144], "little"):]


def meta_value(part10, element):
    """A value of the file meta group, e.g. 0x0010 for the transfer syntax (PS3.10 7.1)."""
    position, end = 132, len(part10) - len(data_set(part10))
    while position < end:
        number = int.from_bytes(part10[position + 2:position + 4], "little")
        if part10[position + 4:position + 6] in (b"OB", b"OW", b"UN", b"UT", b"SQ"):
            length, start = int.from_bytes(part10[position + 8:position + 12], "little"), position + 12
        else:
            length, start = int.from_bytes(part10[position + 6:position + 8], "little"), position + 8
        if number == element:
            return part10[start:start + length].rstrip(b"\0 ").decode()
        position = start + length
    return ""
