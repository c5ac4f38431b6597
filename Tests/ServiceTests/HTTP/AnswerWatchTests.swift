import Hummingbird
import Logging
import NIOCore
import Service
import ServiceLifecycle
import Testing

@Suite("AnswerWatch", .timeLimit(.minutes(2)))
struct AnswerWatchTests {
    /// More than the kernel keeps for a connection, on both ends together.
    private static let answer = ByteBuffer(repeating: UInt8(ascii: "x"), count: 32_000_000)
    private static let large = "GET /large HTTP/1.1\r\nHost: x\r\n"

    // One answer is over for the framework, and its connection idle, though nobody took it; several are under way.
    @Test(arguments: [1, 5])
    func `who asks and takes nothing does not keep its connection`(requests: Int) async throws {
        let limits = AnswerLimits(patience: .seconds(1), stopLimit: .seconds(60))
        try await Self.serve(limits, idleTimeout: .milliseconds(500)) { listener in
            let greedy = try KeptConnection(port: listener.port)
            defer { greedy.end() }
            try await greedy.begin(String(repeating: Self.large + "\r\n", count: requests))
            await listener.hears(min(requests, 2))
            // There is room for one connection: this one is served once the other is closed.
            let next = try KeptConnection(port: listener.port)
            defer { next.end() }
            let answer = try await next.exchange("GET /small HTTP/1.1\r\nHost: x\r\n\r\n", until: "little")
            #expect(answer.hasPrefix("HTTP/1.1 200"), "\(answer)")
        }
    }

    @Test
    func `who takes an answer slowly gets all of it, however long that takes`() async throws {
        try await Self.serve(AnswerLimits(patience: .seconds(2))) { listener in
            let slow = try KeptConnection(port: listener.port)
            defer { slow.end() }
            try await slow.begin(Self.large + "Connection: close\r\n\r\n")
            let began = ContinuousClock.now
            let taken = await slow.take(bytesPerSecond: 5_000_000)
            #expect(taken > Self.answer.readableBytes)
            #expect(ContinuousClock.now - began > .seconds(4))
        }
    }

    @Test
    func `a connection is not idle as long as its answer is being taken`() async throws {
        try await Self.serve(AnswerLimits(), idleTimeout: .milliseconds(300)) { listener in
            let slow = try KeptConnection(port: listener.port)
            defer { slow.end() }
            try await slow.begin(Self.large + "\r\n")
            let taken = await slow.take(bytesPerSecond: 10_000_000)
            #expect(taken > Self.answer.readableBytes)
        }
    }

    @Test
    func `who ends its half of the connection with the request gets all of the answer`() async throws {
        try await Self.serve(AnswerLimits()) { listener in
            let slow = try KeptConnection(port: listener.port)
            defer { slow.end() }
            try await slow.begin(Self.large + "\r\n")
            slow.endRequests()
            let taken = await slow.take(bytesPerSecond: 20_000_000)
            #expect(taken > Self.answer.readableBytes)
        }
    }

    @Test(arguments: ["", "Connection: close\r\n"])
    func `an answer that is being taken at a stop is taken whole`(field: String) async throws {
        try await Self.serve(AnswerLimits(stopLimit: .seconds(60))) { listener in
            let slow = try KeptConnection(port: listener.port)
            defer { slow.end() }
            // All of it is written once its beginning is here, and the framework would close at once.
            let beginning = try await slow.exchange(Self.large + field + "\r\n", until: "HTTP/1.1 200")
            await listener.beginStop()
            let rest = await slow.take(bytesPerSecond: 10_000_000)
            #expect(beginning.utf8.count + rest > Self.answer.readableBytes)
            let isStopped = await listener.isStopped(within: .seconds(20))
            #expect(isStopped)
        }
    }

    @Test
    func `an answer that comes after the order to stop is taken whole`() async throws {
        try await Self.serve(AnswerLimits(stopLimit: .seconds(60))) { listener in
            let slow = try KeptConnection(port: listener.port)
            defer { slow.end() }
            try await slow.begin("GET /late-and-large HTTP/1.1\r\nHost: x\r\n\r\n")
            await listener.hears(1)
            await listener.beginStop()
            await listener.untilStopping()
            listener.answerLate()
            let taken = await slow.take(bytesPerSecond: 10_000_000)
            #expect(taken > Self.answer.readableBytes)
            let isStopped = await listener.isStopped(within: .seconds(20))
            #expect(isStopped)
        }
    }

