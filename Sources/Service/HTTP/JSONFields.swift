package import Domain
package import Hummingbird
import NIOCore

/// The members of a JSON object, read one by one with an error that names the one at fault.
package struct JSONFields: Sendable {
    private let members: [String: JSONValue]
    /// Stands before the names in errors, as in `instance.engine`.
    private let prefix: String

    /// - Throws: `invalid_field` unless the value is an object.
    package init(_ value: JSONValue, at path: String = "") throws(Problem) {
        guard case .object(let members) = value else {
            throw .invalid(path.isEmpty ? "body" : path, "Expected an object, found \(value.typeName).")
        }
        self.members = members
        prefix = path.isEmpty ? "" : path + "."
    }

    /// Whether the member is there, be it `null`.
    package func has(_ name: String) -> Bool { members[name] != nil }

    /// The member; `nil` when missing or `null`.
    package func value(_ name: String) -> JSONValue? {
        switch members[name] {
        case nil, .null: nil
        case let value?: value
        }
    }

    /// Text; `nil` when missing or `null`.
    package func text(_ name: String) throws(Problem) -> String? {
        guard let value = value(name) else { return nil }
        guard case .string(let text) = value else { throw mistyped(name, "text", value) }
        return text
    }

    /// Text that must be there, without control characters.
    package func requiredText(_ name: String, limit: Int = 200) throws(Problem) -> String {
        guard let text = try text(name) else { throw .invalid(prefix + name, "It is missing.") }
        try checkText(text, field: prefix + name, isRequired: true, limit: limit)
        return text
    }

    /// Free text, at most 200 characters and no control characters; `nil` when missing or `null`.
    package func freeText(_ name: String) throws(Problem) -> String? {
        guard let text = try text(name) else { return nil }
        try checkText(text, field: prefix + name)
        return text
    }

    /// One of an enum's words; `nil` when missing or `null`.
    package func word<Word: RawRepresentable<String> & CaseIterable>(
        _ name: String,
        as type: Word.Type
    ) throws(Problem) -> Word? {
        guard let text = try text(name) else { return nil }
        guard let word = Word(rawValue: text) else {
            let words = Word.allCases.map(\.rawValue).joined(separator: ", ")
            throw .invalid(prefix + name, "Expected one of: \(words).")
        }
        return word
    }

    /// An instant as RFC 3339 with an offset; `nil` when missing or `null`.
    package func instant(_ name: String) throws(Problem) -> Timestamp? {
        guard let text = try text(name) else { return nil }
        guard let instant = Timestamp(rfc3339: text) else {
            throw .invalid(prefix + name, "Expected a date and time as RFC 3339 with an offset.")
        }
        return instant
    }

    /// An array; `nil` when missing or `null`.
    package func array(_ name: String, limit: Int) throws(Problem) -> [JSONValue]? {
        guard let value = value(name) else { return nil }
        guard case .array(let elements) = value else { throw mistyped(name, "an array", value) }
        guard elements.count <= limit else { throw .invalid(prefix + name, "At most \(limit) elements are allowed.") }
        return elements
    }

    /// An array of free texts; `nil` when missing or `null`.
    package func texts(_ name: String, limit: Int) throws(Problem) -> [String]? {
        guard let elements = try array(name, limit: limit) else { return nil }
        var texts: [String] = []
        for (place, element) in elements.enumerated() {
            guard case .string(let text) = element else { throw mistyped("\(name)[\(place)]", "text", element) }
            try checkText(text, field: "\(prefix)\(name)[\(place)]")
            texts.append(text)
        }
        return texts
    }

    /// A value of this object that is missing or not allowed.
    package func invalid(_ name: String, _ detail: String) -> Problem {
        .invalid(prefix + name, detail)
    }

    private func mistyped(_ name: String, _ expected: String, _ found: JSONValue) -> Problem {
        .invalid(prefix + name, "Expected \(expected), found \(found.typeName).")
    }
}

/// Reads a body that must be one JSON object.
///
/// - Throws: `unsupported_media_type` unless its type is `application/json` or not said; `malformed_json`;
///   `invalid_field` when it is another value; what ``collectBody(_:context:limits:)`` throws.
package func jsonBody(
    _ request: Request,
    context: AppRequestContext,
    limits: BodyLimits
) async throws(Problem) -> JSONFields {
    try checkMediaType(request, allowed: ["application/json"])
    let body = try await collectBody(request, context: context, limits: limits)
    return try JSONFields(JSONValue(parsing: body.readableBytesView))
}

/// Checks `Content-Type`.
///
/// One that is missing passes, since simple senders leave it out.
///
/// `allowed`: in lower case, without parameters.
/// Throws `unsupported_media_type`.
package func checkMediaType(_ request: Request, allowed: [String]) throws(Problem) {
    guard let header = request.headers[.contentType] else { return }
    let type = header.prefix { $0 != ";" }.filter { !$0.isWhitespace }.lowercased()
    guard allowed.contains(type) else { throw Problem(.unsupportedMediaType) }
}
