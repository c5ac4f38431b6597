package import Domain
package import FoundationEssentials

/// A key as its administrators see it: all but the secret.
package struct APIKey: Sendable, Hashable {
    package var id: UUID
    package var name: String
    package var role: Role
    /// The teams it is bound to, sorted; `nil` for all.
    package var teams: [String]?
    /// The clock source its events belong to; `nil` for the source `api`.
    package var source: String?
    package var createdAt: Timestamp
    /// Name of the key that made it, or `command line` or `bootstrap`.
    package var createdBy: String
    package var revokedAt: Timestamp?
}

/// A page of the list of keys.
package struct APIKeyPage: Sendable, Hashable {
    package var keys: [APIKey]
    /// Where the next page begins; `nil` at the end.
    package var nextCursor: String?
}

/// A place in the list of keys.
struct KeyPosition: Sendable, Hashable {
    var isRevoked: Bool
    var createdAt: Timestamp
    var id: UUID

    init(_ key: APIKey) {
        isRevoked = key.revokedAt != nil
        createdAt = key.createdAt
        id = key.id
    }

    /// The opaque word that clients hold.
    var word: String { "\(isRevoked ? 1 : 0).\(createdAt.microseconds).\(id.uuidString.lowercased())" }

    init(word: String) throws(Problem) {
        let parts = word.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 3, parts[0] == "0" || parts[0] == "1", let at = Int64(parts[1]), at > 0,
            at < 4_000_000_000_000_000, let id = UUID(uuidString: String(parts[2]))
        else { throw .foreignCursor }
        isRevoked = parts[0] == "1"
        createdAt = Timestamp(microseconds: at)
        self.id = id
    }
}

/// What a new key is to be.
package struct NewAPIKey: Sendable, Hashable {
    package var name: String
    package var role: Role
    package var teams: [String]?
    package var source: String?

    /// Checks what an administrator asked for.
    ///
    /// `name`: 1-200 characters without control characters.
    /// `teams`: 1-100 names as agents' teams have them; `nil` for all.
    /// `source`: letters, digits and `-`; only for the role `clock`.
    /// Throws `invalid_field`.
    package init(name: String, role: Role, teams: [String]? = nil, source: String? = nil) throws(Problem) {
        try checkText(name, field: "name", isRequired: true)
        if let teams {
            guard (1...100).contains(teams.count) else {
                throw .invalid("teams", "Name 1 to 100 teams, or leave teams out for all.")
            }
            for (place, team) in teams.enumerated() { try checkText(team, field: "teams[\(place)]") }
        }
        if let source {
            guard role == .clock else { throw .invalid("source", "Only a key with the role clock has a source.") }
            guard isSourceName(source) else {
                throw .invalid("source", "A source's name has 1 to 64 letters, digits or -.")
            }
        }
        self.name = name
        self.role = role
        self.teams = teams.map { Set($0).sorted() }
        self.source = source
    }
}

/// Whether text can name a clock source or an engine account.
func isSourceName(_ text: String) -> Bool {
    (1...64).contains(text.utf8.count)
        && text.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"):
                true
            default:
                false
            }
        }
}

/// Checks free text: at most 200 characters and no control characters.
func checkText(_ text: String, field: String, isRequired: Bool = false, limit: Int = 200) throws(Problem) {
    if isRequired, text.isEmpty { throw .invalid(field, "It must not be empty.") }
    guard text.unicodeScalars.count <= limit else { throw .invalid(field, "At most \(limit) characters are allowed.") }
    guard !text.unicodeScalars.contains(where: \.isControl) else {
        throw .invalid(field, "Control characters are not allowed.")
    }
}
