"""Rollcall in the measuring harness (`$HARNESS/run --adapter rollcall_adapter.py --svc rollcall,…`).

The shipped binary with documented settings; agents come in through `agents import`, and what is observed of them
through clock events and a sweep of the stub, never through SQL.

BENCH_BINARY   the binary (default: .build/release/rollcall of this work tree)

What the harness does with its peers' own table has no meaning here and is led past Rollcall's:
* W5 begins with `update agents set observed = 'STOPPED'` for a tenth of the agents. Here that statement meets a view of
  the same name which ignores it, and the tenth is made true instead: an eleventh of the stub's sessions, some of every
  team as there, wait for a scan, a sweep sees that, and the list is asked for the others, which are converged.
* The harness's psql sees that view because it connects as `postgres`; Rollcall connects as a role of its own.
"""
import csv, os, subprocess, sys, tempfile, time
from base import *

REPOSITORY = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
ADMIN_KEY = "bench-admin-key-0123456789-0123456789"
ROLE = "rollcall_bench"
BATCH = 1_000

# What postgres sees in place of the peers' table; Rollcall's own role has no such search path.
VIEW = f"""
CREATE SCHEMA harness;
CREATE VIEW harness.agents AS SELECT agent_id, ''::text AS observed FROM public.agents;
CREATE FUNCTION harness.ignore() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RETURN NULL; END$$;
CREATE TRIGGER ignore INSTEAD OF UPDATE ON harness.agents FOR EACH ROW EXECUTE FUNCTION harness.ignore();
ALTER ROLE postgres IN DATABASE bench SET search_path = harness, public;
"""

# Agents whose session is not, or not yet, what they should have; a command without an outcome is still under way.
UNSETTLED = """
SELECT count(*)
FROM public.agent_states s
JOIN public.instances i ON i.agent = s.agent
LEFT JOIN public.observed_states o ON o.instance = i.instance
WHERE (s.desired = 1) <> (coalesce(o.claim, o.reading, 'STOPPED') IN ('WORKING', 'STARTING'))
   OR (o.command_id IS NOT NULL AND o.command_ended_at IS NULL)
"""


