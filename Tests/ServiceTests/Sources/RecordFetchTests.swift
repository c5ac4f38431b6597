import ClockSources
import Domain
import Foundation
import LibPQ
import Service
import Synchronization
import Testing

/// Records that deliveries only name: asked for, off the request's path, until they are there.
@Suite("Fetched records", .timeLimit(.minutes(2)))
struct RecordFetchTests {
    /// A sender's API as a test has it.
    private final class API: RecordFetcher {
        private struct State {
            var bodies: [String: String] = [:]
            var failures: [RecordFetchError] = []
            var asked: [String] = []
            var atOnce: [String: Int] = [:]
            var mostAtOnce = 0
        }

        private let state = Mutex(State())
        private let gate: Latch?

        init(gate: Latch? = nil) { self.gate = gate }

        var asked: [String] { state.withLock { $0.asked } }
        var mostAtOnce: Int { state.withLock { $0.mostAtOnce } }

        func put(_ path: String, _ script: ScriptedSource.Script) throws {
            let body = String(decoding: try JSONEncoder().encode(script), as: UTF8.self)
            state.withLock { $0.bodies[path] = body }
        }

        func fail(_ kinds: RecordFetchError.Kind...) {
            state.withLock { $0.failures = kinds.map { RecordFetchError($0) } }
        }

        func record(at path: String) async throws(RecordFetchError) -> [UInt8]? {
            state.withLock { state in
                state.asked.append(path)
                state.atOnce[path, default: 0] += 1
                state.mostAtOnce = max(state.mostAtOnce, state.atOnce[path, default: 0])
            }
            await gate?.wait()
            let (failure, body) = state.withLock { state in
                state.atOnce[path, default: 0] -= 1
                return (state.failures.isEmpty ? nil : state.failures.removeFirst(), state.bodies[path])
            }
            if let failure { throw failure }
            return body.map { Array($0.utf8) }
        }
    }

    private static func script(_ kind: String = "clock_in", ordinal: Int16 = 0) -> ScriptedSource.Script {
        .init(punches: [
            .init(agent: "ana", kind: kind, at: "2026-03-02T08:00:00Z", record: "r1", ordinal: ordinal)
        ])
    }

    private static let notice = ScriptedSource.Script(fetch: "r1")
    private static let waiting: PQStatement = "SELECT count(*) AS count FROM record_fetches"

    @Test
    func `what a delivery names is fetched after its answer, and counts like a delivery`() async throws {
        let api = API()
        try api.put("/things/r1", Self.script())
        try await withRunningService {
            $0.addVendor(fetcher: api)
        } _: { service in
            try await service.addWithoutSession("ana")
            #expect(try await service.tell(Self.notice).status == 200)
            try await service.until { try await service.agent("ana").shift == "in" }
            try await service.until { try await service.count(Self.waiting) == 0 }
            #expect(api.asked == ["/things/r1"])
            #expect(try await service.count("SELECT count(*) AS count FROM deliveries") == 2)
            // The same again is fetched again, and known.
            #expect(try await service.tell(Self.notice).status == 200)
            try await service.until { api.asked.count == 2 }
            try await service.until { try await service.count(Self.waiting) == 0 }
            #expect(try await service.ledgerCount() == 1)
        }
    }

    @Test
    func `a failed fetch is tried again, one that needs a person waits with its reason`() async throws {
        let api = API()
        api.fail(.unreachable, .unauthorized)
        try api.put("/things/r1", Self.script())
        try await withRunningService {
            $0.addVendor(fetcher: api)
        } _: { service in
            try await service.addWithoutSession("ana")
            try await service.tell(Self.notice)
            try await service.until {
                try await service.count(
                    """
                    SELECT count(*) AS count
                    FROM record_fetches
                    WHERE failure = 'unauthorized' AND due_at > now() + interval '4 minutes' AND claimed_until IS NULL
                    """
                ) == 1
            }
            #expect(api.asked.count == 2)
            #expect(try await service.agent("ana").shift == "out")
            // The next delivery about it does not wait for the old one's turn.
            try await service.tell(Self.notice)
            try await service.until { try await service.agent("ana").shift == "in" }
        }
    }

    @Test(arguments: [(.unauthorized, "refusing"), (.rateLimited, "receiving")] as [(RecordFetchError.Kind, String)])
    func `of records that cannot be fetched their source tells, since when and why, until they can be`(
        failure: RecordFetchError.Kind,
        state: String
    ) async throws {
        let api = API()
        api.fail(failure)
        try api.put("/things/r1", Self.script())
        try await withRunningService {
            $0.addVendor(fetcher: api)
        } _: { service in
            try await service.addWithoutSession("ana")
            let before = try await service.source().unfetched
            #expect(before.count == 0 && before.since == nil && before.reason == nil)
            try await service.tell(Self.notice)
            try await service.until {
                let source = try await service.source()
                return source.lastSeenAt != nil && source.unfetched.count == 1
            }
            let source = try await service.source()
            #expect(source.state == state && source.unfetched.reason == failure.rawValue)
            #expect(source.unfetched.since != nil)
            _ = try await service.owner.query("UPDATE record_fetches SET due_at = now()")
            try await service.until { try await service.agent("ana").shift == "in" }
            try await service.until { try await service.source().unfetched.count == 0 }
            #expect(try await service.source().state == "receiving")
        }
    }

    @Test
    func `a record that is gone withdraws nothing`() async throws {
        let api = API()
        try api.put("/things/r1", Self.script())
        try await withRunningService {
            $0.addVendor(fetcher: api)
        } _: { service in
            try await service.addWithoutSession("ana")
            try await service.tell(Self.notice)
            try await service.until { try await service.agent("ana").shift == "in" }
            try await service.tell(.init(fetch: "r2"))
            try await service.until { try await service.count(Self.waiting) == 0 }
            #expect(api.asked.contains("/things/r2"))
            #expect(try await service.agent("ana").shift == "in")
            #expect(
                try await service.count("SELECT count(*) AS count FROM deliveries WHERE reading = 'record-gone'") == 1
            )
        }
    }

    @Test
    func `one record is fetched once at a time, and once more for what came meanwhile`() async throws {
        let gate = Latch()
        let api = API(gate: gate)
        try api.put("/things/r1", Self.script())
        try await withRunningService {
            $0.addVendor(fetcher: api)
        } _: { service in
            try await service.addWithoutSession("ana")
            try await service.tell(Self.notice)
            try await service.until { api.asked.count == 1 }
            for _ in 0..<5 { #expect(try await service.tell(Self.notice).status == 200) }
            try await service.pause(1.5)
            #expect(api.asked.count == 1)
            gate.open()
            try await service.until { api.asked.count == 2 }
            try await service.until { try await service.count(Self.waiting) == 0 }
            #expect(api.mostAtOnce == 1)
            #expect(api.asked.count == 2)
        }
    }

    @Test
    func `what is still to be fetched survives a restart`() async throws {
        let gone = API()
        gone.fail(.unreachable, .unreachable, .unreachable, .unreachable, .unreachable, .unreachable)
        let back = API()
        try back.put("/things/r1", Self.script())
        try await withRunningService {
            $0.addVendor(fetcher: gone)
        } _: { first in
            try await first.addWithoutSession("ana")
            try await first.tell(Self.notice)
            try await first.until { !gone.asked.isEmpty }
            await first.stop()
            try await withRunningService(on: first.engine) {
                $0.addVendor(fetcher: back)
                $0.databaseURL = first.databaseURL
            } _: { second in
                try await second.until { try await second.agent("ana").shift == "in" }
                try await second.until { try await second.count(Self.waiting) == 0 }
            }
        }
    }
}
