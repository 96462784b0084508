#!/usr/bin/env python3
"""SIGTERM under load: gantry takes no more, ends what is under way, exits 0, and what it acknowledged arrives after the next start."""

import sys
import time

from kill_trial import Modality
from recording_archive import RecordingArchive
from trial import Gantry, folder, running, wait_for


def main():
    archive = RecordingArchive(delay=0.02)
    with folder() as here:
        gantry = Gantry(
            here,
            origins=[{"name": "archive", "kind": "dicomweb", "url": archive.url, "min_backoff": "50ms", "max_backoff": "200ms"}],
            routes={"dimse": {"store": ["archive"]}},
            drain_timeout="2s",
        )
        port = [None]
        modalities = [Modality(lambda: port[0], n) for n in range(4)]
        with running(gantry):
            gantry.start()
            port[0] = gantry.port("dimse")
            for modality in modalities:
                modality.start()
            wait_for("some load", lambda: sum(len(m.acknowledged) for m in modalities) > 100)
            begun = time.monotonic()
            status = gantry.stop()
            took = time.monotonic() - begun
            port[0] = None
            assert status == 0, status
            assert took < 15, f"stopping took {took:.1f} s"
            for modality in modalities:
                modality.ended.set()
            for modality in modalities:
                modality.join(30)
                assert modality.fault is None, modality.fault
            acknowledged = {uid: digest for m in modalities for uid, digest in m.acknowledged.items()}
            before = len(archive.stored)
            gantry.start()
            wait_for("everything acknowledged to arrive", lambda: acknowledged.keys() <= archive.digests().keys())
            wait_for("an empty queue", lambda: not gantry.queue())
            assert gantry.stop() == 0
        arrived = archive.digests()
        assert all(arrived[uid] == digest for uid, digest in acknowledged.items())
        twice = len(archive.stored) - len(arrived)
        assert twice == 0, f"{twice} went out twice although nothing was killed"
        print(f"stopped in {took:.1f} s; {len(acknowledged)} acknowledged, {before} delivered before the stop, all after the next start")
    archive.close()


if __name__ == "__main__":
    sys.exit(main())
