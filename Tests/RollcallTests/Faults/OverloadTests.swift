import Foundation
import LibPQ
import Synchronization
import TestSupport
import Testing

/// More than can be taken: what is refused, what is kept, and who still gets an answer.
@Suite("Overload", .timeLimit(.minutes(6)))
struct OverloadTests {
    /// Events in one request.
    private static let items = 500
    /// How much more memory a replica may ever have than after its usual load, in KiB.
    ///
    /// What waits is bounded by its number and its bytes; a debug build took 10,000 to 23,000 more at its peak.
    private static let burstLimit = 64_000
    /// How much more when as much comes again, in KiB.
    private static let burstSlack = 16_000

    @Test
    func `ten times what may wait is shed late and clearly, and what was taken is kept`() async throws {
        try await withInstallation { installation in
            let served = try await installation.serve()
            for agent in 0..<20 { try await served.put("agent-\(agent)", hasInstance: false) }
            try await slowDown(installation)
            // Few enough that none is refused: one request is written while another waits, so that as much is taken as can be, and each
            // has its answer in half of the time that it is given. Four were answered just in time, and not on busy processors.
            let usual = try await post(served, senders: 2, "usual", for: .seconds(5))
            #expect(usual.refused == 0)
            #expect(usual.taken.count > 0)
            let before = served.process.peakMemory
            // Ten times as many events at a time as may wait (4,096).
            let senders = 10 * 4096 / Self.items
            let much = try await post(served, senders: senders, "much", for: .seconds(6))
            var peaks = [served.process.peakMemory]
            var loads = [much]
            for turn in ["again", "and again"] {
                loads.append(try await post(served, senders: senders, turn, for: .seconds(6)))
                peaks.append(served.process.peakMemory)
            }
            print(
                """
                usual \(usual.rate(5)) events/s; under overload \(loads.map { $0.rate(6) }) events/s taken, \
                \(loads.map { $0.offered / 6 }) offered; at most \(before) KiB before, then \(peaks) KiB
                """
            )
            for load in loads {
                #expect(load.shed > 0)
                #expect(load.others.isEmpty, "\(load.others.prefix(3))")
                // Late: what can be done is still done, though senders and service share the processors. Where other tests have
                // them too, how much that is says nothing, nor how many could not be committed in time.
                #expect(!load.taken.isEmpty)
                if FaultSuite.runsAll {
                    #expect(load.shed * 2 > load.refused)
                    #expect(load.rate(6) * 10 >= usual.rate(5) * 9)
                }
            }
            #expect(before > 0 && peaks[2] < before + Self.burstLimit)
            // What was refused leaves nothing behind, or the peak would rise each time as much comes again; once it may, since how
            // many of the requests are read at the same moment is chance.
            #expect(min(peaks[1] - peaks[0], peaks[2] - peaks[1]) < Self.burstSlack)
            try await served.until("it is ready") { try await served.http.send("GET", "/readyz").status == 200 }
            try await expectKept(usual.taken + loads.flatMap(\.taken), installation)
            let verified = try await installation.run("verify")
            #expect(verified.code == 0, "\(verified.output)")
        }
    }

