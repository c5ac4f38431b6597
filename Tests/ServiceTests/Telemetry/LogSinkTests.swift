import Dispatch
import Foundation
import Testing

@testable import Service

@Suite("LogSink")
struct LogSinkTests {
    @Test
    func `lines from many threads arrive whole`() throws {
        let pipe = Pipe()
        let sink = LogSink.descriptor(pipe.fileHandleForWriting.fileDescriptor)
        // Less than a pipe holds, so that writing never waits for the reading below.
        DispatchQueue.concurrentPerform(iterations: 8) { writer in
            for _ in 0..<50 { sink.write(Array((String(repeating: "\(writer)", count: 99) + "\n").utf8)) }
        }
        try pipe.fileHandleForWriting.close()
        let text = String(decoding: try #require(try pipe.fileHandleForReading.readToEnd()), as: UTF8.self)
        let lines = text.split(separator: "\n")
        #expect(lines.count == 400)
        #expect(lines.allSatisfy { $0.count == 99 && Set($0).count == 1 })
    }

    @Test
    func `a closed reader loses the line and nothing else`() throws {
        let file = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
        try Data().write(to: file)
        defer { try? FileManager.default.removeItem(at: file) }
        let readOnly = try FileHandle(forReadingFrom: file)
        LogSink.descriptor(readOnly.fileDescriptor).write(Array("lost\n".utf8))
        #expect(try Data(contentsOf: file).isEmpty)
    }
}
