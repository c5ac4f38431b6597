import Domain
import Foundation
import Testing

@testable import ClockSources

/// Throws deliveries at every adapter that nobody would send by accident; `docs/fuzzing.md` says how to run more.
@Suite("fuzz")
struct FuzzTests {
    /// `FUZZ_SEED` and `FUZZ_COUNT`: case number n of every kind is drawn from seed + n, so one case replays alone.
    private static let seed = ProcessInfo.processInfo.environment["FUZZ_SEED"].flatMap { UInt64($0) } ?? 20_260_302
    private static let count = ProcessInfo.processInfo.environment["FUZZ_COUNT"].flatMap { Int($0) } ?? 600

    @Test(arguments: SourceKind.allCases)
    func `nothing crashes an adapter, keeps it busy or passes for genuine`(kind: SourceKind) throws {
        let samples = try FuzzSample.all(of: kind)
        let diary = try FuzzDiary(kind.rawValue)
        var refused = 0
        var read = 0
        for number in 0..<Self.count {
            let seed = Self.seed &+ UInt64(number)
            try diary.note("FUZZ_SEED=\(seed) FUZZ_COUNT=1, \(kind.rawValue)")
            var draw = FuzzDraw(seed: seed)
            let trial = try FuzzTrial(draw.one(of: samples), &draw)
            for fault in trial.faults() { Issue.record("FUZZ_SEED=\(seed) FUZZ_COUNT=1, \(kind): \(fault)\n\(trial)") }
            if trial.reading == nil { refused += 1 } else { read += 1 }
        }
        try diary.end()
        // A run that only ever saw one of the two tried nothing.
        if Self.count >= 100 { #expect(refused > Self.count / 10 && read > Self.count / 10) }
    }

    @Test
    func `nothing crashes the reading of a fetched record`() throws {
        let source = try #require(try FuzzSample.all(of: .personio).first?.source as? any RecordNamingSource)
        let reference = try #require(RecordReference(kind: "attendance-period", id: "p-1"))
        let fetchedAt = Timestamp(seconds: 1_772_500_000)
        let record = """
            {"id":"p-1","type":"WORK","person":{"id":"7"},"start":{"date_time":"2026-03-02T08:00:00+01:00"},\
            "end":{"date_time":null},"status":"CONFIRMED","updated_at":"2026-03-02T08:00:01Z"}
            """
        let recorded = try #require(decodeJSON(FuzzJSON.self, from: Array(record.utf8)))
        let diary = try FuzzDiary("fetched-record")
        #expect(source.read(Array(record.utf8), of: reference, fetchedAt: fetchedAt).punches.count == 1)
        for number in 0..<Self.count {
            let seed = Self.seed &+ UInt64(number)
            try diary.note("FUZZ_SEED=\(seed) FUZZ_COUNT=1, fetched record")
            var draw = FuzzDraw(seed: seed)
            var json = recorded
            for _ in 0...draw.below(4) { json.change(&draw) }
            let body = draw.once(in: 4) ? draw.changed(Array(record.utf8)) : Array(json.text.utf8)
            let reading = source.read(body, of: reference, fetchedAt: fetchedAt)
            for fault in reading.faults(receivedAt: fetchedAt) {
                Issue.record("FUZZ_SEED=\(seed) FUZZ_COUNT=1: \(fault)\n\(String(decoding: body, as: UTF8.self))")
            }
        }
        try diary.end()
    }
}

extension FuzzTests {
    /// What anybody can send, as large as the HTTP layer lets it in.
    @Test(arguments: SourceKind.allCases)
    func `nobody keeps an adapter busy without the secret`(kind: SourceKind) throws {
        let size = 1_048_576
        for sample in try FuzzSample.all(of: kind).prefix(4) {
            for piece in ["a&", "=&", "[", "{\"a\":", "0,", "%41=%42&", "\\", "\u{FEFF}"] {
                var large = sample.delivery
                large.body = Array(String(repeating: piece, count: size / piece.utf8.count).utf8)
                large.token = large.token.map { _ in String(repeating: "a", count: 10_000) }
                for name in sample.signer.provingHeaders {
                    large.set(name, (0..<2000).map { "s\($0)=(\"@path\");created=1" }.joined(separator: ","))
                }
                let (kind, seconds) = FuzzTrial.cost(of: large, by: sample.source)
                #expect(kind == .badProof, "\(piece)")
                #expect(seconds < FuzzTrial.timeLimit, "\(piece): \(seconds) s")
            }
        }
    }
}

/// Notes which case is being tried, since a crash or a hang leaves no other trace of it.
private struct FuzzDiary {
    private let file: URL
    private let handle: FileHandle

    init(_ name: String) throws {
        file = FileManager.default.temporaryDirectory.appending(path: "rollcall-fuzz-\(name)")
        try Data().write(to: file)
        handle = try FileHandle(forWritingTo: file)
    }

    func note(_ line: String) throws {
        try handle.truncate(atOffset: 0)
        try handle.write(contentsOf: Data("\(line)\n".utf8))
    }

    func end() throws {
        try handle.close()
        try FileManager.default.removeItem(at: file)
    }
}
