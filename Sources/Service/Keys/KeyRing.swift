package import FoundationEssentials
package import LibPQ
import Synchronization

/// All live keys, in memory.
///
/// A request finds its caller without waiting. The keys of other replicas' making arrive with
/// ``refreshIfChanged(version:)``, which every replica's housekeeping calls each second.
package final class KeyRing: Sendable {
    private struct State {
        var callers: [KeyDigest: Caller] = [:]
        /// The same callers by their keys' ids: each stream asks at each of its wakes.
        var callersByID: [UUID: Caller] = [:]
        /// Callers by the exact header that named them; only headers that named one, so nobody can fill it.
        var headers: [String: Caller] = [:]
        var version = ""
        /// Of two refreshes that overlap, the one that began later stands.
        var loaded: UInt64 = 0
        var begun: UInt64 = 0
    }

    private let state = Mutex(State())
    private let keys: KeyTable
    /// How many headers are remembered; the next one empties the memory.
    private static let headerLimit = 4096

    package init(pool: PQPool) {
        keys = KeyTable(pool: pool)
    }

    /// Finds the caller behind an `Authorization` header; `nil` unless it is `Bearer` and a live key.
    package func caller(authorization: String) -> Caller? {
        if let known = state.withLock({ $0.headers[authorization] }) { return known }
        let parts = authorization.split(separator: " ", maxSplits: 1)
        guard parts.count == 2, parts[0].lowercased() == "bearer" else { return nil }
        let digest = KeyDigest(of: String(parts[1]))
        return state.withLock { state in
            guard let caller = state.callers[digest] else { return nil }
            if state.headers.count >= Self.headerLimit { state.headers = [:] }
            state.headers[authorization] = caller
            return caller
        }
    }

    /// Finds the caller behind a key alone.
    package func caller(forBearer key: String) -> Caller? {
        let digest = KeyDigest(of: key)
        return state.withLock { $0.callers[digest] }
    }

    /// Finds the caller by the key's id, for a page session.
    package func caller(keyID: UUID) -> Caller? {
        state.withLock { $0.callersByID[keyID] }
    }

    /// Whether there is a live key with the role `admin`.
    package var hasAdmin: Bool {
        state.withLock { $0.callers.values.contains { $0.role == .admin } }
    }

    /// Reads all live keys again.
    ///
    /// - Throws: when the database fails; the keys known so far then stay.
    package func refresh() async throws(PQError) {
        let ticket = state.withLock { state in
            state.begun += 1
            return state.begun
        }
        let (version, callers) = try await keys.live()
        let callersByID = Dictionary(callers.values.map { ($0.keyID, $0) }) { first, _ in first }
        state.withLock { state in
            guard ticket > state.loaded else { return }
            state.loaded = ticket
            state.callers = callers
            state.callersByID = callersByID
            state.headers = [:]
            state.version = version
        }
    }

    /// Reads the keys again when they have changed since.
    ///
    /// `version`: what the database answers to the expression `keysVersion` in a statement, see ``KeyTable``.
    package func refreshIfChanged(version: String) async throws(PQError) {
        guard state.withLock({ $0.version != version }) else { return }
        try await refresh()
    }

    /// Makes a key.
    ///
    /// It works here at once, unless the database fails right after it is made, and on every replica within 2 seconds.
    ///
    /// `key`: what it may do.
    /// `author`: name of the key that asks, or `command line`.
    /// Returns the key's record, and the secret, which is shown this once.
    package func create(_ key: NewAPIKey, by author: String) async throws(PQError) -> (key: APIKey, secret: String) {
        let secret = "rk_" + newSecret()
        let record = try await keys.insert(key, digest: KeyDigest(of: secret), author: author)
        // The key is there, and only who asked for it can be told the secret; what fails here is read a second later.
        try? await refresh()
        return (record, secret)
    }

    /// Revokes a key.
    ///
    /// It stops working here at once, and on every replica within 2 seconds.
    ///
    /// - Returns: whether there was such a key, revoked before or not.
    package func revoke(_ id: UUID, by author: String) async throws(PQError) -> Bool {
        let isKnown = try await keys.revoke(id, author: author)
        try await refresh()
        return isKnown
    }

    /// The most keys in a page.
    package static let pageLimit = 1000

    /// A page of all keys: live ones first, then the revoked ones, newest first.
    ///
    /// `cursor`: what the page before said; `nil` for the first.
    /// `limit`: 1 to ``pageLimit``.
    /// Throws ``Problem`` `invalid_field` for a cursor that is not ours; ``PQError``.
    package func page(cursor: String?, limit: Int = pageLimit) async throws -> APIKeyPage {
        let position = try cursor.map { word throws(Problem) in try KeyPosition(word: word) }
        var found = try await keys.list(after: position, limit: limit + 1)
        guard found.count > limit else { return APIKeyPage(keys: found) }
        found.removeLast()
        return APIKeyPage(keys: found, nextCursor: found.last.map { KeyPosition($0).word })
    }

    /// What became of the bootstrap key.
    package enum Bootstrap: String, Sendable, Hashable {
        case created
        /// There is an admin key already; the bootstrap key was not looked at.
        case ignored
        /// It was revoked, and there is no other admin key: nothing was made.
        case revoked
        /// It is a live key of another role, and there is no admin key: nothing was made.
        case lesser
    }

    /// Makes the first admin key, unless there is a live one.
    ///
    /// Replicas that boot together make one.
    ///
    /// `secret`: at least 32 characters.
    package func bootstrap(_ secret: String) async throws(PQError) -> Bootstrap {
        let outcome = try await keys.insertFirstAdmin(digest: KeyDigest(of: secret))
        try await refresh()
        return outcome
    }
}
