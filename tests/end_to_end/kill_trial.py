#!/usr/bin/env python3
"""kill -9, at any moment, 200 times, while four modalities store and deliveries run.

Nothing acknowledged is lost or altered, and nothing that the archive confirmed goes out again, except what was confirmed within
the moment before a kill (its answer may have been on its way).
"""

import hashlib
import os
import random
import signal
import sys
import threading
import time

from modality import Association, ct_image, new_uid
from recording_archive import RecordingArchive
from trial import Gantry, folder, running, wait_for

KILLS = int(os.environ.get("GANTRY_TRIAL_KILLS", "200"))
# Seconds around an answer of the archive in which a kill keeps gantry from recording it.
MOMENT = float(os.environ.get("GANTRY_TRIAL_MOMENT", "0.5"))


class Modality(threading.Thread):
    """Stores small instances for ever, on association after association; remembers what was acknowledged."""

    def __init__(self, where, seed):
        super().__init__(daemon=True)
        self.where, self.random = where, random.Random(seed)
        self.acknowledged, self.ended, self.fault = {}, threading.Event(), None

    def run(self):
        study, series = new_uid(), new_uid()
        while not self.ended.is_set():
            port = self.where()
            if port is None:
                time.sleep(0.005)
                continue
            try:
                with Association(port, timeout=10) as association:
                    for _ in range(50):
                        self.store_one(association, study, series)
                    association.release()
            except (OSError, ConnectionError):
                continue  # it was killed: a modality tries again
            except Exception as fault:  # noqa: BLE001: shown by the trial
                self.fault = fault
                return

    def store_one(self, association, study, series):
        uid = new_uid()
        content = ct_image(study, series, uid, self.random.randbytes(2 * self.random.randrange(64, 30000)))
        status = association.store(content, uid)
        if status != 0:
            raise AssertionError(f"status {status:04x}")
        self.acknowledged[uid] = hashlib.sha256(content).hexdigest()
        if self.ended.is_set():
            raise ConnectionError


def main():
    seed = int.from_bytes(os.urandom(4), "big")
    print(f"seed {seed}")
    chance = random.Random(seed)
    archive = RecordingArchive()
    with folder() as here:
        gantry = Gantry(
            here,
            origins=[{"name": "archive", "kind": "dicomweb", "url": archive.url,
                      "min_backoff": "50ms", "max_backoff": "200ms"}],
            routes={"dimse": {"store": ["archive"]}},
        )
        port, kills = [None], []
        modalities = [Modality(lambda: port[0], seed + n) for n in range(4)]
        for modality in modalities:
            modality.start()
        with running(gantry):
            for _ in range(KILLS):
                gantry.start()
                port[0] = gantry.port("dimse")
                time.sleep(chance.expovariate(1 / 0.15))
                port[0] = None
                gantry.process.popen.send_signal(signal.SIGKILL)
                kills.append(time.monotonic())
                gantry.stop()
            for modality in modalities:
                modality.ended.set()
            for modality in modalities:
                modality.join(30)
                assert not modality.is_alive() and modality.fault is None, modality.fault
            gantry.start()
            acknowledged = {uid: digest for m in modalities for uid, digest in m.acknowledged.items()}
            wait_for("everything acknowledged to arrive", lambda: acknowledged.keys() <= archive.digests().keys())
            wait_for("an empty queue", lambda: not gantry.queue())
            assert gantry.stop() == 0
        judge(acknowledged, archive, kills)
    archive.close()


def judge(acknowledged, archive, kills):
    altered = [s.uid for s in archive.stored if acknowledged.get(s.uid, s.digest) != s.digest]
    assert not altered, f"altered: {altered[:5]}"
    first, again = {}, 0
    for stored in archive.stored:
        before = first.setdefault(stored.uid, stored)
        if before is stored:
            continue
        again += 1
        # Killed a moment before the archive had read it all, or a moment after it answered: in between lies the resend.
        excused = any(abs(kill - before.at) <= MOMENT and kill <= stored.at for kill in kills)
        assert excused, f"{stored.uid} went out again {stored.at - before.at:.3f} s after it was confirmed"
        first[stored.uid] = stored
    print(f"{len(kills)} kills, {len(acknowledged)} instances acknowledged, all arrived unaltered, {again} sent again")
    assert len(acknowledged) >= KILLS, "too little was stored to prove anything"


if __name__ == "__main__":
    sys.exit(main())
