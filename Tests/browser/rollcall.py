"""The real programs, started for the length of a module: PostgreSQL inside `serve --embedded`, the engine simulator, Rollcall."""

import contextlib
import json
import os
import pathlib
import random
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
BINARY = pathlib.Path(os.environ.get("ROLLCALL_BINARY", ROOT / ".build" / "debug" / "rollcall"))
OUTPUT = ROOT / "test-output" / "browser"
TOKEN = "tok_valid_0001"
SOURCE_SECRET = "secret-of-the-browser-tests"


def free_port():
    """Below the ports that the kernel gives to whoever connects: a server that restarts finds its own still free."""
    for port in random.sample(range(20_000, 32_000), 100):
        with socket.socket() as listener:
            try:
                listener.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue
    raise AssertionError("no free port")


def wait_until(is_so, seconds=30, what="it"):
    """Waits until a function returns something true, and returns that."""
    deadline = time.monotonic() + seconds
    while True:
        answer = is_so()
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise AssertionError(f"{what} did not come to pass within {seconds} s")
        time.sleep(0.05)  # between two questions; nothing relies on how long it is


def children(process):
    """The numbers of the processes that a process made and that are there now."""
    found = []
    for place in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = place.read_text().rsplit(")", 1)[1].split()[1]
        except OSError:
            continue  # it just ended
        if int(parent) == process:
            found.append(int(place.parent.name))
    return found


