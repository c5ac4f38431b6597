import HTTPTypes
import NIOCore

/// One call to an engine, taken apart; what is missing is `nil`.
struct ContractCall {
    let line: RequestLine
    let operation: Operation
    /// The token, and where it was found.
    private(set) var token: String?
    private(set) var instanceID: String?
    private let query: [(name: String, value: String)]
    private let body: RequestMembers
    /// Whether the caller would rather have JSON than a picture.
    let acceptsJSON: Bool

    /// A call to Wawp.
    init(
        operation: Operation,
        query: Substring,
        headers: HTTPFields,
        body: ByteBuffer?,
        placements: [SimulatorBehaviour.Placement]
    ) {
        line = .wawp
        acceptsJSON = true
        self.operation = operation
        self.query = Self.parsed(query)
        self.body = RequestMembers(body)
        instanceID = nonEmpty(self.body["instance_id"] ?? value("instance_id") ?? headers[.instanceID])
        token = token(from: placements, headers: headers)
    }

    /// A call to WAHA: the key in a header or the query, the session in the path.
    init(
        waha operation: Operation,
        line: RequestLine,
        session: String?,
        query: Substring,
        headers: HTTPFields,
        body: ByteBuffer?
    ) {
        self.line = line
        self.operation = operation
        self.query = Self.parsed(query)
        self.body = RequestMembers(body)
        acceptsJSON = headers[.accept]?.contains("json") ?? false
        instanceID = nonEmpty(session)
        token = nonEmpty(headers[.apiKey] ?? value("x-api-key"))
    }

    /// A parameter from the body or the query.
    func parameter(_ name: String) -> String? {
        nonEmpty(body[name] ?? value(name))
    }

    /// The body as a whole, for the routes that take more than texts.
    var json: JSONValue? { body.json }

    private func token(from placements: [SimulatorBehaviour.Placement], headers: HTTPFields) -> String? {
        for placement in SimulatorBehaviour.Placement.allCases where placements.contains(placement) {
            let found =
                switch placement {
                case .body: body["access_token"]
                case .query: value("access_token")
                case .bearer:
                    headers[.authorization].flatMap { $0.hasPrefix("Bearer ") ? String($0.dropFirst(7)) : nil }
                case .header: headers[.accessToken]
                }
            if let token = nonEmpty(found) { return token }
        }
        return nil
    }

    private func value(_ name: String) -> String? {
        query.first { $0.name == name }?.value
    }

    private static func parsed(_ query: Substring) -> [(name: String, value: String)] {
        guard !query.isEmpty else { return [] }
        return query.utf8.split(separator: UInt8(ascii: "&")).map { pair in
            let end = pair.firstIndex(of: UInt8(ascii: "=")) ?? pair.endIndex
            return (decoded(pair[..<end]), decoded(pair[end...].dropFirst()))
        }
    }

    static func decoded(_ bytes: Substring.UTF8View) -> String {
        guard bytes.contains(where: { $0 == UInt8(ascii: "%") || $0 == UInt8(ascii: "+") }) else {
            return String(Substring(bytes))
        }
        var out: [UInt8] = []
        var rest = bytes
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "%"), let value = UInt8(String(Substring(rest.prefix(2))), radix: 16) {
                out.append(value)
                rest = rest.dropFirst(2)
            } else {
                out.append(byte == UInt8(ascii: "+") ? UInt8(ascii: " ") : byte)
            }
        }
        return String(decoding: out, as: UTF8.self)
    }
}

private func nonEmpty(_ text: String?) -> String? {
    text?.isEmpty == false ? text : nil
}

extension HTTPField.Name {
    static let instanceID = Self("X-Instance-ID") ?? .from
    static let accessToken = Self("access-token") ?? .from
    static let apiKey = Self("X-Api-Key") ?? .from

}
