"""A DICOMweb archive that remembers every part that it was sent and what it answered, and misbehaves when told to."""

import contextlib
import hashlib
import http.server
import json
import re
import socket
import threading
import time

from trial import data_set, meta_value


class Stored:
    """One instance in one request."""

    def __init__(self, uid, digest, answered):
        self.uid, self.digest, self.answered, self.at = uid, digest, answered, time.monotonic()


class RecordingArchive:
    """Listens on a port of its own. `behave(number)` may return (status, headers) for the number-th store to refuse it with, the
    string "reset" to cut the connection before an answer, or None to store."""

    def __init__(self, behave=None, delay=0.0):
        self.behave, self.delay = behave or (lambda number: None), delay
        self.stored, self.requests, self.lock, self.connections = [], 0, threading.Lock(), []
        archive = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def setup(self):
                super().setup()
                archive.connections.append(self.connection)

            def log_message(self, *_):
                pass

            def answer(self, status, body=b"", headers=None):
                self.send_response(status)
                for name, value in (headers or {}).items():
                    self.send_header(name, value)
                self.send_header("Content-Type", "application/dicom+json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def handle(self):
                with contextlib.suppress(OSError):
                    super().handle()

            def do_OPTIONS(self):
                self.answer(200)

            def do_GET(self):
                wanted = re.search(r"(?:SOPInstanceUID=|00080018=|instances/)([0-9.]+)", self.path)
                with archive.lock:
                    there = wanted and any(s.uid == wanted[1] and s.answered for s in archive.stored)
                rows = [{"00080018": {"vr": "UI", "Value": [wanted[1]]}}] if there else []
                self.answer(200, json.dumps(rows).encode())

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if len(body) < int(self.headers["Content-Length"]):
                    self.close_connection = True
                    return
                with archive.lock:
                    archive.requests += 1
                    verdict = archive.behave(archive.requests)
                if verdict == "reset":
                    self.close_connection = True
                    return
                if verdict is not None:
                    self.answer(verdict[0], headers=verdict[1])
                    return
                if archive.delay:
                    time.sleep(archive.delay)
                self.answer(200, archive.keep(self.headers["Content-Type"], body))

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True)
        self.thread.start()
        self.url = f"http://127.0.0.1:{self.server.server_port}/dicom-web"

    def keep(self, content_type, body):
        boundary = b"--" + re.search(r'boundary="?([^";]+)', content_type)[1].encode()
        referenced = []
        for part in body.split(boundary)[1:-1]:
            content = part.partition(b"\r\n\r\n")[2][:-2]
            uid = meta_value(content, 0x0003)
            digest = hashlib.sha256(data_set(content)).hexdigest()
            with self.lock:
                self.stored.append(Stored(uid, digest, True))
            referenced.append({
                "00081150": {"vr": "UI", "Value": [meta_value(content, 0x0002)]},
                "00081155": {"vr": "UI", "Value": [uid]},
            })
        return json.dumps({"00081199": {"vr": "SQ", "Value": referenced}}).encode()

    def digests(self):
        """{uid: digest of what came last}."""
        with self.lock:
            return {s.uid: s.digest for s in self.stored}

    def close(self):
        """Gone, with what was kept alive."""
        self.server.shutdown()
        self.server.server_close()
        for connection in self.connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
