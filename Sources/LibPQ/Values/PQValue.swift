/// One value of a result, not yet read: a column of a row, or an element of an array in one.
public struct PQValue: Sendable {
    /// The value's type.
    public let type: PQType
    private let source: PQResultStorage
    private let column: Int32
    /// Where the bytes begin, counted from the cell's first byte.
    private let row: Int32
    private let offset: Int
    /// The length in bytes; -1 is NULL.
    private let length: Int

    /// `type`: the column's, which who reads many rows looks up once.
    @usableFromInline init(source: PQResultStorage, row: Int, column: Int, type: PQType) {
        self.row = Int32(truncatingIfNeeded: row)
        self.column = Int32(truncatingIfNeeded: column)
        self.type = type
        self.offset = 0
        self.length = source.length(row: row, column: column)
        // Last, so that the reference is handed on and not counted once more for each value.
        self.source = source
    }

    /// A part of another value: an element of an array.
    private init(of whole: PQValue, type: PQType, offset: Int, length: Int) {
        self.source = whole.source
        self.row = whole.row
        self.column = whole.column
        self.type = type
        self.offset = whole.offset + offset
        self.length = length
    }

    /// Whether the value is NULL.
    public var isNull: Bool { length < 0 }

    /// The length in bytes; 0 for NULL.
    public var count: Int { max(0, length) }

    /// The error for a value that is not what the caller asked for; it names the column and never shows the value.
    ///
    /// - Parameter reason: what is wrong, without the value.
    /// - Returns: an error of kind `decoding`.
    public func failure(_ reason: String) -> PQError {
        .decoding(column: source.name(of: Int(column)), reason)
    }

    /// The element that starts at an offset.
    func element(type: PQType, offset: Int, length: Int) -> PQValue {
        PQValue(of: self, type: type, offset: offset, length: length)
    }

    func mismatch(_ wanted: Any.Type) -> PQError {
        failure("a value of type \(type.oid) is no \(wanted)")
    }

    /// Gives the bytes to a closure; they are not valid after it.
    private func withBytes<Answer>(_ body: (UnsafeRawBufferPointer) -> Answer) -> Answer {
        // The storage owns the bytes; it is kept alive for as long as the pointer is in use.
        withExtendedLifetime(source) {
            let cell = unsafe source.bytes(row: Int(row), column: Int(column))
            return unsafe body(UnsafeRawBufferPointer(rebasing: cell[offset..<(offset + count)]))
        }
    }

    /// Reads a whole value as an integer in network byte order.
    func integer<Value: FixedWidthInteger>(_: Value.Type, of expected: PQType) throws(PQError) -> Value {
        guard type == expected else { throw mismatch(Value.self) }
        guard !isNull else { throw failure("NULL") }
        guard count == MemoryLayout<Value>.size else { throw failure("\(count) bytes long") }
        return unsafe withBytes { bytes in unsafe Value(bigEndian: bytes.loadUnaligned(as: Value.self)) }
    }

    /// Reads four bytes inside the value; the caller has checked that they are there.
    func integer(at position: Int) -> Int32 {
        precondition(position >= 0 && position + 4 <= count)
        return unsafe withBytes { bytes in
            unsafe Int32(bigEndian: bytes.loadUnaligned(fromByteOffset: position, as: Int32.self))
        }
    }

    /// Reads the rest of the value as UTF-8.
    func text(skipping prefix: Int) -> String {
        unsafe withBytes { bytes in
            unsafe String(decoding: UnsafeRawBufferPointer(rebasing: bytes.dropFirst(prefix)), as: UTF8.self)
        }
    }

    /// The value's bytes, copied.
    public var bytes: [UInt8] {
        unsafe withBytes { bytes in unsafe [UInt8](bytes) }
    }

    /// Copies a value of exactly the target's length; false when the lengths differ.
    func copy(into target: UnsafeMutableRawBufferPointer) -> Bool {
        guard !isNull, count == target.count else { return false }
        unsafe withBytes { bytes in unsafe target.copyMemory(from: bytes) }
        return true
    }
}
