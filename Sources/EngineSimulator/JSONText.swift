import FoundationEssentials
import NIOCore

extension ByteBuffer {
    /// Appends a JSON string, quotes included.
    mutating func writeJSON(_ text: String) {
        writeInteger(UInt8(ascii: "\""))
        if text.utf8.contains(where: { $0 < 0x20 || $0 == UInt8(ascii: "\"") || $0 == UInt8(ascii: "\\") }) {
            for scalar in text.unicodeScalars {
                switch scalar {
                case "\"": writeStaticString("\\\"")
                case "\\": writeStaticString("\\\\")
                case _ where scalar.value < 0x20:
                    let digits = String(scalar.value, radix: 16)
                    writeString("\\u" + String(repeating: "0", count: 4 - digits.count) + digits)
                default: writeString(String(scalar))
                }
            }
        } else {
            writeString(text)
        }
        writeInteger(UInt8(ascii: "\""))
    }
}

/// Encodes with names in snake case and members in a fixed order.
func encodedJSON(_ value: some Encodable) throws -> ByteBuffer {
    let encoder = JSONEncoder()
    encoder.keyEncodingStrategy = .convertToSnakeCase
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return ByteBuffer(bytes: try encoder.encode(value))
}

/// Decodes names in snake case.
func decodedJSON<Value: Decodable>(_ type: Value.Type, from body: ByteBuffer) throws -> Value {
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    return try decoder.decode(type, from: Data(body.readableBytesView))
}
