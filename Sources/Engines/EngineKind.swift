package import AsyncHTTPClient
package import Domain

/// A kind of engine that we can drive.
///
/// Each engine's file says what it is; ``allCases`` lists them.
package struct EngineKind: RawRepresentable, Sendable, Hashable, CaseIterable, CustomStringConvertible {
    /// All kinds, in the order in which people are told of them.
    package static let allCases: [EngineKind] = [
        .wawp,
        .waha,
    ]

    /// The word of `ROLLCALL_ENGINE_<NAME>_KIND`.
    package let rawValue: String
    /// What the path of every call begins with (`/v2`); the address in the settings must not end in it.
    package let addedPath: String
    /// Where the token may travel, the usual place first; never empty.
    package let tokenPlacements: [EngineAccount.TokenPlacement]
    /// How it signs its webhooks; `nil` for an engine that does not.
    package let webhookSignature: WebhookSignature?
    private let make: @Sendable (EngineAccount, HTTPClient) throws(EngineAccountError) -> any SessionEngine

    /// - Parameters:
    ///   - word: what the settings call it.
    ///   - addedPath: what the path of every call begins with.
    ///   - tokenPlacements: where the token may travel, the usual place first.
    ///   - webhookSignature: how it signs its webhooks.
    ///   - make: throws when the account's settings cannot work.
    init(
        _ word: String,
        addedPath: String,
        tokenPlacements: [EngineAccount.TokenPlacement],
        webhookSignature: WebhookSignature?,
        make: @escaping @Sendable (EngineAccount, HTTPClient) throws(EngineAccountError) -> any SessionEngine
    ) {
        rawValue = word
        self.addedPath = addedPath
        self.tokenPlacements = tokenPlacements
        self.webhookSignature = webhookSignature
        self.make = make
    }

    /// The kind that a word means; `nil` for one that means none.
    package init?(rawValue: String) {
        guard let kind = Self.allCases.first(where: { $0.rawValue == rawValue }) else { return nil }
        self = kind
    }

    /// The client of one account.
    ///
    /// - Parameters:
    ///   - account: where to call and with what.
    ///   - client: made by `HTTPClient.engine(concurrency:)`; whoever made it shuts it down, after the last call has ended.
    /// - Returns: an engine of this kind.
    /// - Throws: when the account's settings cannot work.
    package func makeEngine(
        _ account: EngineAccount,
        client: HTTPClient
    ) throws(EngineAccountError) -> any SessionEngine {
        guard tokenPlacements.contains(account.placement) else { throw .placement }
        return try make(account, client)
    }

    package var description: String { rawValue }

    package static func == (left: EngineKind, right: EngineKind) -> Bool { left.rawValue == right.rawValue }

    package func hash(into hasher: inout Hasher) { hasher.combine(rawValue) }
}
