"""A headless Chromium, driven by WebDriver (W3C) through its own driver, and a web server for a viewer's files. Standard library only."""

import base64
import functools
import http.server
import json
import threading
import urllib.request
from pathlib import Path

from trial import PATIENCE, Process, free_port, need, run, wait_for

# Software rendering: a bare machine has no graphics.
ARGUMENTS = [
    "--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--window-size=1600,1000", "--hide-scrollbars",
    "--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--no-first-run", "--disable-extensions",
    "--disable-background-networking", "--disable-component-update", "--mute-audio",
]


class Session(Process):
    """A program and all that it starts, however it ends: a driver that is killed leaves its browser behind."""

    def __init__(self, command, log):
        super().__init__(["setsid", *command], log)

    def end(self, *arguments):
        try:
            return super().end(*arguments)
        finally:
            run("pkill", "-KILL", "-s", self.popen.pid, check=False)


class Browser:
    def __init__(self, folder):
        chromium, driver = need("chromium", "chromedriver")
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        port = free_port()
        self.process = Session([driver, f"--port={port}"], folder / "chromedriver.log")
        self.base = f"http://127.0.0.1:{port}"
        wait_for("the browser's driver", self._ready)
        capabilities = {
            "browserName": "chrome",
            "goog:chromeOptions": {"binary": chromium, "args": [*ARGUMENTS, f"--user-data-dir={folder / 'profile'}"]},
            "goog:loggingPrefs": {"browser": "ALL"},
        }
        opened = self._call("POST", "/session", {"capabilities": {"alwaysMatch": capabilities}})
        self.base += "/session/" + opened["sessionId"]
        self._call("POST", "/timeouts", {"script": 60_000, "pageLoad": 120_000})

    def _call(self, method, path, body=None):
        data = json.dumps(body or {}).encode() if method == "POST" else None
        request = urllib.request.Request(self.base + path, data=data, method=method)
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE * 3) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as answer:
            value = json.load(answer)["value"]
            raise AssertionError(f"{method} {path}: {value['error']}: {value['message'][:500]}") from None

    def _ready(self):
        assert self.process.alive, self.process.tail()
        try:
            return self._call("GET", "/status")["ready"]
        except OSError:
            return False

    def open(self, url):
        self._call("POST", "/url", {"url": url})

    def run(self, script, *arguments):
        """The value of a function body in the page."""
        return self._call("POST", "/execute/sync", {"script": script, "args": list(arguments)})

    def wait(self, what, script, *arguments, patience=PATIENCE):
        """The first true value of a function body in the page."""
        return wait_for(what, lambda: self.run(script, *arguments), patience, 0.2)

    def text(self):
        return self.run("return document.body.innerText")

    def click(self, x, y, count=1):
        moves = [{"type": "pointerMove", "duration": 0, "x": int(x), "y": int(y)}]
        for _ in range(count):
            moves += [{"type": "pointerDown", "button": 0}, {"type": "pointerUp", "button": 0}]
        self._act({"type": "pointer", "id": "mouse", "actions": moves})

    def scroll(self, x, y, lines):
        self._act({"type": "wheel", "id": "wheel", "actions": [
            {"type": "scroll", "x": int(x), "y": int(y), "deltaX": 0, "deltaY": int(lines), "duration": 0}]})

    def press(self, text):
        keys = []
        for key in text:
            keys += [{"type": "keyDown", "value": key}, {"type": "keyUp", "value": key}]
        self._act({"type": "key", "id": "keys", "actions": keys})

    def _act(self, source):
        self._call("POST", "/actions", {"actions": [source]})

    def screenshot(self, path):
        Path(path).write_bytes(base64.b64decode(self._call("GET", "/screenshot")))

    def complaints(self):
        """What the page has written to its console as errors since the last call."""
        return [entry["message"] for entry in self._call("POST", "/se/log", {"type": "browser"}) if entry["level"] == "SEVERE"]

    def end(self):
        try:
            self._call("DELETE", "")
        finally:
            self.process.end()


class _Files(http.server.SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    extensions_map = {**http.server.SimpleHTTPRequestHandler.extensions_map, ".wasm": "application/wasm", ".js": "text/javascript"}

    def __init__(self, *arguments, replaced, **options):
        self.replaced = replaced
        super().__init__(*arguments, **options)

    def do_GET(self):
        path = self.path.partition("?")[0]
        if path in self.replaced:
            content = self.replaced[path]
            self.send_response(200)
            self.send_header("Content-Type", "text/javascript" if path.endswith(".js") else "text/html")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)
            return
        # A page of the viewer that is no file is made by the viewer itself.
        if not Path(self.translate_path(path)).is_file():
            self.path = "/index.html"
        super().do_GET()

    def log_message(self, *arguments):
        pass


class FileServer:
    """Serves a folder, with some paths replaced by texts."""

    def __init__(self, folder, replaced, port=0):
        handler = functools.partial(_Files, directory=str(folder), replaced={k: v.encode() for k, v in replaced.items()})
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", port), handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def end(self):
        self.server.shutdown()
        self.server.server_close()
