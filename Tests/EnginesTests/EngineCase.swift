import Domain
import EngineSimulator
import Engines
import Foundation
import Testing

/// One request and its answer from `engine-cases.json`, the written form of the engines' contracts.
struct EngineCase: Decodable, Sendable, CustomTestStringConvertible {
    struct Request: Decodable, Sendable {
        var method: String
        var path: String
        var query: [String: String]
        var headers: [String: String]
        var body: JSONValue?
    }

    struct Precondition: Decodable, Sendable {
        var state: JSONValue
    }

    struct Response: Decodable, Sendable {
        /// 0 stands for no answer.
        var status: Int
        var contentType: String
        var body: JSONValue?

        /// The body as it is sent; a text in the case stands for itself.
        func text() throws -> String {
            switch body {
            case nil: ""
            case .string(let text)?: text
            case let json?: String(decoding: try JSONEncoder().encode(json), as: UTF8.self)
            }
        }
    }

    var id: String
    var engine: String
    var operation: String
    var request: Request
    var precondition: Precondition
    var response: Response
    var match: String
    var clientClass: String
    var expect: JSONValue?

    var testDescription: String { id }

    /// The whole file.
    static let all = load()

    /// Everything that is asked of Wawp; deliveries run the other way and belong to the service.
    static let wawp = all.filter { $0.engine == "wawp" && $0.operation != "delivery" }

    /// Everything that is asked of WAHA.
    static let waha = all.filter { $0.engine == "waha" && $0.operation != "delivery" }

    /// Those of the four calls that our client makes.
    static let ours = wawp.filter { $0.call != nil }

    /// Those that our client makes of WAHA, but for lists.
    static let oursOfWAHA = waha.filter { $0.call != nil }

    /// Our word; WAHA's info is called get.
    var call: EngineCall? { EngineCall(rawValue: operation == "get" ? "info" : operation) }

    /// Where the case's request has its token, in the client's words.
    var placement: EngineAccount.TokenPlacement {
        if engine == "waha" { return .header }
        if request.headers["Authorization"] != nil { return .bearer }
        if request.headers["access-token"] != nil { return .header }
        return request.query["access_token"] == nil ? .body : .query
    }

    var token: String { request.query["access_token"] ?? request.headers["X-Api-Key"] ?? "tok_valid_0001" }

    /// Empty where the case leaves it out.
    var instanceID: String {
        if engine == "waha" {
            // `/api/sessions/<name>/start`, `/api/<name>/auth/qr`.
            return request.path.split(separator: "/").dropFirst().first { $0 != "sessions" }.map { String($0) } ?? ""
        }
        if placement == .query { return request.query["instance_id"] ?? "" }
        return "3EB0BCB2E3D4"
    }

    /// The verdict that the case's `clientClass` means in our words.
    var verdict: EngineVerdict? {
        switch clientClass {
        case "ok", "needs_human", "confirm": .ok
        case "error_body": .errorBody
        default: EngineVerdict(rawValue: clientClass)
        }
    }

    private static func load() -> [EngineCase] {
        do {
            let url = try #require(Bundle.module.url(forResource: "engine-cases", withExtension: "json"))
            return try JSONDecoder().decode([EngineCase].self, from: Data(contentsOf: url))
        } catch {
            Issue.record("engine-cases.json cannot be read: \(error)")
            return []
        }
    }
}

/// Whether an answer's body is what a case asks for.
func fits(_ body: JSONValue, _ expected: JSONValue, match: String) -> Bool {
    switch (match, body, expected) {
    case ("shape", _, _): true
    case ("exact", _, _): body == expected
    case (_, .object(let members), .object(let wanted)):
        wanted.allSatisfy { name, value in
            // These say when and by whom an answer was given: that they are there is all that can be asked.
            let isOfTheMoment = name == "timestamp" || name == "version"
            return members[name].map { isOfTheMoment || fits($0, value, match: match) } ?? false
        }
    default: body == expected
    }
}
