import Testing

@testable import Service

@Suite("Page assets")
struct PageAssetsTests {
    @Test
    func `no text of a script has the sign of a note in it, and is cut off there`() {
        for (name, bytes) in PageAssets.scripts {
            let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n")
            // What opened before the sign is closed before it.
            let cut = lines.filter { line in
                guard let sign = line.firstRange(of: " // ") else { return false }
                let code = line[..<sign.lowerBound]
                return code.count { $0 == "\"" } % 2 != 0 || code.count { $0 == "`" } % 2 != 0
            }
            #expect(cut == [], "\(name)")
        }
    }
}
