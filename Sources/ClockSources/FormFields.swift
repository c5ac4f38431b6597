/// The fields of a body or query in `application/x-www-form-urlencoded`, decoded, in the order sent.
struct FormFields {
    var fields: [(name: String, value: String)]

    /// `nil` when a name or value is not UTF-8 once decoded.
    init?(_ bytes: some Collection<UInt8>) {
        fields = []
        for part in bytes.split(separator: UInt8(ascii: "&")) {
            let sides = part.split(separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
            let spaced = sides.map { side in side.map { $0 == UInt8(ascii: "+") ? UInt8(ascii: " ") : $0 } }
            guard let name = spaced.first.flatMap(percentDecodedText),
                let value = percentDecodedText(spaced.count == 2 ? spaced[1] : [])
            else { return nil }
            fields.append((name, value))
        }
    }

    /// Leaves out what repeats both the name and the value of an earlier field.
    mutating func dropRepetitions() {
        guard Set(fields.lazy.map(\.name)).count < fields.count else { return }
        var seen: Set<[String]> = []
        fields = fields.filter { seen.insert([$0.name, $0.value]).inserted }
    }

    /// The value of a field that must stand alone; `nil` when it is absent or sent twice.
    subscript(name: String) -> String? {
        let values = fields.filter { $0.name == name }
        return values.count == 1 ? values[0].value : nil
    }
}

/// Undoes percent-encoding once; a percent sign without two hexadecimal digits stays.
///
/// - Returns: `nil` when the result is not UTF-8.
func percentDecodedText(_ bytes: [UInt8]) -> String? {
    var decoded: [UInt8] = []
    decoded.reserveCapacity(bytes.count)
    var position = 0
    while position < bytes.count {
        if bytes[position] == UInt8(ascii: "%"), position + 2 < bytes.count,
            let high = bytes[position + 1].hexadecimalValue, let low = bytes[position + 2].hexadecimalValue
        {
            decoded.append(high << 4 | low)
            position += 3
        } else {
            decoded.append(bytes[position])
            position += 1
        }
    }
    return String(validating: decoded, as: UTF8.self)
}

extension UInt8 {
    /// What the byte stands for as a hexadecimal digit of either case.
    fileprivate var hexadecimalValue: UInt8? {
        switch self {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): self - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): self - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): self - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}
