import NIOCore

/// The texts at the top of a request's JSON body.
///
/// The bodies our clients send are flat and plain; those are read here in one pass. Anything else goes
/// to the general decoder.
struct RequestMembers {
    private let body: ByteBuffer?
    private var texts: [(name: String, value: String)] = []
    private var general: JSONValue?

    init(_ body: ByteBuffer?) {
        self.body = body
        guard let body, body.readableBytes > 0 else { return }
        if let flat = Self.flat(body.readableBytesView) {
            texts = flat
        } else {
            // A body that is not JSON has no members, which is how it is answered.
            general = try? decodedJSON(JSONValue.self, from: body)
        }
    }

    subscript(name: String) -> String? {
        texts.first { $0.name == name }?.value ?? general?[name]?.text
    }

    /// The body as a whole.
    var json: JSONValue? {
        if let general { return general }
        guard !texts.isEmpty else { return nil }
        return .object(Dictionary(texts.map { ($0.name, .string($0.value)) }) { _, last in last })
    }

    /// Reads `{"name":"value",…}` without spaces inside and without escapes; `nil` for anything else.
    private static func flat(_ bytes: ByteBufferView) -> [(name: String, value: String)]? {
        var out: [(name: String, value: String)] = []
        var rest = bytes[...]
        guard rest.popFirst() == UInt8(ascii: "{") else { return nil }
        if rest.elementsEqual([UInt8(ascii: "}")]) { return out }
        while let name = text(&rest), rest.popFirst() == UInt8(ascii: ":"), let value = text(&rest) {
            out.append((name, value))
            switch rest.popFirst() {
            case UInt8(ascii: ","): continue
            case UInt8(ascii: "}"): return rest.isEmpty ? out : nil
            default: return nil
            }
        }
        return nil
    }

    private static func text(_ rest: inout ByteBufferView) -> String? {
        guard rest.popFirst() == UInt8(ascii: "\""), let end = rest.firstIndex(of: UInt8(ascii: "\"")) else {
            return nil
        }
        let inside = rest[rest.startIndex..<end]
        guard !inside.contains(UInt8(ascii: "\\")) else { return nil }
        rest = rest[(end + 1)...]
        return String(decoding: inside, as: UTF8.self)
    }
}