    @Test(arguments: [1, 5])
    func `who takes nothing does not hold up a stop`(requests: Int) async throws {
        let limits = AnswerLimits(patience: .seconds(600), stopLimit: .milliseconds(300))
        try await Self.serve(limits) { listener in
            let greedy = try KeptConnection(port: listener.port)
            defer { greedy.end() }
            try await greedy.begin(String(repeating: Self.large + "\r\n", count: requests))
            await listener.hears(min(requests, 2))
            await listener.beginStop()
            let isStopped = await listener.isStopped(within: .seconds(20))
            #expect(isStopped)
        }
    }

    @Test
    func `what is answered in time is answered at a stop as well`() async throws {
        try await Self.serve(AnswerLimits(stopLimit: .seconds(60))) { listener in
            let waiting = try KeptConnection(port: listener.port)
            defer { waiting.end() }
            async let answer = waiting.exchange("GET /late HTTP/1.1\r\nHost: x\r\n\r\n", until: "at last")
            await listener.hears(1)
            await listener.beginStop()
            await listener.untilStopping()
            listener.answerLate()
            #expect(try await answer.hasPrefix("HTTP/1.1 200"))
            let isStopped = await listener.isStopped(within: .seconds(20))
            #expect(isStopped)
        }
    }

    /// A listener with room for one connection, for the length of the body.
    private static func serve(
        _ limits: AnswerLimits,
        idleTimeout: Duration = .seconds(75),
        _ body: @escaping @Sendable (Listener) async throws -> Void
    ) async throws {
        let logger = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
        let (ports, port) = AsyncStream<Int>.makeStream()
        let (heard, hear) = AsyncStream<Void>.makeStream()
        let (stopped, stop) = AsyncStream<Void>.makeStream()
        let (late, stopping) = (Latch(), Latch())
        let http = HTTPListener(
            host: "127.0.0.1",
            port: 0,
            unreadBodyTimeout: .seconds(20),
            answerLimits: limits,
            idleTimeout: idleTimeout,
            connectionLimit: 1,
            logger: logger
        ) { router in
            Self.addRoutes(to: router, hear: hear, late: late, stopping: stopping)
        } onListening: { number in
            port.yield(number)
        }
        let group = ServiceGroup(services: [http], logger: logger)
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask {
                defer {
                    port.finish()
                    stop.finish()
                }
                try await group.run()
            }
            for await number in ports {
                let listener = Listener(
                    port: number,
                    group: group,
                    heard: heard,
                    late: late,
                    stopping: stopping,
                    stopped: stopped
                )
                try await body(listener)
                break
            }
            await group.triggerGracefulShutdown()
            try await tasks.waitForAll()
        }
    }

    private static func addRoutes(
        to router: Router<AppRequestContext>,
        hear: AsyncStream<Void>.Continuation,
        late: Latch,
        stopping: Latch
    ) {
        let untilLate: @Sendable () async -> Void = {
            await withGracefulShutdownHandler {
                hear.yield()
                await late.wait()
            } onGracefulShutdown: {
                stopping.open()
            }
        }
        router.get("large") { _, _ in
            hear.yield()
            return Response(status: .ok, body: ResponseBody(byteBuffer: Self.answer))
        }
        router.get("small") { _, _ in "little" }
        router.get("late") { _, _ in
            await untilLate()
            return "at last"
        }
        router.get("late-and-large") { _, _ in
            await untilLate()
            return Response(status: .ok, body: ResponseBody(byteBuffer: Self.answer))
        }
    }
}

/// A running listener, as a test sees it.
private struct Listener: Sendable {
    let port: Int
    let group: ServiceGroup
    /// One element for each request for what is large or late.
    let heard: AsyncStream<Void>
    let late: Latch
    let stopping: Latch
    /// Ends with the listener.
    let stopped: AsyncStream<Void>

    /// Waits for so many requests.
    func hears(_ count: Int) async {
        var requests = heard.makeAsyncIterator()
        for _ in 0..<count { _ = await requests.next() }
    }

    func answerLate() { late.open() }

    /// Waits until a request that is under way was told of the stop.
    func untilStopping() async { await stopping.wait() }

    func beginStop() async { await group.triggerGracefulShutdown() }

    /// Whether it ends in time.
    func isStopped(within limit: Duration) async -> Bool {
        await withTaskGroup(of: Bool.self) { group in
            group.addTask {
                for await _ in stopped {}
                return !Task.isCancelled
            }
            group.addTask {
                try? await Task.sleep(for: limit)  // Cancelled: it ended before.
                return false
            }
            let isStopped = await group.next() ?? false
            group.cancelAll()
            return isStopped
        }
    }
}
