import Foundation
import Gzip
import Testing

@testable import Service

@Suite("Compress", .timeLimit(.minutes(2)))
struct CompressTests {
    /// What `gzip -d` makes of bytes.
    private func unpacked(_ bytes: [UInt8]) throws -> [UInt8] {
        let file = FileManager.default.temporaryDirectory.appending(path: "\(UUID().uuidString).gz")
        try Data(bytes).write(to: file)
        defer { try? FileManager.default.removeItem(at: file) }
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = ["gzip", "-dc", file.path()]
        let pipe = Pipe()
        process.standardOutput = pipe
        try process.run()
        let out = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        #expect(process.terminationStatus == 0)
        return Array(out)
    }

    @Test(arguments: [0, 1, 1000, 70_000, 1_000_000])
    func `what is packed is what gzip unpacks`(length: Int) throws {
        let bytes = (0..<length).map { UInt8(truncatingIfNeeded: $0 &* $0 / 7 % 251) }
        for effort in [Gzip.Effort.quick, .thorough] {
            #expect(try unpacked(try #require(Gzip.compress(bytes, effort: effort))) == bytes)
        }
    }

    @Test
    func `pages and assets are packed for who takes it, and for nobody else`() async throws {
        try await withPage { page in
            for number in 0..<20 { try await page.management.addAgent("a\(number)") }
            let signIn = try await page.signIn(as: .view)
            for path in ["/", "/assets/page.css", "/assets/fleet.js"] {
                let plain = try await page.send("GET", path, signIn)
                #expect(plain.headers["content-encoding"] == nil && plain.headers["vary"] == "Accept-Encoding")
                let packed = try await page.send("GET", path, signIn, headers: ["Accept-Encoding": "br, gzip;q=0.8"])
                #expect(packed.headers["content-encoding"] == "gzip", "\(path)")
                #expect(packed.body.count * 2 < plain.body.count, "\(path)")
                let refused = try await page.send("GET", path, signIn, headers: ["Accept-Encoding": "gzip;q=0, br"])
                #expect(refused.headers["content-encoding"] == nil)
            }
            let list = try await page.send("GET", "/v1/agents", signIn, headers: ["Accept-Encoding": "gzip"])
            #expect(list.headers["content-encoding"] == "gzip")
            let session = try await page.send("GET", "/session", signIn, headers: ["Accept-Encoding": "gzip"])
            #expect(session.headers["content-encoding"] == nil, "it holds the proof")
        }
    }

    @Test
    func `a browser that has a packed asset is told that it has not changed`() async throws {
        try await withPage { page in
            let headers = ["Accept-Encoding": "gzip"]
            let first = try await page.send("GET", "/assets/page.css", nil, headers: headers)
            let tag = try #require(first.headers["etag"])
            let again = try await page.send(
                "GET",
                "/assets/page.css",
                nil,
                headers: headers.merging(["If-None-Match": tag]) { _, own in own }
            )
            #expect(again.status == 304)
            #expect((try await page.send("GET", "/assets/page.css", nil)).headers["etag"] != tag)
        }
    }
}
