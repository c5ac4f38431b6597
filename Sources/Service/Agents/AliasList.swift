/// Several aliases in one cell of a file: `source:external id`, separated by `;`.
///
/// A `;` that belongs to an external id is written twice.
enum AliasList {
    /// Cuts a cell at its separators; parts of blanks only are left out.
    static func parts(_ cell: String) -> [String] {
        var parts: [String] = []
        var part: [UInt8] = []
        var rest = Array(cell.utf8)[...]
        func end() {
            if part.contains(where: { $0 != UInt8(ascii: " ") }) { parts.append(String(decoding: part, as: UTF8.self)) }
            part = []
        }
        while let byte = rest.popFirst() {
            if byte != UInt8(ascii: ";") {
                part.append(byte)
            } else if rest.first == UInt8(ascii: ";") {
                rest.removeFirst()
                part.append(byte)
            } else {
                end()
            }
        }
        end()
        return parts
    }

    /// One alias as ``parts(_:)`` takes it back.
    static func part(_ source: String, _ externalID: String) -> String {
        "\(source):\(externalID.replacing(";", with: ";;"))"
    }

    /// A cell.
    static func cell(_ parts: [String]) -> String {
        parts.sorted().joined(separator: ";")
    }
}
