package import Domain
package import NIOCore

/// Writes one JSON object member by member into a buffer.
///
/// By hand, since lists of agents are read often and a reflecting encoder was measured to cost more than the query
/// behind them. A member goes into the buffer in one piece where it can: each piece costs about as much as twenty bytes.
package struct JSONObjectWriter {
    private var isFirst = true

    /// Begins the object.
    package init(_ buffer: inout ByteBuffer) {
        buffer.writeInteger(UInt8(ascii: "{"))
    }

    /// Ends the object; nothing may be added after it.
    package func end(_ buffer: inout ByteBuffer) {
        buffer.writeInteger(UInt8(ascii: "}"))
    }

    /// Writes the member's name; the value is the caller's.
    package mutating func name(_ name: StaticString, into buffer: inout ByteBuffer) {
        write(name, room: 0, into: &buffer) { _ in }
    }

    /// Writes a text, escaped; `null` without one.
    package mutating func member(_ name: StaticString, _ value: String?, into buffer: inout ByteBuffer) {
        guard let value else { return null(name, into: &buffer) }
        if value.isPlainInJSON {
            write(name, room: value.utf8.count + 2, into: &buffer) { $0.append(quoted: value.utf8) }
        } else {
            self.name(name, into: &buffer)
            buffer.writeJSON(value)
        }
    }

    /// Writes an instant as RFC 3339 in UTC; `null` without one.
    package mutating func member(_ name: StaticString, _ value: Timestamp?, into buffer: inout ByteBuffer) {
        guard let value else { return null(name, into: &buffer) }
        let text = value.rfc3339Bytes
        write(name, room: text.count + 2, into: &buffer) { $0.append(quoted: text) }
    }

    /// Writes a whole number; `null` without one.
    package mutating func member(_ name: StaticString, _ value: (some BinaryInteger)?, into buffer: inout ByteBuffer) {
        guard let value else { return null(name, into: &buffer) }
        self.name(name, into: &buffer)
        buffer.writeString(String(value))
    }

    /// Writes `true` or `false`.
    package mutating func member(_ name: StaticString, _ value: Bool, into buffer: inout ByteBuffer) {
        self.name(name, into: &buffer)
        buffer.writeStaticString(value ? "true" : "false")
    }

    private mutating func null(_ name: StaticString, into buffer: inout ByteBuffer) {
        write(name, room: 4, into: &buffer) { $0.append("null") }
    }

    /// Writes the member's name, and the value with it.
    ///
    /// `room`: bytes that the value takes.
    private mutating func write(
        _ name: StaticString,
        room: Int,
        into buffer: inout ByteBuffer,
        value: (inout OutputRawSpan) -> Void
    ) {
        buffer.writeWithOutputRawSpan(minimumWritableBytes: name.utf8CodeUnitCount + 4 + room) { bytes in
            if !isFirst { bytes.append(UInt8(ascii: ",")) }
            bytes.append(UInt8(ascii: "\""))
            bytes.append(name)
            bytes.append(UInt8(ascii: "\""))
            bytes.append(UInt8(ascii: ":"))
            value(&bytes)
        }
        isFirst = false
    }
}

extension ByteBuffer {
    /// Writes a string as JSON, quotes included.
    package mutating func writeJSON(_ text: String) {
        if text.isPlainInJSON {
            writeWithOutputRawSpan(minimumWritableBytes: text.utf8.count + 2) { $0.append(quoted: text.utf8) }
        } else {
            writeInteger(UInt8(ascii: "\""))
            for byte in text.utf8 { writeEscaped(byte) }
            writeInteger(UInt8(ascii: "\""))
        }
    }

    /// Writes an instant as JSON, quotes included.
    package mutating func writeJSON(_ instant: Timestamp) {
        let text = instant.rfc3339Bytes
        writeWithOutputRawSpan(minimumWritableBytes: text.count + 2) { $0.append(quoted: text) }
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

extension OutputRawSpan {
    fileprivate mutating func append(_ text: StaticString) {
        text.withUTF8Buffer { for byte in $0 { append(byte) } }
    }

    /// Appends what needs no escaping, between quotes.
    fileprivate mutating func append(quoted text: some Collection<UInt8>) {
        append(UInt8(ascii: "\""))
        for byte in text { append(byte) }
        append(UInt8(ascii: "\""))
    }
}

extension String {
    /// Whether JSON has all of it as it is.
    ///
    /// Text in one piece is looked through several times faster than byte by byte, and nearly all of it is.
    fileprivate var isPlainInJSON: Bool {
        utf8.withContiguousStorageIfAvailable { $0.allSatisfy(\.isPlainInJSON) } ?? false
    }
}

extension UInt8 {
    /// Whether JSON has this byte of UTF-8 as it is.
    fileprivate var isPlainInJSON: Bool { self >= 0x20 && self != UInt8(ascii: "\"") && self != UInt8(ascii: "\\") }
}
