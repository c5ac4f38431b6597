import Domain
import HTTPTypes
import Hummingbird
import Mustache
import NIOCore

/// Turns models into answers with HTML, in every language.
struct PageViews: Sendable {
    let languages: PageLanguages
    /// The templates with each language's sentences put in.
    private let libraries: [Language: MustacheLibrary]

    /// Reads the templates and catalogues that are built into the program.
    init() {
        languages = PageLanguages()
        var libraries: [Language: MustacheLibrary] = [:]
        for language in Language.allCases { libraries[language] = Self.library(languages[language]) }
        self.libraries = libraries
    }

    private static func library(_ words: Catalogue) -> MustacheLibrary {
        var library = MustacheLibrary()
        for (name, bytes) in templates {
            do {
                try library.register(words.speak(String(decoding: bytes, as: UTF8.self)), named: name)
            } catch {
                preconditionFailure("the template \(name) does not parse in \(words.language): \(error)")
            }
        }
        return library
    }

    /// The page on which somebody signs in; `refusal`: why the last try was refused.
    func signIn(refusal: Problem? = nil, frame: PageFrame? = nil) -> Response {
        let words = frame?.words ?? languages[.english]
        let shown = frame ?? PageFrame(words: words, caller: nil, address: "/", now: .init(microseconds: 0))
        var values = shown.values(title: words("sign_in.title"), script: "sign-in.js")
        if let refusal { values["refusal"] = words("problem." + refusal.code.rawValue) }
        var response = page("sign-in", values, words.language, status: refusal?.status ?? .ok)
        if let retryAfter = refusal?.retryAfter { response.headers[.retryAfter] = String(retryAfter) }
        return response
    }

    func fleet(_ model: FleetModel) -> Response { page("fleet", model.values, model.frame.words.language) }

    func agent(_ model: AgentModel) -> Response { page("agent", model.values, model.frame.words.language) }

    func unmatched(_ model: UnmatchedModel) -> Response { page("unmatched", model.values, model.frame.words.language) }

    func sources(_ model: SourcesModel) -> Response { page("sources", model.values, model.frame.words.language) }

    func source(_ model: SourceModel) -> Response { page("source", model.values, model.frame.words.language) }

    func stats(_ model: StatsModel) -> Response { page("stats", model.values, model.frame.words.language) }

    /// Says that something went wrong, to a person: by the kind of problem, since details are for who writes programs.
    func problem(_ problem: Problem, frame: PageFrame) -> Response {
        let words = frame.words
        var values = frame.values(title: words("problem." + problem.code.rawValue), script: "")
        values["signed_in"] = false
        if let remedy = words.sentences["problem.do." + problem.code.rawValue] { values["remedy"] = remedy }
        return page("problem", values, words.language, status: problem.status)
    }

    private func page(
        _ template: String,
        _ values: [String: Any],
        _ language: Language,
        status: HTTPResponse.Status = .ok
    ) -> Response {
        var values = values
        values["build"] = PageBuild.word
        let html = libraries[language]?.render(values, withTemplate: template) ?? ""
        return Response(
            status: status,
            headers: [
                .contentType: "text/html; charset=utf-8", .cacheControl: "no-store",
                .contentLanguage: language.rawValue,
            ],
            body: ResponseBody(byteBuffer: ByteBuffer(string: html))
        )
    }

    static let templates: [(String, [UInt8])] = [
        ("layout", PackageResources.layout_mustache),
        ("sign-in", PackageResources.sign_in_mustache),
        ("fleet", PackageResources.fleet_mustache),
        ("row", PackageResources.row_mustache),
        ("need", PackageResources.need_mustache),
        ("team", PackageResources.team_mustache),
        ("badge", PackageResources.badge_mustache),
        ("bulk", PackageResources.bulk_mustache),
        ("guard", PackageResources.guard_mustache),
        ("hold", PackageResources.hold_mustache),
        ("pairing", PackageResources.pairing_mustache),
        ("phrase", PackageResources.phrase_mustache),
        ("time", PackageResources.time_mustache),
        ("lasting", PackageResources.lasting_mustache),
        ("clock", PackageResources.clock_mustache),
        ("local", PackageResources.local_mustache),
        ("ahead", PackageResources.ahead_mustache),
        ("agent", PackageResources.agent_mustache),
        ("timeline", PackageResources.timeline_mustache),
        ("unmatched", PackageResources.unmatched_mustache),
        ("sources", PackageResources.sources_mustache),
        ("source", PackageResources.source_mustache),
        ("chart", PackageResources.chart_mustache),
        ("stats", PackageResources.stats_mustache),
        ("problem", PackageResources.problem_mustache),
    ]
}
