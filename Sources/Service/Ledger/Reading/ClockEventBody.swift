import Domain

/// A clock event as its sender wrote it, in our own format, before it is checked.
struct ClockEventBody: Sendable, Hashable {
    var eventID: String?
    var agentID: String?
    var kind: String?
    var occurredAt: String?

    /// Reads one JSON object.
    ///
    /// Members it does not know are passed over.
    ///
    /// - Throws: `malformed_json`; `invalid_field` for a member of another type.
    init(_ bytes: [UInt8]) throws(Problem) {
        var reader = JSONReader(bytes)
        try self.init(&reader, depth: 1)
        guard reader.isAtEnd else { throw Problem(.malformedJSON) }
    }

    init(_ reader: inout JSONReader, depth: Int) throws(Problem) {
        var body = ClockEventBody()
        var wrong: String?
        do {
            try reader.object(depth: depth) { reader, name throws(JSONReader.Failure) in
                switch name {
                case "event_id": body.eventID = try Self.text(&reader, name, depth, &wrong)
                case "agent_id": body.agentID = try Self.text(&reader, name, depth, &wrong)
                case "kind": body.kind = try Self.text(&reader, name, depth, &wrong)
                case "occurred_at": body.occurredAt = try Self.text(&reader, name, depth, &wrong)
                default: try reader.skipValue(depth: depth + 1)
                }
            }
        } catch {
            throw Problem(.malformedJSON)
        }
        if let wrong { throw .invalid(wrong, "\(wrong) must be a string.") }
        self = body
    }

    init() {}

    private static func text(
        _ reader: inout JSONReader,
        _ name: String,
        _ depth: Int,
        _ wrong: inout String?
    ) throws(JSONReader.Failure) -> String? {
        if reader.next == UInt8(ascii: "\"") { return try reader.string() }
        if try reader.takeNull() { return nil }
        wrong = wrong ?? name
        try reader.skipValue(depth: depth + 1)
        return nil
    }
}

/// The bodies that `POST /v1/clock-events` takes.
enum ClockEventBodies {
    /// Items in one request.
    static let itemLimit = 1000

    case one(ClockEventBody)
    /// Each item with what is wrong with it alone.
    case many([Result<ClockEventBody, Problem>])

    /// `isLines`: the content type is `application/x-ndjson`.
    init(_ bytes: [UInt8], isLines: Bool) throws(Problem) {
        if isLines {
            self = .many(try Self.lines(bytes))
        } else if JSONReader(bytes).next == UInt8(ascii: "[") {
            self = .many(try Self.array(bytes))
        } else {
            self = .one(try ClockEventBody(bytes))
        }
    }

    private static func array(_ bytes: [UInt8]) throws(Problem) -> [Result<ClockEventBody, Problem>] {
        var reader = JSONReader(bytes)
        var items: [Result<ClockEventBody, Problem>] = []
        do {
            try reader.array(depth: 1) { reader throws(JSONReader.Failure) in
                guard items.count <= itemLimit else { return try reader.skipValue(depth: 2) }
                guard reader.next == UInt8(ascii: "{") else {
                    try reader.skipValue(depth: 2)
                    items.append(.failure(Problem(.malformedJSON, "The item is not an object.")))
                    return
                }
                do throws(Problem) {
                    items.append(.success(try ClockEventBody(&reader, depth: 2)))
                } catch {
                    guard error.code == .invalidField else { throw .malformed }
                    items.append(.failure(error))
                }
            }
        } catch {
            throw Problem(.malformedJSON)
        }
        guard reader.isAtEnd else { throw Problem(.malformedJSON) }
        guard items.count <= itemLimit else { throw Problem(.tooManyItems) }
        return items
    }

    private static func lines(_ bytes: [UInt8]) throws(Problem) -> [Result<ClockEventBody, Problem>] {
        let lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: true)
            .filter { !$0.allSatisfy { $0 == 0x20 || $0 == 0x09 || $0 == 0x0D } }
        guard lines.count <= itemLimit else { throw Problem(.tooManyItems) }
        return lines.map { line in
            Result { () throws(Problem) in try ClockEventBody(Array(line)) }
        }
    }
}
