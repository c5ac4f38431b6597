import Testing

@testable import rollcall

@Suite("names of settings")
struct SettingNamesTests {
    @Test(arguments: [
        ("ROLLCALL_HTP_PORT", "ROLLCALL_HTTP_PORT"), ("ROLLCALL_ENGINE_MAIN_TOKN", "ROLLCALL_ENGINE_MAIN_TOKEN"),
        ("ROLLCALL_DATABASE_ULR", "ROLLCALL_DATABASE_URL"), ("ROLLCALL_SWEEP_INTERVALL", "ROLLCALL_SWEEP_INTERVAL"),
    ])
    func `a misspelt variable refuses to boot and names the right one`(wrong: String, right: String) {
        let problems = SettingsFixture.problems([wrong: "1"])
        #expect(problems.map(\.setting) == [wrong])
        #expect(problems.allSatisfy { $0.remedy.contains("\(right)?") })
    }

    @Test(arguments: [
        ("ROLLCALL_SOMETHING_ELSE_ENTIRELY", "check-config"), ("ROLLCALL_ENGINE_OTHERS_URL", "ROLLCALL_ENGINES"),
        ("ROLLCALL_SOURCE_TILL_SECRET", "ROLLCALL_SOURCES"),
    ])
    func `an unknown variable refuses to boot and says what to do`(name: String, remedy: String) {
        let problems = SettingsFixture.problems([name: "1"])
        #expect(problems.map(\.setting) == [name])
        #expect(problems.allSatisfy { $0.remedy.contains(remedy) })
    }

    @Test(arguments: [
        ("http_prot: 1\n", "http_prot"), ("engines:\n  main:\n    urll: x\n", "engines.main.urll"),
        ("something:\n  else: 1\n", "something.else"), ("engines:\n  main: 1\n", "engines.main"),
    ])
    func `an unknown key of the file refuses to boot`(yaml: String, named: String) {
        #expect(SettingsFixture.problems(yaml: yaml).map(\.setting) == [named])
    }

    @Test(arguments: [
        "ROLLCALL_PORT", "ROLLCALL_PORT_8080_TCP", "ROLLCALL_PORT_8080_TCP_ADDR", "ROLLCALL_SERVICE_HOST",
        "ROLLCALL_SERVICE_PORT_HTTP",
    ])
    func `what Kubernetes sets is ignored and said so`(name: String) throws {
        let settings = try SettingsFixture.load([name: "tcp://10.0.0.1:8080"])
        #expect(settings.notices.contains { $0.contains(name) })
    }

    @Test(arguments: ["ROLLCALL_CRASH_AT", "ROLLCALL_FREEZE_AT"])
    func `what ends or stops the process on purpose is taken and said so`(name: String) throws {
        let settings = try SettingsFixture.load([name: "before-engine-call"])
        #expect(settings.notices.contains { $0.contains(name) && $0.contains("on purpose") })
        #expect(SettingsFixture.problems(["\(name)S": "1"]).map(\.setting) == ["\(name)S"])
    }

    @Test(arguments: ["main,Main", "a_b", "main,", "-", "main,ma in", "é"])
    func `a name that makes no variable of its own is refused`(names: String) {
        let problems = SettingsFixture.problems(["ROLLCALL_ENGINES": names])
        let isFine = names == "main," || names == "-"
        #expect(problems.contains { $0.setting == "ROLLCALL_ENGINES" } == !isFine)
    }

    /// A name, and all that go on from it as a word of these settings begins.
    private static func names(_ entries: [SettingCatalogue.Entry]) -> [String] {
        let beginnings = entries.flatMap { entry in
            let parts = entry.word.split(separator: "_")
            return parts.indices.map { parts[...$0].joined(separator: "-") }
        }
        return ["x"] + Set(beginnings).sorted().map { "x-\($0)" }
    }

    /// The variables that several of these names are spelled by.
    private static func shared(_ names: [SettingName]) -> Set<String> {
        Set(Dictionary(grouping: names, by: \.variable).filter { $0.value.count > 1 }.keys)
    }

    @Test func `no two settings share a variable, whatever the engine accounts are called`() {
        let names = Self.names(SettingCatalogue.ofEngine)
        #expect(names.count > SettingCatalogue.ofEngine.count)
        #expect(Self.shared(SettingCatalogue.names(engines: names, sources: ["x"])).isEmpty)
    }

    @Test func `sources of which two settings share a variable are refused, whatever they are called, and no others`() {
        var refused: [String] = []
        for other in Self.names(SettingCatalogue.ofSource).dropFirst() {
            let shared = Self.shared(SettingCatalogue.names(engines: [], sources: ["x", other]))
            let problems = SettingsFixture.problems(["ROLLCALL_SOURCES": "x,\(other)"])
            #expect(Set(problems.filter { $0.fault.contains("at once") }.map(\.setting)) == shared, "\(other)")
            if !shared.isEmpty { refused.append(other) }
        }
        #expect(refused == ["x-client"])
    }

    @Test(arguments: ["x,x-client", "x-client,x"])
    func `a variable that would be the secret of two sources is named with both`(sources: String) throws {
        let problems = SettingsFixture.problems(["ROLLCALL_SOURCES": sources])
        let problem = try #require(problems.first { $0.setting == "ROLLCALL_SOURCE_X_CLIENT_SECRET" })
        #expect(problem.fault.contains("sources.x.client_secret"))
        #expect(problem.fault.contains("sources.x-client.secret"))
    }

    @Test func `check-config lists every setting`() throws {
        let settings = try SettingsFixture.load([
            "ROLLCALL_SOURCES": "till", "ROLLCALL_SOURCE_TILL_KIND": "generic-bearer",
            "ROLLCALL_SOURCE_TILL_SECRET": "secret-of-the-till",
        ])
        let all = SettingCatalogue.names(engines: ["main"], sources: ["till"]).map(\.variable)
        #expect(Set(settings.report.rows.map(\.setting)) == Set(all.filter { !$0.hasSuffix("_FILE") }))
    }
}
