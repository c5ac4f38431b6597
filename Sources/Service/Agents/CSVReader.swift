/// Reads the records of a CSV file (RFC 4180), fields as bytes.
///
/// Takes LF and CRLF, a byte order mark, and no line end at the end; blank lines are passed over.
struct CSVReader {
    struct Record {
        /// The line it begins on, from 1.
        var line: Int
        var fields: [[UInt8]]
    }

    private let bytes: [UInt8]
    private var position = 0
    private var line = 1
    /// Why reading ended early.
    private(set) var fault: AgentImportFile.Fault?

    init(_ bytes: some Collection<UInt8>) {
        self.bytes = Array(bytes)
        if self.bytes.starts(with: [0xEF, 0xBB, 0xBF]) { position = 3 }
    }

    /// The next record; `nil` at the end, or where the file is not CSV, see ``fault``.
    mutating func next() -> Record? {
        skipBlankLines()
        guard position < bytes.count, fault == nil else { return nil }
        var record = Record(line: line, fields: [])
        while true {
            guard let field = field(of: record.line) else { return nil }
            record.fields.append(field)
            guard position < bytes.count else { return record }
            let byte = bytes[position]
            position += 1
            switch byte {
            case UInt8(ascii: ","):
                continue
            case 0x0D where position < bytes.count && bytes[position] == 0x0A:
                position += 1
                line += 1
                return record
            case 0x0A, 0x0D:
                line += 1
                return record
            default:
                fault = AgentImportFile.Fault(line: record.line, detail: "there is text after a closing quote")
                return nil
            }
        }
    }

    private mutating func field(of start: Int) -> [UInt8]? {
        guard position < bytes.count, bytes[position] == UInt8(ascii: "\"") else {
            let from = position
            while position < bytes.count, !isEnd(bytes[position]) { position += 1 }
            return Array(bytes[from..<position])
        }
        position += 1
        var field: [UInt8] = []
        while position < bytes.count {
            let byte = bytes[position]
            position += 1
            if byte == UInt8(ascii: "\"") {
                guard position < bytes.count, bytes[position] == UInt8(ascii: "\"") else { return field }
                position += 1
            } else if byte == 0x0A {
                line += 1
            }
            field.append(byte)
        }
        fault = AgentImportFile.Fault(line: start, detail: "a quote is never closed")
        return nil
    }

    private func isEnd(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: ",") || byte == 0x0A || byte == 0x0D
    }

    private mutating func skipBlankLines() {
        while position < bytes.count, bytes[position] == 0x0A || bytes[position] == 0x0D {
            if bytes[position] == 0x0A { line += 1 }
            position += 1
        }
    }
}
