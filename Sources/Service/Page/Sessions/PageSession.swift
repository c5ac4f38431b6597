package import Domain

/// A browser's sign-in that is still good.
package struct PageSession: Sendable, Hashable {
    package var caller: Caller
    /// What a request that changes something must carry in `X-Rollcall-CSRF`.
    package var csrf: String
    /// When it ends unless it is used before.
    package var expiresAt: Timestamp
}
