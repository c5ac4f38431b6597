import ClockSources
import Foundation
import LibPQ
import Synchronization
import Testing

@testable import Service

/// What becomes of fetches that do not end by themselves.
@Suite("Fetched records: stalls and stops", .timeLimit(.minutes(2)))
struct RecordFetchStopTests {
    /// A sender's API that may hang.
    private final class API: RecordFetcher {
        private let paths = Mutex<[String]>([])
        private let answer: @Sendable (_ asked: Int) async throws(RecordFetchError) -> [UInt8]?

        /// `answer`: told which request it is, from 1.
        init(_ answer: @escaping @Sendable (_ asked: Int) async throws(RecordFetchError) -> [UInt8]?) {
            self.answer = answer
        }

        var asked: [String] { paths.withLock { $0 } }

        func record(at path: String) async throws(RecordFetchError) -> [UInt8]? {
            let count = paths.withLock { paths in
                paths.append(path)
                return paths.count
            }
            return try await answer(count)
        }
    }

    @Test
    func `a fetch that a stop cuts short is another replica's at once, and counts as no attempt`() async throws {
        let hanging = API { _ async throws(RecordFetchError) in
            try? await Task.sleep(for: .seconds(3600))  // Until whoever asks is cancelled.
            throw RecordFetchError(.unreachable)
        }
        let script = ScriptedSource.Script(punches: [
            .init(agent: "ana", kind: "clock_in", at: "2026-03-02T08:00:00Z", record: "r1")
        ])
        let record = Array(try JSONEncoder().encode(script))
        let answering = API { _ async throws(RecordFetchError) in record }
        try await withRunningService {
            $0.addVendor(fetcher: hanging)
        } _: { first in
            try await first.addWithoutSession("ana")
            try await first.tell(.init(fetch: "r1"))
            try await first.until { hanging.asked.count == 1 }
            await first.stop()
            let free = try await first.owner.query(
                """
                SELECT record
                FROM record_fetches
                WHERE claimed_until IS NULL
                  AND due_at <= now()
                  AND attempts = 0
                  AND failure IS NULL
                """
            )
            #expect(free.rowCount == 1)
            try await withRunningService(on: first.engine) {
                $0.addVendor(fetcher: answering)
                $0.databaseURL = first.databaseURL
            } _: { second in
                try await second.until { try await second.agent("ana").shift == "in" }
            }
        }
        #expect(hanging.asked.count == 1)
        #expect(answering.asked == ["/things/r1"])
    }

    @Test
    func `a fetch that ends in a time-out gives its place to the next`() async throws {
        let gate = Latch()
        let api = API { asked async throws(RecordFetchError) in
            guard asked <= RecordFetchLoop.width else { return nil }
            await gate.wait()
            throw RecordFetchError(.timedOut)
        }
        try await withRunningService {
            $0.addVendor(fetcher: api)
        } _: { service in
            for number in 1...RecordFetchLoop.width + 1 { try await service.tell(.init(fetch: "r\(number)")) }
            try await service.until { api.asked.count == RecordFetchLoop.width }
            try await service.pause(1.5)
            #expect(api.asked.count == RecordFetchLoop.width)
            gate.open()
            try await service.until { Set(api.asked).count == RecordFetchLoop.width + 1 }
        }
    }
}
