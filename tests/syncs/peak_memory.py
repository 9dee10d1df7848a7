"""Remembers and looks up so many rows in a process of its own: ``python -m tests.syncs.peak_memory 1000000``.

Prints the most memory that it ever had, in KiB.
"""

import os
import sys
import tempfile
from contextlib import closing
from pathlib import Path

from airflow_provider_rokt.flow.mark import mark
from airflow_provider_rokt.storage.local_folder import LocalFolder
from airflow_provider_rokt.syncs.memory import fold, folds, open_memory, remembered_of
from airflow_provider_rokt.syncs.trails import TrailName, TrailWriter
from tests.databases.peak_memory import peak
from tests.syncs.rows import RUN, SENDER, listed, marks


def main() -> None:
    rows, each = int(sys.argv[1]), 50_000
    with tempfile.TemporaryDirectory() as path:
        folder = LocalFolder(Path(path))
        for number in range(3):
            writer = TrailWriter(folder, TrailName(number + 1, 20_000, RUN, -1, 0), "delivery", SENDER, b"salt")
            for start in range(number * rows // 3, (number + 1) * rows // 3, each):
                writer.write(marks(range(start, start + each)))
            writer.close()
        remembered_of(listed(folder)).close()
        assert fold(folder, [], listed(folder), "run", 0)
        with closing(open_memory(folder, folds(folder.names()), [], 0)) as memory:
            assert all(memory.find(mark(f"order-{row}", 1)) for row in range(0, rows, 7))
    print(peak(), flush=True)
    os._exit(0)


if __name__ == "__main__":
    main()
