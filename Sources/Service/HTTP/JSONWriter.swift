package import Domain
package import NIOCore

/// Writes one JSON object member by member into a buffer.
///
/// By hand, since lists of agents are read often and a reflecting encoder was measured to cost more than the query
/// behind them.
package struct JSONObjectWriter {
    private var isFirst = true

    package init(_ buffer: inout ByteBuffer) {
        buffer.writeInteger(UInt8(ascii: "{"))
    }

    package func end(_ buffer: inout ByteBuffer) {
        buffer.writeInteger(UInt8(ascii: "}"))
    }

    /// Writes the member's name; the value is the caller's.
    package mutating func name(_ name: StaticString, into buffer: inout ByteBuffer) {
        if isFirst {
            buffer.writeInteger(UInt8(ascii: "\""))
        } else {
            buffer.writeInteger(0x2C22 as UInt16)  // ,"
        }
        isFirst = false
        buffer.writeStaticString(name)
        buffer.writeInteger(0x223A as UInt16)  // ":
    }

    package mutating func member(_ name: StaticString, _ value: String?, into buffer: inout ByteBuffer) {
        self.name(name, into: &buffer)
        if let value { buffer.writeJSON(value) } else { buffer.writeStaticString("null") }
    }

    package mutating func member(_ name: StaticString, _ value: Timestamp?, into buffer: inout ByteBuffer) {
        self.name(name, into: &buffer)
        if let value { buffer.writeJSON(value) } else { buffer.writeStaticString("null") }
    }

    package mutating func member(_ name: StaticString, _ value: some BinaryInteger, into buffer: inout ByteBuffer) {
        self.name(name, into: &buffer)
        buffer.writeString(String(value))
    }

    package mutating func member(_ name: StaticString, _ value: Bool, into buffer: inout ByteBuffer) {
        self.name(name, into: &buffer)
        buffer.writeStaticString(value ? "true" : "false")
    }

    package mutating func null(_ name: StaticString, into buffer: inout ByteBuffer) {
        self.name(name, into: &buffer)
        buffer.writeStaticString("null")
    }
}

extension ByteBuffer {
    /// Writes a string as JSON, quotes included.
    package mutating func writeJSON(_ text: String) {
        writeInteger(UInt8(ascii: "\""))
        // Text in one piece is looked through several times faster, and nearly all of it is.
        let isPlain = text.utf8.withContiguousStorageIfAvailable { $0.allSatisfy(\.isPlainInJSON) } ?? false
        if isPlain {
            writeString(text)
        } else {
            for byte in text.utf8 { writeEscaped(byte) }
        }
        writeInteger(UInt8(ascii: "\""))
    }

    /// Writes an instant as JSON, quotes included.
    package mutating func writeJSON(_ instant: Timestamp) {
        writeInteger(UInt8(ascii: "\""))
        writeBytes(instant.rfc3339Bytes)
        writeInteger(UInt8(ascii: "\""))
    }

    /// Writes an array, element by element.
    package mutating func writeJSONArray<Element>(
        _ elements: some Sequence<Element>,
        _ write: (Element, inout ByteBuffer) -> Void
    ) {
        var isFirst = true
        writeInteger(UInt8(ascii: "["))
        for element in elements {
            if !isFirst { writeInteger(UInt8(ascii: ",")) }
            isFirst = false
            write(element, &self)
        }
        writeInteger(UInt8(ascii: "]"))
    }

    private mutating func writeEscaped(_ byte: UInt8) {
        switch byte {
        case UInt8(ascii: "\""): writeStaticString("\\\"")
        case UInt8(ascii: "\\"): writeStaticString("\\\\")
        case 0x0A: writeStaticString("\\n")
        case 0x0D: writeStaticString("\\r")
        case 0x09: writeStaticString("\\t")
        case 0..<0x20:
            let hexadecimal = String(byte, radix: 16)
            writeString("\\u" + String(repeating: "0", count: 4 - hexadecimal.count) + hexadecimal)
        default: writeInteger(byte)
        }
    }
}

extension UInt8 {
    /// Whether JSON has this byte of UTF-8 as it is.
    fileprivate var isPlainInJSON: Bool { self >= 0x20 && self != UInt8(ascii: "\"") && self != UInt8(ascii: "\\") }
}
