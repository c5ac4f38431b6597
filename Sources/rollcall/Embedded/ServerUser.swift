import FoundationEssentials
import Glibc

/// The user that PostgreSQL runs as when we are root, which it refuses to be.
struct ServerUser: Sendable, Hashable {
    var name: String
    var userID: UInt32
    var groupID: UInt32

    /// `nil` when we are not root, and so need no other user.
    ///
    /// - Throws: when we are root and there is no user `postgres`.
    static func needed() throws(EmbeddedError) -> ServerUser? {
        guard geteuid() == 0 else { return nil }
        // The server's package makes this user, always in this file.
        let text = (try? String(contentsOfFile: "/etc/passwd", encoding: .utf8)) ?? ""
        guard let user = find("postgres", inPasswordFile: text) else {
            throw EmbeddedError(.folderUnusable, "PostgreSQL does not run as root, and there is no user postgres")
        }
        return user
    }

    /// Finds a user's line in passwd(5), which is name, password, user id, group id and more.
    static func find(_ name: String, inPasswordFile text: String) -> ServerUser? {
        for line in text.split(separator: "\n") {
            let fields = line.split(separator: ":", omittingEmptySubsequences: false)
            if fields.count >= 4, fields[0] == name, let user = UInt32(fields[2]), let group = UInt32(fields[3]) {
                return ServerUser(name: name, userID: user, groupID: group)
            }
        }
        return nil
    }

    /// The command line that runs a program as this user, without a process in between.
    func wrapping(_ command: [String]) -> [String] {
        ["setpriv", "--reuid=\(userID)", "--regid=\(groupID)", "--clear-groups", "--"] + command
    }
}
