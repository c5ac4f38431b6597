/// How far a transaction is kept apart from those that run beside it.
public enum PQIsolation: String, Sendable, Hashable, CaseIterable {
    case readCommitted, repeatableRead, serializable

    /// The statement that begins such a transaction.
    var begin: PQStatement {
        switch self {
        case .readCommitted: "BEGIN ISOLATION LEVEL READ COMMITTED"
        case .repeatableRead: "BEGIN ISOLATION LEVEL REPEATABLE READ"
        case .serializable: "BEGIN ISOLATION LEVEL SERIALIZABLE"
        }
    }
}

/// What one trip to the server carries.
struct Plan: Sendable {
    /// How the trip ends.
    enum End: Sendable {
        /// The server commits by itself: all statements are one implicit transaction.
        case implicit
        /// The transaction stays open.
        case open
        case commit
        case rollback
    }

    /// Begins a transaction before the first statement.
    var begin: PQIsolation?
    var statements: [PQStatement] = []
    /// Text of several statements, run alone and without values.
    var script: String?
    var end = End.implicit

    static let commit: PQStatement = "COMMIT"
    static let rollback: PQStatement = "ROLLBACK"

    /// Whether something may have been committed when the answer is lost.
    var mayCommit: Bool {
        switch end {
        case .implicit: script != nil || !statements.allSatisfy(\.isRead)
        case .commit: true
        case .open, .rollback: false
        }
    }

    /// Whether an error must be followed by ROLLBACK.
    var isTransaction: Bool {
        switch end {
        case .implicit: false
        case .open, .commit, .rollback: true
        }
    }

    /// Whether it may be the first trip of a transaction or session.
    var opensLease: Bool { begin != nil || end == .implicit }

    /// Whether nothing that was done before depends on this trip, so that it may be made again when it did nothing.
    var isSelfContained: Bool { opensLease && script == nil }
}

/// What one answer of the server is about, in the order the answers come.
enum Expectation {
    case deallocate(String)
    case prepare(StatementCache.Key, statement: Int?)
    case begin
    case statement(Int)
    case commit
    case rollback
    case script
    case sync
}
