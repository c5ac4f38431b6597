import HTTPTypes
import Hummingbird
import Mustache
import NIOCore

/// Turns models into answers with HTML.
struct PageViews: Sendable {
    private let library: MustacheLibrary

    /// Reads the templates that are built into the program.
    init() {
        var library = MustacheLibrary()
        for (name, bytes) in Self.templates {
            do {
                try library.register(String(decoding: bytes, as: UTF8.self), named: name)
            } catch {
                preconditionFailure("the template \(name) does not parse: \(error)")
            }
        }
        self.library = library
    }

    /// The page on which somebody signs in; `refusal`: why the last try was refused.
    func signIn(refusal: Problem? = nil) -> Response {
        var values: [String: Any] = ["title": "Sign in", "script": "sign-in.js", "signed_in": false]
        if let refusal { values["refusal"] = refusal.detail }
        var response = page("sign-in", values, status: refusal?.status ?? .ok)
        if let retryAfter = refusal?.retryAfter { response.headers[.retryAfter] = String(retryAfter) }
        return response
    }

    func fleet(_ model: FleetModel) -> Response {
        page("fleet", model.values)
    }

    func agent(_ model: AgentModel) -> Response {
        page("agent", model.values)
    }

    func unmatched(_ model: UnmatchedModel) -> Response {
        page("unmatched", model.values)
    }

    func sources(_ model: SourcesModel) -> Response {
        page("sources", model.values)
    }

    func source(_ model: SourceModel) -> Response {
        page("source", model.values)
    }

    /// Says that something went wrong, to a person.
    func problem(_ problem: Problem) -> Response {
        page(
            "problem",
            [
                "title": problem.code.title, "detail": problem.detail, "hint": problem.code.hint, "script": "",
                "signed_in": false,
            ],
            status: problem.status
        )
    }

    private func page(_ template: String, _ values: [String: Any], status: HTTPResponse.Status = .ok) -> Response {
        let html = library.render(values, withTemplate: template) ?? ""
        return Response(
            status: status,
            headers: [.contentType: "text/html; charset=utf-8", .cacheControl: "no-store"],
            body: ResponseBody(byteBuffer: ByteBuffer(string: html))
        )
    }

    private static let templates: [(String, [UInt8])] = [
        ("layout", PackageResources.layout_mustache),
        ("sign-in", PackageResources.sign_in_mustache),
        ("fleet", PackageResources.fleet_mustache),
        ("row", PackageResources.row_mustache),
        ("time", PackageResources.time_mustache),
        ("agent", PackageResources.agent_mustache),
        ("unmatched", PackageResources.unmatched_mustache),
        ("sources", PackageResources.sources_mustache),
        ("source", PackageResources.source_mustache),
        ("problem", PackageResources.problem_mustache),
    ]
}
