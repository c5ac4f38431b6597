/// A call to PostgreSQL that did not do what was asked.
public struct PQError: Error, Equatable, Sendable {
    /// What went wrong, in the terms a caller acts on.
    public enum Kind: String, Sendable, Hashable, CaseIterable {
        /// No connection could be made; nothing was sent.
        case connectionFailed
        /// The connection broke; the transaction did not commit, or there was nothing in it to commit.
        case connectionLost
        /// No connection became free in time; nothing was sent.
        case poolTimeout
        /// Too many callers wait already; nothing was sent.
        case poolOverloaded
        /// The pool is shut down; nothing was sent.
        case poolClosed
        /// The caller's deadline passed; the transaction did not commit.
        case timedOut
        /// The caller's task was cancelled; the transaction did not commit.
        case cancelled
        /// The server refused; see ``PQError/sqlState``.
        case server
        /// The answer to a commit never came: it may have happened or not.
        case commitUnknown
        /// Committed on this server, but the wait for a standby was cancelled: a failover may lose it.
        case notReplicated
        /// The statement cannot be sent as it is, or was used where it may not be.
        case invalidInput
        /// A value is not what the caller asked for; see ``PQError/columnName``.
        case decoding
    }

    /// What went wrong.
    public var kind: Kind
    /// The server's five-character code, when it sent one.
    public var sqlState: String?
    /// The constraint that was violated, when the server named one.
    public var constraintName: String?
    /// The table the error is about, when the server named one.
    public var tableName: String?
    /// The column the error is about: of the result when decoding, else as the server named it.
    public var columnName: String?
    /// Which statement of a pipeline failed, from 0; those after it were skipped.
    public var statementIndex: Int?
    /// Our own or the server's words; they may show values, hosts and users, never the password.
    var detail: String

    /// Makes an error, also for what stands in for a database.
    ///
    /// - Parameters:
    ///   - kind: what went wrong.
    ///   - sqlState: the server's five-character code.
    ///   - detail: for a debugger or a test only.
    public init(_ kind: Kind, sqlState: String? = nil, _ detail: String) {
        self.kind = kind
        self.sqlState = sqlState
        self.detail = detail
    }

    /// The error for a value that is not what the caller asked for.
    static func decoding(column: String, _ reason: String) -> PQError {
        var error = PQError(.decoding, reason)
        error.columnName = column
        return error
    }

    /// Whether the same call may succeed later with nobody changing anything, and may be made again without harm.
    public var isTransient: Bool {
        switch kind {
        case .connectionFailed, .connectionLost, .poolTimeout, .poolOverloaded, .timedOut: true
        case .poolClosed, .cancelled, .commitUnknown, .notReplicated, .invalidInput, .decoding: false
        case .server: sqlState.map(Self.isTransient(sqlState:)) ?? false
        }
    }

    /// Source: appendix A of PostgreSQL's manual.
    ///
    /// 25006 comes from a server that was demoted under us.
    private static func isTransient(sqlState: String) -> Bool {
        switch sqlState {
        case "40001", "40P01", "55P03", "25006", "57014", "57P01", "57P02", "57P03", "26000", "25P03", "57P05": true
        default: sqlState.hasPrefix("08") || sqlState.hasPrefix("53")
        }
    }
}

extension PQError: CustomStringConvertible, CustomDebugStringConvertible {
    /// Safe to log and to show: names no host, user, statement or value.
    public var description: String {
        "database \(kind.rawValue)" + (sqlState.map { " (SQLSTATE \($0))" } ?? "")
    }

    /// Everything but the password; for a debugger or a test, never for a log.
    ///
    /// Swift shows this, not ``description``, where an error is nested in a value without a description of its own.
    public var debugDescription: String {
        let parts = [
            columnName.map { "column \($0)" }, constraintName.map { "constraint \($0)" },
            statementIndex.map { "statement \($0)" },
        ]
        let names = parts.compactMap(\.self).joined(separator: ", ")
        return "\(description)\(names.isEmpty ? "" : " [\(names)]"): \(detail)"
    }
}
