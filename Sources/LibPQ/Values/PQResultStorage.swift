import CLibPQ
import Glibc

/// Owns one `PGresult` and frees it with the last reference.
///
/// Proof for `@unchecked Sendable`: the pointer is set once and libpq never changes a `PGresult` after handing it out
/// (manual, "Behavior in Threaded Programs": results are read-only after creation and may be passed around freely
/// between threads). Only reading functions are called here, and `PQclear` exactly once, when nobody can read any more.
@safe @usableFromInline final class PQResultStorage: @unchecked Sendable {
    private let pointer: OpaquePointer
    let rowCount: Int
    let columnCount: Int

    /// Takes over a result.
    init(owning pointer: OpaquePointer) {
        unsafe self.pointer = pointer
        self.rowCount = unsafe Int(PQntuples(pointer))
        self.columnCount = unsafe Int(PQnfields(pointer))
    }

    deinit {
        unsafe PQclear(pointer)
    }

    /// Rows that the statement inserted, changed, deleted or returned.
    var affectedRows: Int {
        let text = unsafe PQcmdTuples(pointer)
        return unsafe text.flatMap { Int(unsafe String(cString: $0)) } ?? 0
    }

    func type(of column: Int) -> PQType {
        PQType(oid: unsafe PQftype(pointer, Int32(truncatingIfNeeded: column)))
    }

    func name(of column: Int) -> String {
        guard let name = unsafe PQfname(pointer, Int32(truncatingIfNeeded: column)) else { return "" }
        return unsafe String(cString: name)
    }

    /// The first column of that name, compared byte by byte; `nil` when there is none.
    func index(of name: String) -> Int? {
        unsafe name.withCString { wanted in
            for column in 0..<columnCount {
                guard let found = unsafe PQfname(pointer, Int32(truncatingIfNeeded: column)) else { continue }
                if unsafe strcmp(found, wanted) == 0 { return column }
            }
            return nil
        }
    }

    /// The length of a value in bytes; -1 is NULL.
    func length(row: Int, column: Int) -> Int {
        let (row, column) = checked(row, column)
        let length = unsafe Int(PQgetlength(pointer, row, column))
        // Of NULL it is 0, so only an empty value has to be asked about.
        return unsafe length == 0 && PQgetisnull(pointer, row, column) == 1 ? -1 : length
    }

    /// The bytes of a value, valid while this object lives; empty for NULL.
    func bytes(row: Int, column: Int) -> UnsafeRawBufferPointer {
        let (row, column) = checked(row, column)
        guard let start = unsafe PQgetvalue(pointer, row, column) else {
            return unsafe UnsafeRawBufferPointer(start: nil, count: 0)
        }
        return unsafe UnsafeRawBufferPointer(start: start, count: Int(PQgetlength(pointer, row, column)))
    }

    private func checked(_ row: Int, _ column: Int) -> (Int32, Int32) {
        precondition(row >= 0 && row < rowCount && column >= 0 && column < columnCount, "no such row or column")
        return (Int32(truncatingIfNeeded: row), Int32(truncatingIfNeeded: column))
    }
}
