#!/usr/bin/env python3
"""A disk that is full, a disk that errs, a database that cannot be written, on the running binary: each store is refused with A700
and costs nothing else, readiness says why, and when the disk is well again everything acknowledged arrives.
"""

import os
import sys
from pathlib import Path

from modality import Association, ct_image, new_uid
from recording_archive import RecordingArchive
from trial import Gantry, fetch, folder, running, skip, wait_for

OUT_OF_RESOURCES = 0xA700


def main():
    shim = Path(os.environ.get("GANTRY_FAULT_SHIM", ""))
    if not shim.is_file():
        skip("no fault shim in this build")
    archive, acknowledged = RecordingArchive(), []
    with folder() as here:
        rules = here / "rules"
        rules.write_text("")
        gantry = Gantry(
            here,
            origins=[{"name": "archive", "kind": "dicomweb", "url": archive.url, "min_backoff": "50ms", "max_backoff": "200ms"}],
            routes={"dimse": {"store": ["archive"]}},
        )
        study, series = new_uid(), new_uid()

        def store(association):
            uid = new_uid()
            status = association.store(ct_image(study, series, uid), uid)
            if status == 0:
                acknowledged.append(uid)
            return status

        def faults(text):
            # The shim looks at the file's time: each version must differ.
            rules.write_text(text)
            os.utime(rules, ns=(0, faults.version))
            faults.version += 1_000_000_000

        faults.version = 1_000_000_000
        with running(gantry):
            gantry.start(env={"LD_PRELOAD": str(shim), "GANTRY_FAULTS": str(rules)})
            with Association(gantry.port("dimse")) as association:
                assert store(association) == 0
                for name, text in {
                    "a full spool": "path spool\nfail write 1 ENOSPC\n",
                    "a spool that errs": "path spool\nfail write 1 EIO\n",
                    "a flush that fails": "path spool\nfail sync 1 EIO\n",
                }.items():
                    faults(text)
                    assert store(association) == OUT_OF_RESOURCES, name
                    assert store(association) == OUT_OF_RESOURCES, name
                    faults("")
                    wait_for(f"stores after {name}", lambda: store(association) == 0)
                assert association.echo() == 0

                faults("path queue.db\nfail any 1 EIO\n")
                wait_for("the database's fault to be felt", lambda: store(association) == OUT_OF_RESOURCES)
                wait_for("readiness to say so", lambda: fetch(gantry.admin + "/readyz")[0] == 503)
                faults("")
                wait_for("stores after the database's fault", lambda: store(association) == 0)
                wait_for("readiness", lambda: fetch(gantry.admin + "/readyz")[0] == 200)
                association.release()
            wait_for("everything acknowledged to arrive", lambda: set(acknowledged) <= archive.digests().keys())
            wait_for("an empty queue", lambda: not gantry.queue())
            assert gantry.stop() == 0
        twice = len(archive.stored) - len(archive.digests())
        assert twice == 0, f"{twice} went out twice"
    print(f"{len(acknowledged)} acknowledged between the faults, all arrived once")
    archive.close()


if __name__ == "__main__":
    sys.exit(main())
