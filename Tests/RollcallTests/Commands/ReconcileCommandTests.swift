import LibPQ
import Testing

/// `rollcall explain`, `reconcile` and `verify` where no service runs, and beside one.
@Suite("explain, reconcile and verify", .timeLimit(.minutes(3)))
struct ReconcileCommandTests {
    /// Ana is on shift and her session works; then the service is stopped.
    private func withAnaOnShift(_ body: (Installation) async throws -> Void) async throws {
        try await withInstallation { installation in
            let service = try await installation.serve()
            try await service.engine.put("i-ana", "STOPPED")
            try await service.put("ana")
            try await service.clock("clock-in", "ana", json: #"{"occurred_at":"\#(instant(inSeconds: -600))"}"#)
            try await service.until("ana") { $0.condition == "converged" && $0.observed == "WORKING" }
            service.process.signal(15)
            #expect(try await service.process.ending() == .exit(0))
            try await body(installation)
        }
    }

    @Test
    func `explain says the rules, the event, the commands and what would change it`() async throws {
        try await withAnaOnShift { installation in
            let told = try await installation.run("explain", "ana")
            #expect(told.code == 0)
            for words in [
                "in since", "running, by the rule shift", "the rule default says stopped", "clock_in at",
                "WORKING as of",
                "converged", "start (should_run): ok", "A clock-out ends the shift",
            ] {
                #expect(told.output.contains(words), "\(told.output)")
            }
            let json = try await installation.run("explain", "ana", "--json")
            #expect(json.output.contains(#""rule":"shift""#) && json.output.contains(#""next_look_at":"#))
            let nobody = try await installation.run("explain", "nobody")
            #expect(nobody.code == 1)
            #expect(nobody.output.contains("there is no agent nobody"))
        }
    }

    @Test
    func `reconcile --once repairs what went wrong while nobody served, and gives the leases back`() async throws {
        try await withAnaOnShift { installation in
            try await installation.engine.put("i-ana", "STOPPED")
            let outcome = try await installation.run("reconcile", "--once", "--json")
            #expect(outcome.code == 0, "\(outcome.output)")
            // Repaired after its own look or deferred, where one that was due already came first and led to the start.
            let counts = #""complete":true,"instances":1,"read":1,"unread":0,"drifted":1,"#
            #expect(outcome.output.contains(counts))
            #expect(outcome.output.contains(#""repaired":1"#) || outcome.output.contains(#""deferred":1"#))
            #expect(try await installation.engine.commands(of: "i-ana").map(\.operation) == ["start", "start"])
            let held = "SELECT count(*) AS count FROM engine_leases WHERE holder IS NOT NULL" as PQStatement
            #expect(try await installation.count(held) == 0)
        }
    }

    @Test
    func `what is already in line is looked at too, once`() async throws {
        try await withInstallation { installation in
            _ = try await installation.run("migrate")
            try await installation.engine.put("i-new", "WORKING")
            try await installation.owner.execute("INSERT INTO engine_accounts (name) VALUES ('main')")
            try await installation.owner.execute(
                """
                WITH a AS (INSERT INTO agents (agent_id) VALUES ('new') RETURNING agent),
                s AS (INSERT INTO agent_states (agent) SELECT agent FROM a),
                x AS (
                    INSERT INTO instances (account, instance_id, agent)
                    SELECT e.account, 'i-new', a.agent FROM a CROSS JOIN engine_accounts e
                    RETURNING instance, account
                ),
                o AS (INSERT INTO observed_states (instance) SELECT instance FROM x)
                INSERT INTO reconcile_queue (instance, account, priority, due_at) SELECT instance, account, 0, now() FROM x
                """
            )
            let dry = try await installation.run("reconcile", "--dry-run")
            #expect(dry.output.contains("look  new  main/i-new"), "\(dry.output)")
            #expect(try await installation.engine.commands(of: "i-new").isEmpty)
            let outcome = try await installation.run("reconcile", "--once")
            #expect(outcome.code == 0, "\(outcome.output)")
            #expect(outcome.output.contains("main: 1 sessions, 1 read, 0 not readable"), "\(outcome.output)")
            #expect(try await installation.engine.commands(of: "i-new").map(\.operation) == ["stop"])
        }
    }

    @Test
    func `an engine that cannot be reached is exit code 1`() async throws {
        try await withAnaOnShift { installation in
            var settings = installation.settings
            settings["ROLLCALL_ENGINE_MAIN_URL"] = "http://127.0.0.1:1"
            let outcome = try await RollcallProcess.run("reconcile", "--once", settings: settings)
            #expect(outcome.code == 1)
            #expect(outcome.output.contains("1 not readable"), "\(outcome.output)")
        }
    }

    @Test(arguments: [["reconcile", "--once"], ["reconcile"]])
    func `a database that does not take its engine accounts is exit code 3`(arguments: [String]) async throws {
        try await withInstallation { installation in
            try await installation.failRegistration()
            let process = try RollcallProcess(arguments, settings: installation.settings)
            defer { process.kill() }
            #expect(try await process.ending(within: .seconds(60)) == .exit(3), "\(process.output)")
        }
    }

    @Test
    func `a pass that could not read all sessions is not complete, and exit code 1`() async throws {
        try await withAnaOnShift { installation in
            let process = try await installation.owner.withTransaction { transaction in
                try await transaction.run(["LOCK TABLE observed_states IN ACCESS EXCLUSIVE MODE"])
                let process = try RollcallProcess(["reconcile", "--once", "--json"], settings: installation.settings)
                defer { process.kill() }
                // Each time that it reads a page its process in the database is ended.
                let ending = try await withThrowingTaskGroup(of: RollcallProcess.Ending?.self) { group in
                    group.addTask { try await process.ending() }
                    group.addTask {
                        while !Task.isCancelled {
                            _ = try await installation.owner.query(
                                """
                                SELECT pg_terminate_backend(pid), pg_sleep(0.02)
                                FROM pg_stat_activity
                                WHERE datname = current_database()
                                  AND wait_event_type = 'Lock'
                                  AND query LIKE 'SELECT x.instance, x.instance_id%'
                                """
                            )
                            // Cancelled: the loop ends.
                            _ = try? await installation.owner.query("SELECT pg_sleep(0.02)")
                        }
                        return nil
                    }
                    let ending = try await group.next()
                    group.cancelAll()
                    try? await group.waitForAll()  // Of what was cancelled nothing is wanted.
                    return ending ?? nil
                }
                #expect(ending == .exit(1), "\(process.output)")
                return process
            }
            #expect(process.output.contains(#""complete":false"#), "\(process.output)")
            #expect(process.output.contains("sweep broken off"), "\(process.output)")
        }
    }

    @Test
    func `beside a running replica it says who acts and does nothing`() async throws {
        try await withInstallation { installation in
            let service = try await installation.serve()
            try await service.until("the lease is held") {
                try await installation.count(
                    "SELECT count(*) AS count FROM engine_leases WHERE holder IS NOT NULL"
                ) == 1
            }
            for arguments in [["reconcile", "--once"], ["reconcile"]] {
                let process = try RollcallProcess(arguments, settings: installation.settings)
                defer { process.kill() }
                #expect(try await process.ending() == .exit(1))
                #expect(process.output.contains("main: the running replica"), "\(process.output)")
            }
            #expect(try await installation.run("reconcile", "--dry-run").code == 0)
        }
    }

    @Test(arguments: [(minutes: 60, code: 0), (minutes: -1, code: 1)] as [(minutes: Int32, code: Int32)])
    func `a parked event that is overdue is found, one that is not due is fine`(
        minutes: Int32,
        code: Int32
    ) async throws {
        try await withAnaOnShift { installation in
            try await installation.owner.execute(
                """
                WITH e AS (
                    INSERT INTO clock_events (
                        dedupe, agent, source_id, kind, occurred_at, effective_at, received_at, event_id, external_id
                    )
                    SELECT gen_random_uuid(), a.agent, s.source_id, 2, t.at, t.at, now() - interval '1 hour', 'late', 'ana'
                    FROM agents a
                    CROSS JOIN clock_sources s
                    CROSS JOIN (SELECT now() + make_interval(mins => \(minutes)) AS at) t
                    WHERE s.name = 'api'
                    RETURNING effective_at
                )
                UPDATE agent_states
                SET next_punch_at = e.effective_at
                FROM e
                """
            )
            let outcome = try await installation.run("verify")
            #expect(outcome.code == code, "\(outcome.output)")
            let isNamed = outcome.output.contains("ana: shift") && outcome.output.contains("parked")
            #expect(isNamed == (code == 1), "\(outcome.output)")
        }
    }
}
