package import Domain
import FoundationEssentials

/// The zone rules of this machine, as its tzdata has them.
package enum SystemZones {
    /// Where Linux and macOS keep the compiled zones.
    private static let folder = "/usr/share/zoneinfo"

    /// The rules of a zone by its IANA name, for example `Europe/Berlin`.
    ///
    /// Reads a file at every call, so it is for settings at boot, not for events.
    ///
    /// - Returns: `nil` for a name that this machine does not know, or when it has no tzdata.
    package static func rules(named name: String) -> ZoneRules? {
        guard isZoneName(name), let file = FileManager.default.contents(atPath: "\(folder)/\(name)") else { return nil }
        return ZoneRules(name: name, file: Array(file))
    }

    /// Whether text has the form of a zone's name, which can then not lead out of the folder.
    private static func isZoneName(_ name: String) -> Bool {
        name.split(separator: "/", omittingEmptySubsequences: false).allSatisfy { part in
            !part.isEmpty
                && part.utf8.allSatisfy { byte in
                    switch byte {
                    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"), UInt8(ascii: "+"):
                        true
                    default: false
                    }
                }
        }
    }
}
