import Foundation
import Testing

@testable import Service

/// What the page asks for, read from the text of its scripts and from what the server shows, is what docs/openapi.yaml describes.
@Suite("Script routes", .timeLimit(.minutes(2)))
struct ScriptRouteTests {
    private static let assets = DescribedRoutes.root.appending(path: "Sources/Service/Page/assets")

    /// A part of an address in a script, `{}` for what is put in, and where it stands.
    private struct Asked {
        var path: String
        var names: [String]
        var file: String
    }

    /// Every literal of the scripts that `pattern` finds, as a path and the names of its query.
    private static func asked(_ pattern: Regex<(Substring, Substring)>) throws -> [Asked] {
        var asked: [Asked] = []
        let files = try FileManager.default.contentsOfDirectory(atPath: assets.path()).filter { $0.hasSuffix(".js") }
        for file in files.sorted() {
            let script = try String(contentsOf: assets.appending(path: file), encoding: .utf8)
            for literal in script.matches(of: pattern) {
                let address = String(literal.1).replacing(#/\$\{[^}]*\}/#, with: "{}")
                asked.append(
                    Asked(path: String(address.prefix { $0 != "?" && $0 != "&" }), names: names(address), file: file)
                )
            }
        }
        return asked
    }

    /// The names of an address' query.
    private static func names(_ address: String) -> [String] {
        address.matches(of: #/[?&](\w+)=/#).map { String($0.1) }
    }

    @Test
    func `every path that a script asks for is described`() throws {
        let described = try DescribedRoutes()
        let asked = try Self.asked(#/["`](\/[^"`\s]*)["`]/#)
        #expect(described.paths.count > 40)
        // Where people are sent, and what is joined to the address of an agent.
        let places = ["/", "/unmatched", "/agents/{}"]
        let ofAnAgent = ["/reconcile", "/reboot", "/hold"]
        var unknown: [String] = []
        for each in asked where !places.contains(each.path) {
            let whole =
                ofAnAgent.contains(each.path) && each.file == "agent.js" ? "/v1/agents/{}" + each.path : each.path
            let isAction = whole.hasPrefix("/v1/guard/{}/{}")
            let address = isAction ? "/v1/guard/{}/approve" : whole
            if !described.has(address) { unknown.append("\(each.file): \(each.path)") }
        }
        #expect(unknown == [])
        let paths = Set(asked.map(\.path))
        for path in ["/session", "/v1/actions", "/v1/guard", "/v1/stream", "/unmatched/count", "/v1/agents/{}/pairing"]
        {
            #expect(paths.contains(path), "the scripts are read as they are: \(path)")
        }
    }

    @Test
    func `every name in a query that a script asks with is described`() throws {
        let described = try DescribedRoutes()
        // What is joined to an address that the server put in the page, or another function.
        let joined = ["fleet.js": "/v1/agents", "mapping.js": "/v1/sources/{}/aliases/{}"]
        var unknown: [String] = []
        var found: Set<String> = []
        for each in try Self.asked(#/["`]([^"`\s]*[?&]\w+=[^"`\s]*)["`]/#) {
            let path = each.path.hasPrefix("/") ? each.path : joined[each.file] ?? each.path
            let names = described.queryNames(of: path) ?? []
            unknown += each.names.filter { !names.contains($0) }.map { "\(each.file): \(path)?\($0)" }
            found.formUnion(each.names)
        }
        #expect(unknown == [])
        #expect(
            found.isSuperset(of: ["snapshot", "cursor", "dry_run", "limit", "q", "state"]),
            "the scripts are read as they are"
        )
    }

    @Test
    func `every address that the server has a script ask is described, with its query`() async throws {
        try await withPage { page in
            for number in 0...FleetReads.pageSize { try await page.management.addAgent("a\(number)", team: "red") }
            let signIn = try await page.signIn(as: .admin)
            let first = try await page.send("GET", "/?sort=name", signIn).text
            let second = try #require(first.firstMatch(of: #/id="more" class="button" href="([^"]*)"/#)?.1)
            let described = try DescribedRoutes()
            var unknown: [String] = []
            var found: Set<String> = []
            for view in [
                String(second).replacing("&amp;", with: "&"), "/?team=red&shift=in&condition=converged&q=a",
                "/?no_team=true&agreement=fine",
                "/agents/a1", "/sources", "/sources/api", "/stats", "/unmatched",
            ] {
                let answer = try await page.send("GET", view, signIn)
                #expect(answer.status == 200, "\(view)")
                for attribute in answer.text.matches(of: #/="(\/(?:v1|session|unmatched\/)[^"]*)"/#) {
                    let address = String(attribute.1).replacing("&amp;", with: "&")
                    let path = String(address.prefix { $0 != "?" })
                    let names = described.queryNames(of: path)
                    if names == nil { unknown.append("\(view): \(path)") }
                    unknown += Self.names(address).filter { names?.contains($0) == false }.map {
                        "\(view): \(path)?\($0)"
                    }
                    found.formUnion([path] + Self.names(address))
                }
            }
            #expect(unknown == [])
            let known = [
                "/v1/stream", "/v1/agents", "/v1/agents/a1", "/session", "snapshot", "cursor", "no_team", "agreement",
            ]
            #expect(found.isSuperset(of: known), "the pages are read as they are: \(found)")
        }
    }

    @Test
    func `every field of a form that is sent to the sign-in is described`() throws {
        let fields = try DescribedRoutes().formFields(of: "/session")
        var sent: Set<String> = []
        for file in try FileManager.default.contentsOfDirectory(atPath: Self.assets.path())
        where file.hasSuffix(".mustache") {
            let template = try String(contentsOf: Self.assets.appending(path: file), encoding: .utf8)
            for form in template.matches(of: #/(?s)<form[^>]* action="\/session".*?<\/form>/#) {
                sent.formUnion(form.0.matches(of: #/ name="(\w+)"/#).map { String($0.1) })
            }
        }
        #expect(sent == ["key", "end", "everywhere"] && fields == sent)
    }
}