class Rollcall(Adapter):
    name = "rollcall"
    port = 18110
    event_body = (
        '{"event_id":"{event_id}","agent_id":"a{agent6}","kind":"clock_{kind}","occurred_at":"{occurred_at}"}'
    )
    headers = [f"Authorization: Bearer {ADMIN_KEY}"]
    sweep_call = ("POST", "/v1/engines/main/sweep?wait=600")
    binary = os.environ.get("BENCH_BINARY", f"{REPOSITORY}/.build/release/rollcall")
    env = {
        "ROLLCALL_DATABASE_URL": f"host=/tmp/bench-pg port=54329 user={ROLE} dbname=bench",
        "ROLLCALL_HTTP_PORT": str(port),
        "ROLLCALL_METRICS_PORT": "0",
        "ROLLCALL_BOOTSTRAP_ADMIN_KEY": ADMIN_KEY,
        "ROLLCALL_ENGINES": "main",
        "ROLLCALL_ENGINE_MAIN_KIND": "wawp",
        "ROLLCALL_ENGINE_MAIN_URL": STUB,
        "ROLLCALL_ENGINE_MAIN_TOKEN": "tok",
        # The stub reads the token and the instance in the query alone.
        "ROLLCALL_ENGINE_MAIN_TOKEN_PLACEMENT": "query",
        # Far above what is needed; 64 at a time is the harness's rule.
        "ROLLCALL_ENGINE_MAIN_CALLS_PER_SECOND": "1000000",
        "ROLLCALL_ENGINE_MAIN_CONCURRENCY": "64",
        # The peers repair what they see at once and sweep when told to.
        "ROLLCALL_CONFIRM_AFTER": "0s",
        "ROLLCALL_START_LOOK_AFTER": "24h",
        "ROLLCALL_SWEEP_INTERVAL": "1h",
        "ROLLCALL_OFF_SHIFT_SWEEP_INTERVAL": "1h",
    }

    def __init__(self):
        super().__init__()
        self.is_seen = False  # whether the fleet has been looked at since it was imported
        self.is_part_waiting = False  # whether W5's part of the sessions waits for a scan

    def fresh(self):
        sql("postgres", f"DO $$BEGIN CREATE ROLE {ROLE} LOGIN CREATEROLE; EXCEPTION WHEN duplicate_object THEN END$$")
        sh(f"{HERE}/lib/pg.sh", "fresh", self.db)
        sql("postgres", f"ALTER DATABASE {self.db} OWNER TO {ROLE}")
        sql(self.db, f"ALTER SCHEMA public OWNER TO {ROLE}")
        self.command_line("migrate")
        sql(self.db, VIEW)
        self.is_seen = self.is_part_waiting = False

    def register(self, n, first=0, up=False):
        with tempfile.NamedTemporaryFile("w", suffix=".csv", newline="") as file:
            rows = csv.writer(file)
            rows.writerow(
                ["agent_id", "name", "team", "time_zone", "engine", "instance_id", "session_name", "aliases"]
            )
            for i in range(first, first + n):
                rows.writerow([f"a{i:06d}", f"Agent {i}", f"team{i % 20}", "UTC", "main", f"{i:012x}", "", ""])
            file.flush()
            self.command_line("agents", "import", file.name)
        if up:
            self.bring_up(n, first)
        sql(self.db, "VACUUM ANALYZE")

    def bring_up(self, n, first):
        """Everybody clocks in over sessions that work already, and Rollcall sees that they do."""
        ctl(f"reset?n={first + n}&state=WORKING")
        self.is_seen = True
        self.start()
        try:
            now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
            for begin in range(first, first + n, BATCH):
                numbers = range(begin, min(begin + BATCH, first + n))
                events = [
                    {"event_id": f"up-{i}", "agent_id": f"a{i:06d}", "kind": "clock_in", "occurred_at": now}
                    for i in numbers
                ]
                self.call("POST", "/v1/clock-events", json.dumps(events).encode())
            self.sweep()
            self.wait_until_settled()
        finally:
            self.stop()

    def command(self):
        return [[self.binary, "serve"]]

    def start(self, **env):
        environment = dict(os.environ, **self.env, **{k: str(v) for k, v in env.items()})
        log = open(f"/tmp/bench-{self.name}.log", "ab")
        self.procs = [subprocess.Popen(c, env=environment, stdout=log, stderr=log) for c in self.command()]
        for _ in range(300):
            try:
                http(self.base + "/livez")
                break
            except Exception:
                time.sleep(0.1)
        else:
            raise RuntimeError(f"{self.name} did not start, see {log.name}")
        if not self.is_seen:
            # So that STOPPED is known, and a clock-in's first call is the start, as it is the peers'.
            self.sweep()
            self.is_seen = True
        time.sleep(1.0)

    def sweep(self):
        """Asks until an answer says that every look is done (200); 202 means that time was up before."""
        for _ in range(10):
            if self.call(*self.sweep_call, b"") == 200:
                return
        raise RuntimeError("the sweep did not end")

    def call(self, method, path, body):
        """Makes one authorised request and gives back its status; an error status raises."""
        request = urllib.request.Request(self.base + path, data=body, method=method)
        request.add_header("Authorization", f"Bearer {ADMIN_KEY}")
        request.add_header("Content-Type", "application/json")
        with urllib.request.urlopen(request, timeout=660) as answer:
            answer.read()
            return answer.status

    @property
    def list_path(self):
        # The harness reads this right before W5 alone, with the service running.
        if self.procs and self.is_seen and not self.is_part_waiting:
            self.is_part_waiting = True
            # Of every team: there are 20, so that every tenth would be the whole of two of them.
            ctl("inject?every=11&offset=3&state=SCAN_QR_CODE")
            self.sweep()
        return "/v1/agents?team=team{agent}&condition=converged&limit=50"

    def count_events(self):
        return int(sql(self.db, "SELECT count(*) FROM public.clock_events"))

    def unsettled(self):
        return int(sql(self.db, UNSETTLED))

    def wait_until_settled(self, most=300):
        end_at = time.time() + most
        while self.unsettled() != 0:
            if time.time() > end_at:
                raise RuntimeError("the fleet did not settle")
            time.sleep(0.2)

    def command_line(self, *arguments):
        sh(self.binary, *arguments, env=dict(os.environ, **self.env), stdout=subprocess.DEVNULL)


ALL = {"rollcall": Rollcall}
