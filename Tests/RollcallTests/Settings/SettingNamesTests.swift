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

    @Test func `no two settings share a variable, whatever the accounts are called`() {
        let names = ["main", "main-token", "token", "s", "url", "main-webhook", "public", "time"]
        let variables = SettingCatalogue.names(engines: names, sources: names).map(\.variable)
        #expect(Set(variables).count == variables.count)
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