    @Test
    func `people who watch never keep events waiting`() async throws {
        try await withInstallation { installation in
            let served = try await installation.serve()
            for agent in 0..<100 { try await served.put("agent-\(agent)", hasInstance: false) }
            let alone = try await latencies(served, "alone")
            let streams = try (0..<40).map { _ in try StreamText(of: served) }
            defer { for stream in streams { stream.close() } }
            for stream in streams {
                try await served.until("the stream begins") { stream.text.contains("event: agent") }
            }
            let watching = Watching()
            let watched = try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<8 {
                    group.addTask {
                        while !watching.isOver.load(ordering: .relaxed) {
                            let answer = try await served.send("GET", "/v1/agents?limit=500")
                            #expect([200, 503].contains(answer.status))
                        }
                    }
                }
                let watched = try await latencies(served, "watched")
                watching.isOver.store(true, ordering: .relaxed)
                try await group.waitForAll()
                return watched
            }
            print("an event's answer: \(alone[alone.count / 2]) us alone, \(watched[watched.count / 2]) us watched")
            // The processors are shared, and lists in a debug build take all of two: 0.09 to 0.29 s were measured, against 0.003 to
            // 0.03. What is not shared is the next test's matter.
            let limit = FaultSuite.runsAll ? 250_000 : max(500_000, 15 * alone[alone.count / 2])
            #expect(watched[watched.count / 2] < limit)
        }
    }

    @Test
    func `reads that hold every connection they may have keep no event waiting`() async throws {
        try await withInstallation { installation in
            let served = try await installation.serve()
            for agent in 0..<20 { try await served.put("agent-\(agent)", hasInstance: false) }
            let alone = try await latencies(served, "alone", agents: 20)
            try await slowReadsDown(installation)
            let watching = Watching()
            let watched = try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<8 {
                    group.addTask {
                        while !watching.isOver.load(ordering: .relaxed) {
                            let answer = try await served.send("GET", "/v1/agents?limit=500")
                            if answer.status == 503 { watching.refused.add(1, ordering: .relaxed) }
                        }
                    }
                }
                try await served.until("reads are refused, since all connections for them are taken") {
                    watching.refused.load(ordering: .relaxed) > 8
                }
                let before = watching.refused.load(ordering: .relaxed)
                let watched = try await latencies(served, "watched", agents: 20)
                try await served.until("they still are") { watching.refused.load(ordering: .relaxed) > before }
                watching.isOver.store(true, ordering: .relaxed)
                try await group.waitForAll()
                return watched
            }
            print("an event's answer: \(alone[30]) us alone, \(watched[30]) us beside reads that are stuck")
            // One that waited for such a read would be refused after 0.7 s; each was taken, and nothing else keeps the machine busy.
            #expect(watched[watched.count / 2] < max(250_000, 4 * alone[alone.count / 2]))
        }
    }

    private final class Watching: Sendable {
        let isOver = Atomic(false)
        /// How often a read was told that the database has no time for it.
        let refused = Atomic(0)
    }

    /// Lets every read of a list, a page or a stream take two seconds in the database, and nothing that writes.
    private func slowReadsDown(_ installation: Installation) async throws {
        try await installation.owner.withConnection { connection in
            try await connection.simpleQuery(
                """
                CREATE POLICY slow ON agents USING (
                    CASE WHEN current_setting('application_name') = 'rollcall read' AND agent_id = 'agent-0'
                    THEN pg_sleep(2) IS NOT NULL
                    ELSE true
                    END
                );
                ALTER TABLE agents ENABLE ROW LEVEL SECURITY;
                """
            )
        }
    }

    /// Makes the database what holds everything up, at about two thousand events a second.
    private func slowDown(_ installation: Installation) async throws {
        try await installation.owner.withConnection { connection in
            try await connection.simpleQuery(
                """
                CREATE FUNCTION take_your_time() RETURNS trigger LANGUAGE plpgsql AS $$
                BEGIN
                    PERFORM pg_sleep(0.2);
                    RETURN NULL;
                END
                $$;
                CREATE TRIGGER slow BEFORE INSERT ON clock_events FOR EACH STATEMENT EXECUTE FUNCTION take_your_time();
                """
            )
        }
    }

    /// What came of a load.
    private struct Load: Sendable {
        /// The requests that were answered 202.
        var taken: [String] = []
        var refused = 0
        /// Those of the refused that were told that too much waits; a database that is this slow may also not commit in time.
        var shed = 0
        /// Answers that should not be.
        var others: [String] = []

        var offered: Int { (taken.count + refused + others.count) * OverloadTests.items }

        func rate(_ seconds: Int) -> Int { taken.count * OverloadTests.items / seconds }
    }

    /// Posts arrays of events for a time, by senders that never wait, whatever they are told.
    private func post(_ served: Served, senders: Int, _ name: String, for time: Duration) async throws -> Load {
        let end = ContinuousClock.now + time
        return await withTaskGroup(of: Load.self) { group in
            for sender in 0..<senders {
                group.addTask {
                    var load = Load()
                    var number = 0
                    while ContinuousClock.now < end {
                        number += 1
                        let request = "\(name)-\(sender)-\(number)"
                        await Self.post(served, request, &load)
                    }
                    return load
                }
            }
            return await group.reduce(into: Load()) { all, load in
                all.taken += load.taken
                all.refused += load.refused
                all.shed += load.shed
                all.others += load.others
            }
        }
    }

    private static func post(_ served: Served, _ request: String, _ load: inout Load) async {
        let events = (0..<items).map { item in
            #"{"event_id":"\#(request)/\#(item)","agent_id":"agent-\#(item % 20)","kind":"clock_in"}"#
        }
        do {
            let answer = try await served.post("[\(events.joined(separator: ","))]")
            let mayComeAgain = answer.headers["retry-after"].flatMap { Int($0) }.map { $0 > 0 } ?? false
            if answer.status == 202 {
                load.taken.append(request)
            } else if answer.status == 503, mayComeAgain {
                load.refused += 1
                if answer.text.contains(#""code":"overloaded""#) { load.shed += 1 }
            } else {
                load.others.append("\(answer.status) \(answer.text.prefix(200))")
            }
        } catch {
            load.others.append("\(error)")
        }
    }

    /// Every event of every request that was answered is in the ledger, once.
    private func expectKept(_ requests: [String], _ installation: Installation) async throws {
        let rows = try await installation.owner.rows(
            "SELECT split_part(event_id, '/', 1) AS request, count(*) AS count FROM clock_events GROUP BY 1"
        ) { row throws(PQError) in
            (try row.column("request", as: String.self), try row.column("count", as: Int64.self))
        }
        let kept = Dictionary(uniqueKeysWithValues: rows)
        #expect(!requests.isEmpty)
        #expect(requests.allSatisfy { kept[$0] == Int64(Self.items) })
    }

    /// How long 60 events take to be answered, one after the other, in microseconds and in order.
    private func latencies(_ served: Served, _ name: String, agents: Int = 100) async throws -> [Int64] {
        var latencies: [Int64] = []
        for number in 0..<60 {
            let began = FaultLoad.now()
            let answer = try await served.post(
                #"{"event_id":"\#(name)-\#(number)","agent_id":"agent-\#(number % agents)","kind":"clock_in"}"#
            )
            #expect(answer.status == 202)
            latencies.append(FaultLoad.now() - began)
        }
        return latencies.sorted()
    }
}
