import Foundation
import Testing

/// What the build put beside the running tests.
enum Built {
    /// Finds a file in the folder of the running tests, or in one a few levels above it.
    static func path(_ name: String) throws -> String {
        var folder = Bundle.main.executableURL?.deletingLastPathComponent()
        for _ in 0..<5 {
            guard let place = folder else { break }
            let candidate = place.appendingPathComponent(name).path
            var isFolder: ObjCBool = false
            if FileManager.default.fileExists(atPath: candidate, isDirectory: &isFolder), !isFolder.boolValue {
                return candidate
            }
            folder = place.deletingLastPathComponent()
        }
        let missing: String? = nil
        return try #require(missing, "\(name) is not built beside the tests")
    }
}
