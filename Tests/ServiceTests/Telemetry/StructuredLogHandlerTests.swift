import Domain
import Foundation
import Logging
import Synchronization
import Testing

@testable import Service

@Suite("StructuredLogHandler")
struct StructuredLogHandlerTests {
    /// Keeps the lines instead of writing them.
    private final class Capture: Sendable {
        private let lines = Mutex<[[UInt8]]>([])

        var sink: LogSink {
            LogSink { line in self.lines.withLock { $0.append(line) } }
        }

        var texts: [String] { lines.withLock { $0.map { String(decoding: $0, as: UTF8.self) } } }
    }

    private func logger(_ capture: Capture, level: Logger.Level = .trace, secrets: [String] = []) -> Logger {
        Logger(label: "test") { label in
            StructuredLogHandler(
                label: label,
                level: level,
                redactor: Redactor(secrets: secrets),
                sink: capture.sink,
                now: { Timestamp(microseconds: 1_772_438_400_250_000) }
            )
        }
    }

    @Test
    func `an event is one line of JSON in a fixed order`() {
        let capture = Capture()
        logger(capture).info("instance started", metadata: [LogKeys.term: "3", LogKeys.instance: "amira"])
        let line =
            #"{"time":"2026-03-02T08:00:00.250Z","level":"info","label":"test","message":"instance started","#
            + #""metadata":{"instance":"amira","term":"3"}}"# + "\n"
        #expect(capture.texts == [line])
    }

    @Test
    func `whatever is logged, the line stays one line of valid JSON`() throws {
        let capture = Capture()
        let odd = "quote\" back\\slash \n\r\t\u{0}\u{1f}\u{7f}\u{2028} é 👋"
        logger(capture).warning("\(odd)", metadata: ["odd": "\(odd)", "list": ["a", ["b": "c"], []], "empty": [:]])
        let line = try #require(capture.texts.first)
        #expect(line.utf8.filter { $0 == UInt8(ascii: "\n") }.count == 1)
        let object = try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
        #expect(object["message"] as? String == odd)
        let metadata = try #require(object["metadata"] as? [String: Any])
        #expect(metadata["odd"] as? String == odd)
        #expect((metadata["list"] as? [Any])?.count == 3)
    }

    @Test
    func `events below the level are dropped`() {
        let capture = Capture()
        let logger = logger(capture, level: .warning)
        logger.info("no")
        logger.warning("yes")
        #expect(capture.texts.count == 1)
        #expect(capture.texts.first?.contains(#""level":"warning""#) == true)
    }

    @Test
    func `nothing secret passes, wherever it stands`() {
        let capture = Capture()
        var logger = logger(capture, secrets: ["hunter-2-hunter"])
        logger[metadataKey: "base"] = "hunter-2-hunter"
        logger.error(
            "failed for 491701234567 with hunter-2-hunter",
            error: Failure(description: "GET ?access_token=xyz"),
            metadata: [
                "list": ["Bearer abcdefghijk", .stringConvertible(491_701_234_567)],
                "inner": ["chat": "491701234567@c.us"],
                "engine_token": "short",
                LogKeys.instance: "hunter-2-hunter",
            ]
        )
        let text = capture.texts.joined()
        for leak in ["hunter", "4917", "xyz", "abcdef", "short"] { #expect(!text.contains(leak), "\(leak)") }
        #expect(text.contains(#""engine_token":"[redacted]""#))
        #expect(text.contains(#""error":"GET ?access_token=[redacted]""#))
    }

    private struct Failure: Error, CustomStringConvertible {
        var description: String
    }

    @Test(arguments: LogKeys.identifiers)
    func `our own identifiers keep their digits`(key: String) {
        let capture = Capture()
        logger(capture).info("m", metadata: [key: "84729105123"])
        #expect(capture.texts.joined().contains("84729105123"))
    }

    @Test
    func `the event's metadata wins over the provider's, and that over the logger's`() {
        let capture = Capture()
        var logger = Logger(label: "test") { label in
            var handler = StructuredLogHandler(label: label, level: .info, redactor: Redactor(), sink: capture.sink)
            handler.metadataProvider = Logger.MetadataProvider { ["a": "provider", "b": "provider"] }
            return handler
        }
        logger[metadataKey: "a"] = "logger"
        logger[metadataKey: "b"] = "logger"
        logger[metadataKey: "c"] = "logger"
        logger.info("m", metadata: ["a": "event"])
        #expect(capture.texts.joined().contains(#""metadata":{"a":"event","b":"provider","c":"logger"}"#))
    }

    @Test
    func `a value is cut at its limit after it was redacted`() {
        let capture = Capture()
        let secret = "a-long-secret-at-the-border"
        let filler = String(repeating: "x", count: StructuredLogHandler.textLimit - 5)
        logger(capture, secrets: [secret]).info("\(filler)\(secret)\(filler)")
        let text = capture.texts.joined()
        #expect(!text.contains("a-lon"))
        #expect(text.utf8.count < StructuredLogHandler.textLimit + 200)
    }

    @Test
    func `metadata without end is cut at its depth`() {
        let capture = Capture()
        var value: Logger.MetadataValue = "deep"
        for _ in 0..<50 { value = ["x": value] }
        logger(capture).info("m", metadata: ["x": value])
        #expect(!capture.texts.joined().contains("deep"))
        #expect(capture.texts.joined().contains(Redactor.mark))
    }

    @Test
    func `two loggers from one start do not share their level`() {
        let capture = Capture()
        let first = logger(capture, level: .info)
        var second = first
        second.logLevel = .debug
        first.debug("no")
        second.debug("yes")
        #expect(capture.texts.count == 1)
    }
}
