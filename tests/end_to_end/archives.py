"""Hospital archives as the trials stand them before gantry: they speak DIMSE and nothing else."""

from pathlib import Path

from trial import Orthanc, fetch
from workstation import Dcmqrscp as Scp


class HospitalPacs:
    """Orthanc without its DICOMweb plugin. Its own web port is the trial's back door, never gantry's."""

    title, compressed = "OLDPACS", True

    def __init__(self, here, **settings):
        self.orthanc = Orthanc(Path(here), dicomweb=False, DicomAet=self.title, DicomAlwaysAllowGet=True,
                               DicomAlwaysAllowFind=True, DicomAlwaysAllowMove=True, **settings)
        self.process = self.orthanc.process

    @property
    def port(self):
        return self.orthanc.dicom

    @property
    def peer(self):
        return {"ae_title": self.title, "host": "127.0.0.1", "port": self.port}

    def knows_gantry(self, port, title="GANTRY"):
        """As the destination of a C-MOVE."""
        body = f'["{title}", "127.0.0.1", {port}]'.encode()
        status, _, answer = fetch(f"{self.orthanc.rest}/modalities/gantry", data=body, method="PUT")
        assert status == 200, answer

    def store(self, files):
        for content in files:
            status, _, answer = fetch(self.orthanc.rest + "/instances", data=content, method="POST")
            assert status == 200, answer


class Dcmqrscp:
    """DCMTK's archive. Whom it moves to stands in its configuration, so that it starts anew when it learns of gantry. It prefers one
    transfer syntax for everything and converts nothing, so that it gives what is not compressed, and nothing else."""

    title, compressed = "QRSCP", False

    def __init__(self, here):
        self.here, self.files = Path(here), 0
        self.scp = Scp(self.here, title=self.title)
        self.scp.start()
        self.process = self.scp.process

    @property
    def port(self):
        return self.scp.port

    @property
    def peer(self):
        return {"ae_title": self.title, "host": "127.0.0.1", "port": self.port}

    def knows_gantry(self, port, title="GANTRY"):
        self.process.end()
        text = self.scp.configuration.read_text()
        entry = f"gantry = ({title}, localhost, {port})\n"
        self.scp.configuration.write_text(text.replace("HostTable BEGIN\n", "HostTable BEGIN\n" + entry))
        self.scp.start()
        self.process = self.scp.process

    def store(self, files):
        paths = []
        for content in files:
            self.files += 1
            paths.append(self.scp.folder / f"{self.files}.dcm")
            paths[-1].write_bytes(content)
        self.scp.add(*paths)
