#!/usr/bin/env python3
"""Two archives behind one modality; one of them refuses, resets, and is away for a while.

The healthy one is never delayed by the other. What is deferred says so with its reason, is tried again, and arrives. A destination
that is held gets nothing until it is released. A conflict or refusal for ever stays visible and can be retried by a person.
"""

import re
import sys
import time

from modality import Association, ct_image, new_uid
from recording_archive import RecordingArchive
from trial import Gantry, folder, running, wait_for


def store(gantry, count):
    """UIDs of so many new instances of one study."""
    study, series, uids = new_uid(), new_uid(), []
    with Association(gantry.port("dimse")) as association:
        for _ in range(count):
            uid = new_uid()
            assert association.store(ct_image(study, series, uid), uid) == 0
            uids.append(uid)
        association.release()
    return uids


def has(archive, uids):
    return lambda: set(uids) <= archive.digests().keys()


def main():
    trouble = []  # what the bad one answers next

    def behave(_):
        return trouble.pop(0) if trouble else None

    good, bad = RecordingArchive(), RecordingArchive(behave)
    with folder() as here:
        backoff = {"min_backoff": "100ms", "max_backoff": "400ms"}
        gantry = Gantry(
            here,
            origins=[{"name": "good", "kind": "dicomweb", "url": good.url, **backoff},
                     {"name": "bad", "kind": "dicomweb", "url": bad.url, **backoff}],
            routes={"dimse": {"store": ["good", "bad"]}},
        )
        with running(gantry):
            gantry.start()

            trouble[:] = [(503, {"Retry-After": "1"}), (503, {"Retry-After": "1"}), "reset", (500, {})]
            begun = time.monotonic()
            uids = store(gantry, 10)
            wait_for("the healthy archive", has(good, uids))
            quick = time.monotonic() - begun
            assert not has(bad, uids)(), "the bad one should not have them yet"
            rows = wait_for("deferred rows", lambda: [r for r in gantry.queue() if r["destination"] == "bad" and r["last_error"]])
            assert re.search("503|closed|reset|cut|500|respon", rows[0]["last_error"], re.I), rows[0]
            wait_for("the bad archive, in the end", has(bad, uids))
            assert time.monotonic() - begun > 1, "Retry-After was not honoured"
            wait_for("an empty queue", lambda: not gantry.queue())
            assert len(good.stored) == 10, "the healthy one got something twice"

            gantry.command("queue", "hold", "bad")
            held = store(gantry, 3)
            wait_for("the healthy archive", has(good, held))
            states = {r["state"] for r in gantry.queue()}
            assert states == {"held"}, states
            gantry.stop()
            gantry.start()  # a hold survives
            assert {r["state"] for r in gantry.queue()} == {"held"}
            assert not set(held) & bad.digests().keys()
            gantry.command("queue", "release", "bad")
            wait_for("what was held", has(bad, held))

            trouble[:] = [(409, {})] * 50
            refused = store(gantry, 1)
            wait_for("the healthy archive", has(good, refused))
            row = wait_for("a row that needs a person", lambda: [
                r for r in gantry.queue() if r["state"] in ("failed", "quarantined") and r["sop_instance_uid"] == refused[0]])[0]
            assert "409" in row["last_error"], row
            trouble.clear()
            gantry.command("queue", "retry", refused[0])
            wait_for("what a person retried", has(bad, refused))
            wait_for("an empty queue", lambda: not gantry.queue())

            bad.close()  # away
            away = store(gantry, 5)
            wait_for("the healthy archive", has(good, away))
            wait_for("a suspended destination", lambda: "does not answer" in gantry.command("status").stdout)
            assert gantry.stop() == 0
        print(f"healthy archive had everything after {quick * 1000:.0f} ms while the other refused")
    good.close()


if __name__ == "__main__":
    sys.exit(main())
