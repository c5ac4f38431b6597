import Glibc
import LibPQ
import TestSupport
import Testing

/// The database goes away and comes back.
@Suite("Database down", .timeLimit(.minutes(3)))
struct DatabaseDownTests {
    @Test
    func `events are refused at once, nothing is half-done, and all goes on when it is back`() async throws {
        let cluster = try await ThrowawayCluster.start()
        try await withInstallation(cluster: cluster) { installation in
            let service = try await installation.serve()
            try await service.put("ana")
            try await service.until("ana") { $0.observed == "STOPPED" }
            try await cluster.stop(mode: .immediate)

            let event = #"{"event_id":"down-1","agent_id":"ana","kind":"clock_in"}"#
            var delays: [Duration] = []
            for attempt in 0..<4 {
                let began = ContinuousClock.now
                let answer = try await service.post(attempt == 3 ? "[\(event),\(event)]" : event)
                delays.append(ContinuousClock.now - began)
                service.expectProblem(answer, 503, "database_unavailable")
                let seconds = try #require(answer.headers["retry-after"].flatMap { Int($0) })
                #expect((1...60).contains(seconds))
            }
            // Beside all other tests one answer may be late.
            #expect(delays.sorted()[FaultSuite.runsAll ? 3 : 2] < .seconds(1), "\(delays)")
            #expect(try await service.http.send("GET", "/readyz").status == 503)
            #expect(try await service.http.send("GET", "/livez").status == 200)
            let list = try await service.send("GET", "/v1/agents")
            service.expectProblem(list, 503, "database_unavailable")

            _ = try await service.process.line(containing: "heartbeat failed")
            // An event is tried for a moment longer than its sender waits; what came back within that would be taken after all.
            try await Task.sleep(for: .seconds(2))
            #expect(service.process.output.ranges(of: "heartbeat failed").count == 1, "once, not with every beat")
            try await cluster.startAgain()
            try await service.until("it is ready again") { try await service.http.send("GET", "/readyz").status == 200 }
            // The tests' own connection breaks once before it is made anew.
            try await service.until("the ledger is read") { (try? await installation.ledgerCount()) != nil }
            #expect(try await installation.ledgerCount() == 0)
            #expect(try await service.post(event).status == 202)
            #expect(try await installation.ledgerCount() == 1)
            try await service.until("ana") { $0.observed == "WORKING" && $0.condition == "converged" }
            #expect(try await service.engine.commands(of: "i-ana").map(\.operation) == ["start"])
            let verified = try await installation.run("verify")
            #expect(verified.code == 0, "\(verified.output)")
        }
    }

    @Test
    func `a second after the database is back the service is, too`() async throws {
        let cluster = try await ThrowawayCluster.start()
        try await withInstallation(cluster: cluster) { installation in
            let service = try await installation.serve()
            var readyAgain: [Duration] = []
            var takenAgain: [Duration] = []
            // By turns, so that beside all other tests a machine that is busy for a moment does not decide.
            for round in 0..<3 {
                try await cluster.stop(mode: .immediate)
                while try await service.http.send("GET", "/readyz").status != 503 {}
                try await cluster.startAgain()
                let back = ContinuousClock.now
                while try await service.http.send("GET", "/readyz").status != 200 {}
                readyAgain.append(ContinuousClock.now - back)
                let event = #"{"event_id":"back-\#(round)","agent_id":"ana","kind":"clock_in"}"#
                while try await service.post(event).status != 202 {}
                takenAgain.append(ContinuousClock.now - back)
            }
            print("ready again after \(readyAgain), an event taken after \(takenAgain)")
            let judged = FaultSuite.runsAll ? 2 : 1
            #expect(readyAgain.sorted()[judged] < .seconds(1))
            #expect(takenAgain.sorted()[judged] < .seconds(1))
        }
    }

    @Test
    func `a database that fails when the service has just begun to listen does not end it`() async throws {
        try await withInstallation { installation in
            try await installation.failRegistration()
            let process = try installation.start()
            let service = try await installation.served(process)
            _ = try await process.line(containing: "engine accounts not registered yet")
            try await installation.owner.withConnection { connection in
                try await connection.simpleQuery("DROP TRIGGER fails ON engine_leases")
            }
            try await service.until("it is ready") { try await service.http.send("GET", "/readyz").status == 200 }
            try await service.put("ana")
            #expect(try await service.post(#"{"event_id":"e","agent_id":"ana","kind":"clock_in"}"#).status == 202)
            try await service.until("ana") { $0.observed == "WORKING" && $0.condition == "converged" }
        }
    }

    @Test
    func `a service that waits for its database to begin ends when it is told to`() async throws {
        try await withInstallation { installation in
            try await installation.failRegistration()
            let process = try installation.start()
            _ = try await process.line(containing: "engine accounts not registered yet")
            process.signal(SIGTERM)
            #expect(try await process.ending(within: .seconds(30)) == .exit(0), "\(process.output)")
        }
    }

    @Test
    func `a service that has something to write ends though the database does not come back`() async throws {
        let cluster = try await ThrowawayCluster.start()
        try await withInstallation(cluster: cluster) { installation in
            let service = try await installation.serve(["ROLLCALL_OFF_SHIFT_SWEEP_INTERVAL": "1s"])
            try await service.put("ana")
            try await service.until("ana") { $0.observed == "STOPPED" }
            // What the next look finds, within a second or two, cannot be written from now on.
            try await installation.owner.withConnection { connection in
                try await connection.simpleQuery(
                    """
                    CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$
                    BEGIN
                        RAISE EXCEPTION 'not now' USING ERRCODE = 'serialization_failure';
                    END
                    $$;
                    CREATE TRIGGER fails BEFORE UPDATE ON observed_states FOR EACH STATEMENT EXECUTE FUNCTION fail()
                    """
                )
            }
            try await service.engine.put("i-ana", "WORKING")
            _ = try await service.process.line(containing: "passes not written, trying again")
            try await cluster.stop(mode: .immediate)
            service.process.signal(SIGTERM)
            // A lease's 3 s, and 10 s more; the rest is what a busy machine takes.
            #expect(try await service.process.ending(within: .seconds(60)) == .exit(0), "\(service.process.output)")
            #expect(service.process.output.contains("stopped before what was learned could be written"))
        }
    }
}