class Rollcall:
    """One installation on free ports of loopback, in a folder of its own."""

    def __init__(self, name, settings=None, original=None):
        """`original`: the folder of a stopped database, of which this one is a copy; without it `serve` makes one."""
        self.settings = settings or {}
        self.original = original
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="rollcall-browser-"))
        self.folder.chmod(0o755)  # PostgreSQL's user passes through it to its own part
        self.database = self.folder / "database"
        OUTPUT.mkdir(parents=True, exist_ok=True)
        self.log = open(OUTPUT / f"{name}.log", "wb")
        self.port = free_port()
        self.simulator_port = free_port()
        self.admin_key = secrets.token_hex(32)
        self.simulator = None
        self.server = None

    @property
    def address(self):
        return f"http://127.0.0.1:{self.port}"

    def start(self):
        if self.original:
            subprocess.run(["cp", "-a", self.original, self.database], check=True)
        self.simulator = self._run("simulate-engine", "--port", str(self.simulator_port), "--boot", "300-600")
        self.start_server()

    def start_server(self):
        self.server = self._run("serve", "--embedded", str(self.database))
        wait_until(self._is_ready, 60, "the start of Rollcall")

    def make_database(self):
        """Lets `serve` make a database, ends it as soon as that has its schema, and stops the database."""
        self.settings["ROLLCALL_CRASH_AT"] = "boot-migrated"
        self.server = self._run("serve", "--embedded", str(self.database))
        assert self.server.wait(120) == -signal.SIGKILL, f"Rollcall ended otherwise, see {self.log.name}"
        place = self.database / "data" / "postmaster.pid"
        os.kill(int(place.read_text().split()[0]), signal.SIGINT)  # all is written before that file goes
        wait_until(lambda: not place.exists(), 60, "the stop of the database")

    def stop_server(self):
        self._end(self.server)
        self.server = None

    def kill_server(self):
        """Ends it as a machine that loses its power does."""
        self.server.kill()
        self.server.wait()
        self.server = None

    def freeze(self):
        os.kill(self.server.pid, signal.SIGSTOP)

    def thaw(self):
        os.kill(self.server.pid, signal.SIGCONT)

    def freeze_database(self):
        """Has the database hang: what it began, and whatever is begun from now on."""
        self._signal_database(signal.SIGSTOP)

    def thaw_database(self):
        self._signal_database(signal.SIGCONT)

    def _signal_database(self, number):
        place = self.database / "data" / "postmaster.pid"
        server = int(place.read_text().split()[0])
        os.kill(server, number)  # first: from here on it makes no others, or may again
        for process in children(server):
            try:
                os.kill(process, number)
            except ProcessLookupError:
                continue  # it just ended

    def stop(self):
        self._end(self.server)
        self._end(self.simulator)
        self.log.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def call(self, method, path, body=None, key=None, port=None):
        """Calls the API; returns status and body."""
        request = urllib.request.Request(f"http://127.0.0.1:{port or self.port}{path}", method=method)
        if port is None:
            request.add_header("Authorization", f"Bearer {key or self.admin_key}")
        data = None
        if body is not None:
            request.add_header("Content-Type", "application/json")
            data = json.dumps(body).encode()
        try:
            with urllib.request.urlopen(request, data, timeout=30) as response:
                text = response.read()
                return response.status, json.loads(text) if text else None
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read() or b"null")

    def must(self, method, path, body=None, **more):
        """Calls the API, and fails unless that succeeds."""
        status, answer = self.call(method, path, body, **more)
        assert status < 300, f"{method} {path}: {status} {answer}"
        return answer

    def key(self, role, **more):
        """Makes a key; returns its record with the secret as `key`."""
        return self.must("POST", "/v1/keys", {"name": f"{role} {secrets.token_hex(2)}", "role": role, **more})

    def add_agent(self, agent, name=None, team="support", with_instance=True):
        """Makes an agent and its session."""
        instance = None
        if with_instance:
            self.sim("PUT", "/_sim/sessions", {"sessions": [{"instance_id": f"I-{agent}", "status": "STOPPED"}]})
            instance = {"engine": "main", "instance_id": f"I-{agent}", "session_name": f"wawp-{agent}"}
        body = {"name": name or f"Agent {agent}", "team": team, "instance": instance}
        self.must("PUT", f"/v1/agents/{agent}", body)

    def clock_in(self, agent):
        self.must("POST", f"/v1/agents/{agent}/clock-in")

    def deliver(self, source, body, secret=SOURCE_SECRET):
        """Sends a delivery as a clock source does; returns the status."""
        request = urllib.request.Request(f"{self.address}/v1/sources/{source}/events", method="POST")
        request.add_header("Authorization", f"Bearer {secret}")
        request.add_header("User-Agent", "hr-system/1.0")
        try:
            with urllib.request.urlopen(request, json.dumps(body).encode(), timeout=30) as response:
                return response.status
        except urllib.error.HTTPError as error:
            return error.code

    def clock_out(self, agent):
        self.must("POST", f"/v1/agents/{agent}/clock-out")

    def agent(self, agent):
        return self.must("GET", f"/v1/agents/{agent}")

    def wait_for(self, agent, **values):
        """Waits until the API says so of an agent."""

        def is_so():
            seen = self.agent(agent)
            return seen if all(seen[name] == value for name, value in values.items()) else None

        return wait_until(is_so, 30, f"{agent} being {values}")

    def sim(self, method, path, body=None):
        return self.must(method, path, body, port=self.simulator_port)

    def fault(self, kind, scope="all", **more):
        return self.sim("PUT", "/_sim/faults", {"kind": kind, "scope": scope, **more})

    def mend(self):
        self.sim("DELETE", "/_sim/faults")

    def _is_ready(self):
        if self.server.poll() is not None:
            raise AssertionError(f"Rollcall ended by itself, see {self.log.name}")
        try:
            return self.call("GET", "/readyz")[0] == 200
        except (OSError, ValueError):
            return False

    def _run(self, *arguments):
        environment = {name: value for name, value in os.environ.items() if not name.startswith("ROLLCALL_")}
        environment |= {
            "ROLLCALL_HTTP_PORT": str(self.port),
            "ROLLCALL_METRICS_PORT": "0",
            "ROLLCALL_BOOTSTRAP_ADMIN_KEY": self.admin_key,
            "ROLLCALL_ENGINES": "main",
            "ROLLCALL_ENGINE_MAIN_KIND": "wawp",
            "ROLLCALL_ENGINE_MAIN_URL": f"http://127.0.0.1:{self.simulator_port}",
            "ROLLCALL_ENGINE_MAIN_TOKEN": TOKEN,
            "ROLLCALL_SOURCES": "hr,quiet",
            "ROLLCALL_SOURCE_HR_KIND": "generic-bearer",
            "ROLLCALL_SOURCE_HR_SECRET": SOURCE_SECRET,
            "ROLLCALL_SOURCE_QUIET_KIND": "generic-bearer",
            "ROLLCALL_SOURCE_QUIET_SECRET": SOURCE_SECRET,
            "ROLLCALL_SOURCE_QUIET_SILENCE": "2s",
            "ROLLCALL_SWEEP_INTERVAL": "1500ms",
            "ROLLCALL_OFF_SHIFT_SWEEP_INTERVAL": "1500ms",
            "ROLLCALL_CONFIRM_AFTER": "2s",
            "ROLLCALL_ENGINE_MAIN_TIMEOUT": "5s",
        } | self.settings
        return subprocess.Popen([BINARY, *arguments], env=environment, stdout=self.log, stderr=self.log)

    @staticmethod
    def _end(process):
        if process is None or process.poll() is not None:
            return
        process.send_signal(signal.SIGCONT)
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise AssertionError("a program did not end when it was told to") from None


@contextlib.contextmanager
def migrated_database(name):
    """The folder of a stopped database that has this release's schema and nothing else: no key, no account, no setting."""
    stack = Rollcall(name)
    try:
        stack.make_database()
        yield stack.database
    finally:
        stack.stop()
