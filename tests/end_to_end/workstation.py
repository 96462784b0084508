"""DCMTK's tools as a workstation: what findscu, movescu and getscu ask and what came of it, and storescp as a destination."""

import re
import shutil
import signal
import subprocess
from pathlib import Path

from dicom import LEVEL, part10, read_file, write
from trial import Process, data_set, free_port, meta_value, need, run, wait_for

MODELS = {"patient": "-P", "study": "-S", "psonly": "-O"}
SUCCESS, CANCELLED, UNKNOWN_DESTINATION = 0x0000, 0xFE00, 0xA801


class Peer:
    """Whom the workstation talks to."""

    def __init__(self, name, port, called):
        self.name, self.port, self.called = name, port, called


def question(here, level, keys):
    """A file that holds an Identifier."""
    path = here / "question.dcm"
    path.write_bytes(part10(write({LEVEL: level, **keys}), "1.2.840.10008.5.1.4.1.2.2.1", "2.25.2"))
    return path


def statuses(log):
    """Of all responses, the final one last; and the last Error Comment."""
    found = [int(s, 16) for s in re.findall(r"^D: DIMSE Status\s*: 0x([0-9a-f]{4})", log, re.M)]
    comment = re.findall(r"\(0000,0902\) LO \[(.*?)\s*\]", log)
    return found, comment[-1] if comment else ""


class Found:
    """What a C-FIND brought: the final status, those of the matches, and the matches as data sets."""

    def __init__(self, log, folder):
        self.log = log
        self.pending, self.comment = statuses(log)
        self.status = self.pending.pop() if self.pending else None
        self.matches = [read_file(p) for p in sorted(folder.glob("rsp*.dcm"))]


def find(peer, here, level, keys, model="study", calling="WORKSTATION", syntax="-xe", cancel=None):
    """keys: {tag: value} as dicom.encode() takes them."""
    target = Path(here) / "found"
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir()
    options = ["--cancel", cancel] if cancel else []
    done = run("findscu", "-d", syntax, MODELS[model], "-aet", calling, "-aec", peer.called, "-X", "-od", target, *options,
               "127.0.0.1", peer.port, question(here, level, keys), check=False)
    return Found(done.stdout, target)


class Retrieved:
    """What a C-MOVE or C-GET did: the final status and counters, and those of every Pending."""

    COUNTERS = ("Remaining", "Completed", "Failed", "Warning")

    def __init__(self, log, service):
        self.log = log
        blocks = re.findall(rf"^D: Message Type\s*: {service} RSP\n(.*?)^D: =+ END", log, re.M | re.S)
        self.responses = [self.response(b) for b in blocks]
        final = self.responses[-1] if self.responses else {}
        self.status = final.get("status")
        self.completed, self.failed, self.warning = (final.get(c.lower(), 0) for c in self.COUNTERS[1:])
        self.pending = [r for r in self.responses if r["status"] == 0xFF00]
        _, self.comment = statuses(log)

    def response(self, block):
        out = {"status": int(re.search(r"DIMSE Status\s*: 0x([0-9a-f]{4})", block)[1], 16)}
        for counter in self.COUNTERS:
            found = re.search(rf"{counter} Suboperations\s*: (\S+)", block)
            if found and found[1].isdigit():
                out[counter.lower()] = int(found[1])
        return out

    def counts(self):
        return self.status, self.completed, self.failed, self.warning

    def check_pending(self, total):
        """Every Pending adds up to the total, and nothing is taken back (PS3.4 C.4.2.1.6)."""
        before = total
        for response in self.pending:
            assert sum(response[c.lower()] for c in self.COUNTERS) == total, response
            assert response["remaining"] <= before, (response, before)
            before = response["remaining"]


def move(peer, here, level, keys, destination, model="study", calling="WORKSTATION", cancel=None):
    options = ["--cancel", cancel] if cancel else []
    done = run("movescu", "-d", "-xe", MODELS[model], "-aet", calling, "-aec", peer.called, "-aem", destination, *options,
               "127.0.0.1", peer.port, question(here, level, keys), check=False)
    return Retrieved(done.stdout, "C-MOVE")


def get(peer, here, level, keys, target, model="study", calling="WORKSTATION", prefer="+xe", keep=True):
    """Into the folder `target`, byte for byte."""
    target.mkdir(exist_ok=True)
    options = ["+B"] if keep else ["--ignore"]
    done = run("getscu", "-d", "-xe", prefer, *options, MODELS[model], "-aet", calling, "-aec", peer.called, "-od", target,
               "127.0.0.1", peer.port, question(here, level, keys), check=False)
    return Retrieved(done.stdout, "C-GET")


def instances(folder):
    """{SOP Instance UID: PS3.10 file} of what was received."""
    files = [p.read_bytes() for p in Path(folder).iterdir()]
    return {meta_value(f, 0x0003): f for f in files}


def contents(folder):
    """{SOP Instance UID: (transfer syntax, data set)} of what was received."""
    return {uid: (meta_value(f, 0x0010), data_set(f)) for uid, f in instances(folder).items()}


class Destination:
    """A storescp that keeps what it receives byte for byte. `accept`: an option of its own, "+xa" for all syntaxes."""

    def __init__(self, here, title="DEST", accept="+xa", port=None, options=()):
        (program,) = need("storescp")
        self.title, self.port, self.folder = title, port or free_port(), Path(here) / f"received-{title}"
        self.folder.mkdir(parents=True, exist_ok=True)
        chosen = [accept] if accept else []
        command = [program, "-v", "--fork", "-aet", title, *chosen, "+B", "-pdu", "131072", "-od", self.folder, *options, self.port]
        self.process = Process(command, Path(here) / f"storescp-{title}.log")
        wait_for("storescp", lambda: run("echoscu", "-q", "127.0.0.1", self.port, check=False).returncode == 0)

    def clear(self):
        for old in self.folder.iterdir():
            old.unlink()

    def contents(self):
        return contents(self.folder)

    def kill(self):
        """Dies at once, with the children that hold its associations."""
        children = Path(f"/proc/{self.process.popen.pid}/task/{self.process.popen.pid}/children").read_text().split()
        self.process.end(signal.SIGKILL)
        for child in children:
            subprocess.run(["kill", "-9", child], check=False)


class Dcmqrscp:
    """DCMTK's query/retrieve SCP over a folder of its own, filled with dcmqridx."""

    def __init__(self, here, peers=(), title="QRSCP"):
        program, self.index = need("dcmqrscp", "dcmqridx")
        here = Path(here)
        self.title, self.port, self.folder = title, free_port(), here / "database"
        self.folder.mkdir(parents=True)
        hosts = "\n".join(f"{t} = ({t}, localhost, {p})" for t, p in peers)
        self.configuration = here / "dcmqrscp.cfg"
        self.configuration.write_text(f"""NetworkTCPPort = {self.port}
MaxPDUSize = 131072
MaxAssociations = 16
HostTable BEGIN
{hosts}
HostTable END
VendorTable BEGIN
VendorTable END
AETable BEGIN
{title} {self.folder} RW (2000, 20gb) ANY
AETable END
""")
        self.command, self.log = [program, "-q", "-c", self.configuration, "-pdu", "131072"], here / "dcmqrscp.log"
        self.process = None

    def add(self, *files):
        for start in range(0, len(files), 200):
            run(self.index, "-q", self.folder, *files[start:start + 200])

    def start(self):
        self.process = Process(self.command, self.log)
        wait_for("dcmqrscp", lambda: run("echoscu", "-q", "-aec", self.title, "127.0.0.1", self.port, check=False).returncode == 0)
        return Peer("dcmqrscp", self.port, self.title)
