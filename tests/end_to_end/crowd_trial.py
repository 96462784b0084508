#!/usr/bin/env python3
"""600 connections that say nothing, some that say half a word and some that say rubbish, while a modality stores: it notices nothing."""

import os
import socket
import sys
import time

from modality import CT, EXPLICIT, Association, Refused, associate_rq, ct_image, new_uid
from recording_archive import RecordingArchive
from trial import Gantry, folder, running, wait_for


def rate(gantry, count=200):
    """Instances a second, and that each is answered with Success."""
    study, series = new_uid(), new_uid()
    begun = time.monotonic()
    with Association(gantry.port("dimse")) as association:
        for _ in range(count):
            uid = new_uid()
            assert association.store(ct_image(study, series, uid), uid) == 0
        association.release()
    return count / (time.monotonic() - begun)


def main():
    archive = RecordingArchive()
    with folder() as here:
        gantry = Gantry(
            here,
            origins=[{"name": "archive", "kind": "dicomweb", "url": archive.url}],
            routes={"dimse": {"store": ["archive"]}},
            dimse={"unknown_peers": "refuse", "max_associations": 6, "max_associations_per_peer": 4},
            peers=[{"ae_title": "TRIAL", "may": ["echo", "store"]}, {"ae_title": "OTHER", "may": ["echo"]}],
        )
        with running(gantry):
            gantry.start()
            alone = rate(gantry)
            where = ("127.0.0.1", gantry.port("dimse"))
            crowd = [socket.create_connection(where) for _ in range(600)]
            word = associate_rq("TRIAL", "GANTRY", {1: (CT, [EXPLICIT])})
            for number, connection in enumerate(crowd[:90]):
                said = (word[:40], os.urandom(200), b"GET / HTTP/1.1\r\n\r\n", b"\1\0\xff\xff\xff\xff")[number % 4]
                try:
                    connection.sendall(said)
                except OSError:
                    pass  # it has been shown the door
            among = rate(gantry)
            assert among > alone / 4, f"{among:.0f}/s among the crowd, {alone:.0f}/s alone"

            def refusal(**who):
                try:
                    Association(where[1], **who).socket.close()
                except Refused as answer:
                    return answer.args
                return None

            assert refusal(called="SOMEBODY") == (1, 1, 7)
            assert refusal(calling="STRANGER") == (1, 1, 3)
            held = [Association(where[1]) for _ in range(4)]
            assert refusal() == (2, 3, 2), "the fifth association of one peer"
            others = [Association(where[1], calling="OTHER") for _ in range(2)]
            assert refusal(calling="OTHER") == (2, 3, 2), "the seventh association in all"
            for association in held + others:
                association.release()
            assert wait_for("room again", lambda: refusal() is None)
            for connection in crowd:
                connection.close()
            metrics = gantry.metrics()
            assert any(name.startswith("gantry_") and "reject" in name and value for name, value in metrics.items()), metrics
            wait_for("an empty queue", lambda: not gantry.queue())
            assert len(archive.digests()) == 400
            assert gantry.stop() == 0
        print(f"{alone:.0f}/s alone, {among:.0f}/s beside 600 connections that wait")
    archive.close()


if __name__ == "__main__":
    sys.exit(main())
