"""A Rollcall under measurement, with a database of its own, until it is closed."""

import os
import re
import signal
import subprocess
import time
from pathlib import Path

KEY = "the-key-of-an-admin-for-measuring-only"


class Service:
    def __init__(self, binary, folder, settings=None):
        """`folder`: where its database and its log go. `settings`: what is set besides a key and free ports."""
        self.binary, self.folder = binary, folder
        self.environment = {name: value for name, value in os.environ.items() if not name.startswith("ROLLCALL_")} | {
            "ROLLCALL_HTTP_PORT": "0", "ROLLCALL_METRICS_PORT": "0", "ROLLCALL_BOOTSTRAP_ADMIN_KEY": KEY,
            "ROLLCALL_LOG_LEVEL": "info", "ROLLCALL_ENGINES": "main", "ROLLCALL_ENGINE_MAIN_KIND": "wawp",
            "ROLLCALL_ENGINE_MAIN_URL": "http://127.0.0.1:9", "ROLLCALL_ENGINE_MAIN_TOKEN": "a-token-that-nobody-asks-for",
        } | (settings or {})
        self.log = open(folder / "serve.log", "w+")
        self.process = subprocess.Popen(
            [binary, "serve", "--embedded", str(folder / "database")],
            env=self.environment, stdout=self.log, stderr=subprocess.STDOUT,
        )
        try:
            self.port = self.wait_for_port(folder / "serve.log")
        except BaseException:
            self.close()
            raise

    def wait_for_port(self, path):
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and self.process.poll() is None:
            found = re.search(r'"message":"listening".*"address":"http://127\.0\.0\.1:(\d+)"', path.read_text())
            if found:
                return int(found.group(1))
            time.sleep(0.1)
        raise SystemExit("the service did not start:\n" + path.read_text()[-2000:])

    def cpu(self):
        """Microseconds of CPU that the service and its PostgreSQL have used."""
        parents, used = {}, {}
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                fields = (folder / "stat").read_text().rsplit(")", 1)[1].split()
            except OSError:
                continue  # It ended meanwhile.
            parents[int(folder.name)] = int(fields[1])
            used[int(folder.name)] = (int(fields[11]) + int(fields[12])) * 1e6 / os.sysconf("SC_CLK_TCK")

        postmaster = int(next(self.folder.glob("database/**/postmaster.pid")).read_text().split()[0])
        return used[self.process.pid], sum(
            time for process, time in used.items() if postmaster in (process, parents[process])
        )

    def close(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(60)
