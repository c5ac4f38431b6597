import Hummingbird
import NIOCore

/// What a sign-in says, as JSON from the script or as a form without it.
struct SignInBody: Sendable {
    var key: String
    /// The button "sign out" of a page without script.
    var endsSession: Bool
    /// The same in every browser that was signed in with the key.
    var endsEverywhere = false
    /// Whether the answer goes to a person rather than to a script.
    var isForm: Bool

    /// Keys are shorter; a longer text is none.
    private static let keyLimit = 512

    /// - Throws: `unsupported_media_type`, `malformed_json`, `invalid_field`, and what reading a body throws.
    static func read(
        _ request: Request,
        context: AppRequestContext,
        limits: BodyLimits
    ) async throws(Problem) -> SignInBody {
        let type = request.headers[.contentType]?.prefix { $0 != ";" }.lowercased()
        guard type == "application/x-www-form-urlencoded" else {
            let fields = try await jsonBody(request, context: context, limits: limits)
            let key = try fields.requiredText("key", limit: keyLimit)
            return SignInBody(key: key, endsSession: false, isForm: false)
        }
        let body = try await collectBody(request, context: context, limits: limits)
        var values: [String: String] = [:]
        for pair in body.readableBytesView.split(separator: UInt8(ascii: "&")) {
            let halves = pair.split(separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
            guard halves.count == 2, let name = formDecoded(halves[0]), let value = formDecoded(halves[1]) else {
                throw .invalid("body", "The form does not decode.")
            }
            values[name] = value
        }
        // People paste keys with a line's end behind them.
        let key = String((values["key"] ?? "").filter { !$0.isWhitespace }.prefix(keyLimit))
        return SignInBody(
            key: key,
            endsSession: values["end"] != nil,
            endsEverywhere: values["everywhere"] != nil,
            isForm: true
        )
    }

    private static func formDecoded(_ bytes: some Sequence<UInt8>) -> String? {
        let spaced = bytes.map { $0 == UInt8(ascii: "+") ? UInt8(ascii: " ") : $0 }
        return String(validating: spaced, as: UTF8.self).flatMap { percentDecoded($0) }
    }
}
