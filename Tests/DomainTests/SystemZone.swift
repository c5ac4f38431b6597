import Domain
import Foundation
import Testing

/// The rules of a zone from this machine's tzdata; fails the test when it has none.
func systemZone(_ name: String) throws -> ZoneRules {
    let file = try Data(contentsOf: URL(filePath: "/usr/share/zoneinfo/\(name)"))
    return try #require(ZoneRules(name: name, file: Array(file)), "\(name)")
}
