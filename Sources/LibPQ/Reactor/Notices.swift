import CLibPQ

/// What a server said beside its answers, for one connection.
final class Notices {
    /// A commit succeeded here, but the wait for a standby was cancelled.
    private(set) var sawReplicationSkipped = false
    /// The code of a FATAL message that came while nothing was asked.
    private(set) var fatalState: String?

    /// Forgets what was said about an earlier transaction.
    func reset() {
        sawReplicationSkipped = false
    }

    /// Has a connection report here instead of printing to standard error.
    ///
    /// Called by the thread that owns the connection. The connection's owner holds this object for at least as long
    /// as the connection exists, so the pointer that libpq keeps never dangles.
    func attach(to connection: OpaquePointer) {
        unsafe PQsetNoticeReceiver(
            connection,
            { argument, result in
                guard let argument = unsafe argument, let result = unsafe result else { return }
                unsafe Unmanaged<Notices>.fromOpaque(argument).takeUnretainedValue().receive(result)
            },
            Unmanaged.passUnretained(self).toOpaque()
        )
    }

    private func receive(_ result: OpaquePointer) {
        let report = unsafe ServerReport(result)
        if report.isFatal { fatalState = report.sqlState }
        if report.saysReplicationSkipped { sawReplicationSkipped = true }
    }
}

/// The fields of an error or a notice that decisions depend on.
struct ServerReport {
    let severity: String?
    let sqlState: String?
    let message: String
    private let routine: String?
    private let context: String?
    private let constraint: String?
    private let table: String?
    private let column: String?

    /// Copies the fields; the result may be freed afterwards.
    init(_ result: OpaquePointer) {
        func field(_ code: Character) -> String? {
            guard let ascii = code.asciiValue else { return nil }
            return unsafe PQresultErrorField(result, Int32(ascii)).map { unsafe String(cString: $0) }
        }
        // Source: "Error and Notice Message Fields" in PostgreSQL's manual.
        severity = field("V") ?? field("S")
        sqlState = field("C")
        let whole = unsafe PQresultErrorMessage(result).map { unsafe String(cString: $0) }
        message = [field("M") ?? whole ?? "", field("D")].compactMap(\.self).joined(separator: " / ")
        routine = field("R")
        context = field("W")
        constraint = field("n")
        table = field("t")
        column = field("c")
    }

    /// The server ends the connection after this.
    var isFatal: Bool { severity == "FATAL" || severity == "PANIC" }

    /// The wait for a standby ended before one confirmed.
    ///
    /// Source: `SyncRepWaitForLSN` in PostgreSQL's `syncrep.c`: a WARNING without a code of its own, hence 01000. A
    /// function's RAISE WARNING has the same code but another routine, and a context.
    var saysReplicationSkipped: Bool {
        guard sqlState == "01000" || sqlState == "57P01", severity == "WARNING", context == nil else { return false }
        return routine.map { $0 == "SyncRepWaitForLSN" } ?? true
    }

    /// The server has no such prepared statement, or its plan no longer fits the tables.
    var saysStatementIsStale: Bool {
        sqlState == "26000" || sqlState == "0A000" && routine == "RevalidateCachedQuery"
    }

    func error(_ kind: PQError.Kind, statement: Int?) -> PQError {
        var error = PQError(kind, sqlState: sqlState, message)
        error.constraintName = constraint
        error.tableName = table
        error.columnName = column
        error.statementIndex = statement
        return error
    }
}
