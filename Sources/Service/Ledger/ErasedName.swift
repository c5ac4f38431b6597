import FoundationEssentials

/// What stands in the ledger where a person's name stood: `erased:` and a random UUID, the same for all of one erasure.
///
/// SQL: `is_erased`.
enum ErasedName {
    static let prefix = "erased:"

    static func isErased(_ name: String?) -> Bool {
        guard let name, name.hasPrefix(prefix) else { return false }
        return UUID(uuidString: String(name.dropFirst(prefix.count))) != nil
    }
}
