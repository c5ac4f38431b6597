import AsyncHTTPClient
import Foundation
import Hummingbird
import Logging
import NIOCore
import NIOHTTP1

// Measures what a request costs in the two libraries that carry them, with nothing of ours in between.
//
// usage: swift run -c release library-benchmark [SECONDS [CONNECTIONS]]
//
// One process asks with async-http-client, another answers with Hummingbird from an empty handler. Prints the requests a second,
// and the microseconds of processor time a request of each: the median of the rounds.

/// Told apart by the word: this program starts itself once more.
let serverWord = "serve"
let rounds = 5

/// Serves `GET /` on a free port, says which, and ends when whoever started it does.
func serve() async throws {
    let router = Router()
    router.get("/") { _, _ in "{}" }
    var logger = Logger(label: "library-benchmark")
    logger.logLevel = .critical
    let application = Application(
        router: router,
        configuration: ApplicationConfiguration(address: .hostname("127.0.0.1", port: 0), serverName: nil),
        onServerRunning: { channel in
            let line = "\(channel.localAddress?.port ?? 0)\n"
            // Where nobody is there to hear it, the end comes at once.
            try? FileHandle.standardOutput.write(contentsOf: Data(line.utf8))
        },
        logger: logger
    )
    Thread.detachNewThread {
        _ = try? FileHandle.standardInput.readToEnd()  // Whatever ends it, nobody needs this process any more.
        exit(0)
    }
    try await application.run()
}

/// The processor time that a process has had, in microseconds; from `/proc`, in steps of a hundredth of a second.
func processorTime(of pid: Int32) throws -> Double {
    let text = try String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8)
    // Behind the name in brackets: the twelfth and the thirteenth field are the user's and the system's ticks.
    let fields = (text.split(separator: ")").last ?? "").split(separator: " ")
    guard fields.count > 12, let user = Double(fields[11]), let system = Double(fields[12]) else { return .nan }
    return (user + system) * 1e6 / Double(sysconf(Int32(_SC_CLK_TCK)))
}

/// Asks over as many connections as given until a moment, and returns how many answers came.
func ask(
    _ client: HTTPClient,
    _ url: String,
    connections: Int,
    until end: ContinuousClock.Instant
) async throws -> Int {
    let request = try HTTPClient.Request(url: url)
    return try await withThrowingTaskGroup(of: Int.self) { group in
        for _ in 0..<connections {
            group.addTask {
                var answers = 0
                while ContinuousClock.now < end {
                    guard try await client.execute(request: request).get().status == .ok else { break }
                    answers += 1
                }
                return answers
            }
        }
        return try await group.reduce(0, +)
    }
}

func median(_ values: [Double]) -> Double {
    values.sorted()[values.count / 2]
}

func measure(seconds: Double, connections: Int) async throws {
    let server = Process()
    let (input, output) = (Pipe(), Pipe())
    server.executableURL = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath()
    server.arguments = [serverWord]
    server.standardInput = input
    server.standardOutput = output
    try server.run()
    defer {
        server.terminate()
        server.waitUntilExit()
    }
    let line = String(decoding: output.fileHandleForReading.availableData, as: UTF8.self)
    let url = "http://127.0.0.1:\(line.prefix { $0.isNumber })/"
    var configuration = HTTPClient.Configuration()
    configuration.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = connections
    let client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
    var figures: (rate: [Double], client: [Double], server: [Double]) = ([], [], [])
    // The first round warms up.
    for round in 0...rounds {
        let before = (try processorTime(of: getpid()), try processorTime(of: server.processIdentifier))
        let end = ContinuousClock.now + .seconds(seconds)
        let answers = Double(try await ask(client, url, connections: connections, until: end))
        guard round > 0 else { continue }
        figures.rate.append(answers / seconds)
        figures.client.append((try processorTime(of: getpid()) - before.0) / answers)
        figures.server.append((try processorTime(of: server.processIdentifier) - before.1) / answers)
    }
    try await client.shutdown()
    print("requests/s \(Int(median(figures.rate)))")
    print("async-http-client, us a call \(Int(median(figures.client).rounded()))")
    print("Hummingbird, us a request \(Int(median(figures.server).rounded()))")
}

let words = CommandLine.arguments.dropFirst()
if words.first == serverWord {
    try await serve()
} else {
    let numbers = words.compactMap { Double($0) }
    try await measure(seconds: numbers.first ?? 4, connections: numbers.count > 1 ? Int(numbers[1]) : 64)
}
