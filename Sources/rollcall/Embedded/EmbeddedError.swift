/// The database of `serve --embedded` cannot be had.
package struct EmbeddedError: Error, Sendable, Hashable {
    /// What is in the way.
    package enum Kind: String, Sendable, Hashable {
        /// No server binaries, or none of the version that the data has.
        case noServer
        /// Another Rollcall has the folder.
        case folderInUse
        /// The folder cannot be made or used.
        case folderUnusable
        /// A program of PostgreSQL ended with an error.
        case commandFailed
    }

    package var kind: Kind
    /// What happened and what to do; has paths and PostgreSQL's words, no secrets.
    package var detail: String

    package init(_ kind: Kind, _ detail: String) {
        self.kind = kind
        self.detail = detail
    }
}

extension EmbeddedError: CustomStringConvertible {
    package var description: String { "embedded PostgreSQL: \(detail)" }
}
