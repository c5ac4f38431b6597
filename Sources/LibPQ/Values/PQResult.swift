/// What a statement answered.
///
/// Immutable and cheap to pass around; reading needs no lock.
public struct PQResult: Sendable, RandomAccessCollection {
    let storage: PQResultStorage

    init(_ storage: PQResultStorage) {
        self.storage = storage
    }

    /// How many rows were returned.
    public var rowCount: Int { storage.rowCount }
    /// How many rows were inserted, changed, deleted or returned.
    public var affectedRows: Int { storage.affectedRows }

    /// The position of the first row.
    public var startIndex: Int { 0 }
    /// The position after the last row.
    public var endIndex: Int { storage.rowCount }

    /// The row at a position, from 0.
    public subscript(row: Int) -> PQRow {
        precondition(row >= 0 && row < storage.rowCount, "no such row")
        return PQRow(storage: storage, index: row)
    }

    /// Finds a column once, for reading it in many rows.
    ///
    /// - Throws: kind `decoding` when the result has no such column.
    public func decoder<Value: PQDecodable>(_ name: String, as _: Value.Type) throws(PQError) -> PQColumn<Value> {
        let index = try storage.requireIndex(of: name)
        return PQColumn(index: index, type: storage.type(of: index))
    }
}

/// One row of a result.
public struct PQRow: Sendable {
    @usableFromInline let storage: PQResultStorage
    @usableFromInline let index: Int

    /// Reads a column by its name.
    ///
    /// - Throws: kind `decoding`, naming the column: it does not exist, or its value is not a `Value`.
    public func column<Value: PQDecodable>(_ name: String, as _: Value.Type) throws(PQError) -> Value {
        let column = try storage.requireIndex(of: name)
        return try Value(pq: PQValue(source: storage, row: index, column: column, type: storage.type(of: column)))
    }
}

/// A column of a result, found by ``PQResult/decoder(_:as:)``; use it with rows of that result only.
///
/// Inlinable, so that callers read values of a known type without looking the type up for each.
public struct PQColumn<Value: PQDecodable>: Sendable {
    @usableFromInline let index: Int
    @usableFromInline let type: PQType

    /// Reads the column in a row.
    ///
    /// - Throws: kind `decoding`, naming the column: its value is not a `Value`.
    @inlinable public subscript(row: PQRow) -> Value {
        get throws(PQError) {
            try Value(pq: PQValue(source: row.storage, row: row.index, column: index, type: type))
        }
    }
}

extension PQResultStorage {
    func requireIndex(of name: String) throws(PQError) -> Int {
        guard let index = index(of: name) else { throw .decoding(column: name, "no such column") }
        return index
    }
}
