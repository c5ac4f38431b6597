import FoundationEssentials

/// What stands in the ledger where a person's name stood: `erased:` and a random UUID, the same for all of one erasure; of a
/// record that was named after the person a colon and a number follow.
///
/// SQL: `is_erased`.
enum ErasedName {
    static let prefix = "erased:"
    /// Characters of a UUID in text.
    private static let idLength = 36

    static func isErased(_ name: String?) -> Bool {
        guard let name, name.hasPrefix(prefix) else { return false }
        let rest = name.dropFirst(prefix.count)
        let id = String(rest.prefix(idLength))
        let number = rest.dropFirst(idLength)
        guard id.utf8.count == idLength, id == id.lowercased(), UUID(uuidString: id) != nil else { return false }
        guard let colon = number.first else { return true }
        return colon == ":" && number.utf8.count > 1 && number.dropFirst().allSatisfy(isDigit)
    }

    private static func isDigit(_ character: Character) -> Bool { "0"..."9" ~= character }
}

/// Checks what a source is said to call somebody.
///
/// - Throws: `invalid_field`; also for what stands for somebody erased, whom nobody can become.
func checkExternalID(_ text: String, field: String) throws(Problem) {
    try checkText(text, field: field, isRequired: true)
    guard !ErasedName.isErased(text) else {
        throw .invalid(field, "This stands for somebody who is erased; it cannot be an agent's name.")
    }
}
