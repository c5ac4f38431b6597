import ClockSources
import Dispatch
import Domain
import NIOCore
import NIOPosix
import Synchronization
import Testing

@testable import Service

/// Large deliveries are read beside the event loops, a few at a time, and nobody else waits for them.
@Suite("Large deliveries", .timeLimit(.minutes(2)))
struct LargeDeliveryTests {
    private static let padding = String(repeating: "p", count: ReadingRoom.smallBody)
    /// A second, and what a test's machine with two busy cores adds to it.
    private static let patience: Duration = .milliseconds(1_700)

    /// What a sender heard, and how long it waited.
    private struct Heard: Sendable {
        var number: Int
        var isLarge: Bool
        var answer: WireResponse
        var after: Duration

        /// Whether it was taken, or sent away with word when to come again.
        var isClear: Bool {
            answer.status == 200 || answer.status == 503 && answer.headers["retry-after"] != nil
        }
    }

    /// One of several deliveries, each with a clock event of its own.
    private static func script(_ number: Int, effort: Int? = nil, isLarge: Bool) -> ScriptedSource.Script {
        let minute = number % 60
        let second = number / 60
        let at = "2026-03-02T08:\(minute < 10 ? "0" : "")\(minute):\(second < 10 ? "0" : "")\(second)Z"
        let kind = number.isMultiple(of: 2) ? "clock_in" : "clock_out"
        return ScriptedSource.Script(
            delivery: "d\(number)",
            punches: [.init(agent: "ana", kind: kind, at: at, id: "e\(number)")],
            effort: effort,
            padding: isLarge ? padding : nil
        )
    }

    private static func hear(_ number: Int, isLarge: Bool, _ service: RunningService) async throws -> Heard {
        let asked = ContinuousClock.now
        let answer = try await service.tell(script(number, effort: isLarge ? 500 : nil, isLarge: isLarge))
        return Heard(number: number, isLarge: isLarge, answer: answer, after: ContinuousClock.now - asked)
    }

    @Test
    func `beside large deliveries that take long to read everybody is answered in time, and nothing is lost`()
        async throws
    {
        try await withRunningService {
            $0.addVendor(limits: SourceLimits(deliveriesPerSecond: 10_000))
        } _: { service in
            try await service.addWithoutSession("ana")
            let heard = try await withThrowingTaskGroup { group in
                for number in 0..<8 {
                    group.addTask { try await Self.hear(number, isLarge: true, service) }
                }
                for lane in 0..<32 {
                    group.addTask {
                        // One after another, while the large ones are being read.
                        var slowest: Heard?
                        for turn in 0..<10 {
                            let next = try await Self.hear(100 + lane * 10 + turn, isLarge: false, service)
                            if !next.isClear || next.after > slowest?.after ?? .zero { slowest = next }
                            if !next.isClear { break }
                        }
                        return try #require(slowest)
                    }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            for item in heard {
                #expect(item.after < Self.patience, "\(item.number) heard \(item.answer.status)")
                #expect(item.isClear, "\(item.number) heard \(item.answer.text)")
            }
            #expect(heard.contains { $0.isLarge && $0.answer.status == 200 })
            #expect(heard.contains { $0.isLarge && $0.answer.status == 503 })
            #expect(heard.allSatisfy { $0.isLarge || $0.answer.status == 200 })
            for number in 0..<8 {
                try await service.until(within: .seconds(30)) {
                    try await Self.hear(number, isLarge: true, service).answer.status == 200
                }
            }
            #expect(try await service.ledgerCount() == 328)
        }
    }

    @Test
    func `what a large delivery is refused for, its sender hears as for a small one`() async throws {
        try await withRunningService {
            $0.addVendor()
        } _: { service in
            let forged = try await service.tell(Self.script(0, isLarge: true), proof: "bad")
            #expect(forged.status == 401)
            let garbled = try await service.send(
                "POST",
                "/v1/sources/vendor/events",
                key: nil,
                headers: ["X-Proof": "good"],
                body: "{" + Self.padding
            )
            #expect(garbled.status == 400, "\(garbled.text)")
            #expect(try await service.ledgerCount() == 0)
        }
    }

    private final class End: Sendable {
        let isThere = Atomic(false)
    }

    @Test
    func `what is turned away before anybody looked at its proof is no sign of life of its source`() async throws {
        try await withRunningService { setup in
            setup.addVendor(limits: SourceLimits(deliveriesPerSecond: 10_000))
            var other = setup.sources[0]
            other.name = "other"
            setup.sources.append(other)
        } _: { service in
            let end = End()
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<2 * ReadingRoom.placeLimit {
                    group.addTask {
                        let script = Self.script(number, effort: 300, isLarge: true)
                        repeat {
                            try await service.tell(script, to: "other")
                        } while !end.isThere.load(ordering: .relaxed)
                    }
                }
                group.addTask {
                    defer { end.isThere.store(true, ordering: .relaxed) }
                    try await service.until {
                        try await service.tell(Self.script(0, isLarge: true), proof: "bad").status == 503
                    }
                }
                try await group.waitForAll()
            }
            try await service.until { try await service.source().today["unavailable"] ?? 0 > 0 }
            let source = try await service.source()
            #expect(source.lastSeenAt == nil && source.state != "receiving", "\(source)")
            #expect(source.today["accepted"] == 0)
        }
    }

    @Test
    func `work that is over too late is told of in time, and keeps its place until it is over`() async throws {
        let room = ReadingRoom()
        let loop = MultiThreadedEventLoopGroup.singleton.any()
        let gate = Gate()
        let answered = await withTaskGroup { group in
            for _ in 0..<ReadingRoom.placeLimit {
                group.addTask {
                    await room.run(by: .now + .milliseconds(100), on: loop) {
                        gate.wait()
                        return true
                    }
                }
            }
            return await group.reduce(into: 0) { $0 += $1 == nil ? 0 : 1 }
        }
        #expect(answered == 0)
        let asked = ContinuousClock.now
        let refused = await room.run(by: asked + .seconds(60), on: loop) { true }
        #expect(refused == nil)
        #expect(ContinuousClock.now - asked < .seconds(30))
        gate.open()
        while await room.run(by: .now + .seconds(60), on: loop, { true }) == nil { await Task.yield() }
    }
}

/// Lets nobody through until it is opened.
private final class Gate: Sendable {
    private let group = DispatchGroup()

    init() { group.enter() }

    func open() { group.leave() }

    func wait() { group.wait() }
}
