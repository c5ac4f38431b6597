package import Hummingbird

extension RequestContext {
    /// A part of the path, percent-decoded, which the framework leaves to us.
    ///
    /// - Throws: `not_found` when it is missing, or does not decode to UTF-8.
    package func pathParameter(_ name: String) throws(Problem) -> String {
        guard let raw = parameters.get(name), let text = percentDecoded(raw) else { throw Problem(.notFound) }
        return text
    }

    /// The part `{agent}` of the path.
    ///
    /// - Throws: `invalid_field` unless it is 1-128 letters, digits or `._@+-:` after decoding.
    package func agentID() throws(Problem) -> String {
        guard let raw = parameters.get("agent") else { throw Problem(.notFound) }
        guard let id = percentDecoded(raw), isAgentID(id) else { throw .invalidAgentID("agent") }
        return id
    }
}

extension Problem {
    /// An agent id that is none.
    package static func invalidAgentID(_ field: String) -> Problem {
        .invalid(field, "An agent id has 1 to 128 ASCII letters, digits or ._@+-: and nothing else.")
    }
}

/// Whether text can be an agent's id: 1-128 ASCII letters, digits or `._@+-:`.
package func isAgentID(_ text: String) -> Bool {
    (1...128).contains(text.utf8.count) && text.utf8.allSatisfy(isAgentIDByte)
}

private func isAgentIDByte(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "@"),
        UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: ":"):
        true
    default:
        false
    }
}

/// Decodes `%XX`.
///
/// The result is `nil` for a `%` without two hexadecimal digits and for bytes that are not UTF-8.
package func percentDecoded(_ text: some StringProtocol) -> String? {
    guard text.utf8.contains(UInt8(ascii: "%")) else { return String(text) }
    var bytes: [UInt8] = []
    var rest = Array(text.utf8)[...]
    while let byte = rest.popFirst() {
        guard byte == UInt8(ascii: "%") else {
            bytes.append(byte)
            continue
        }
        guard let high = rest.popFirst().flatMap(Hexadecimal.digit),
            let low = rest.popFirst().flatMap(Hexadecimal.digit)
        else { return nil }
        bytes.append(high << 4 | low)
    }
    return String(validating: bytes, as: UTF8.self)
}
