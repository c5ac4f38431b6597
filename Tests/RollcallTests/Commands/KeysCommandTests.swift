import Foundation
import LibPQ
import Testing

/// `rollcall keys`: the key alone when it is made; afterwards who may do what, and nothing that lets one do it.
@Suite("keys create and list", .timeLimit(.minutes(3)))
struct KeysCommandTests {
    private struct Made: Decodable {
        var id: String
        var key: String
    }

    private struct Listed: Decodable, Equatable {
        var id: String
        var name: String
        var role: String
        var teams: [String]?
        var source: String?
        var revoked: Bool

        private enum CodingKeys: String, CodingKey {
            case id, name, role, teams, source, revokedAt = "revoked_at"
        }

        init(_ made: Made, _ name: String, _ role: String, teams: [String]?, source: String?, revoked: Bool) {
            (id, self.name, self.role, self.teams) = (made.id, name, role, teams)
            (self.source, self.revoked) = (source, revoked)
        }

        init(from decoder: any Decoder) throws {
            let fields = try decoder.container(keyedBy: CodingKeys.self)
            id = try fields.decode(String.self, forKey: .id)
            name = try fields.decode(String.self, forKey: .name)
            role = try fields.decode(String.self, forKey: .role)
            teams = try fields.decode([String]?.self, forKey: .teams)
            source = try fields.decode(String?.self, forKey: .source)
            revoked = try fields.decode(String?.self, forKey: .revokedAt) != nil
        }
    }

    private func make(_ installation: Installation, _ arguments: String...) async throws -> Made {
        let process = try RollcallProcess(["keys", "create", "--json"] + arguments, settings: installation.settings)
        defer { process.kill() }
        #expect(try await process.ending() == .exit(0), "\(process.output)")
        return try JSONDecoder().decode(Made.self, from: Data(process.output.utf8))
    }

    @Test
    func `a key is printed alone when it is made, and is the one that works`() async throws {
        try await withInstallation { installation in
            #expect(try await installation.run("migrate").code == 0)
            let made = try await installation.run("keys", "create", "--name", "desk", "--role", "admin")
            #expect(made.code == 0)
            #expect(made.output.wholeMatch(of: /rk_[A-Za-z0-9_-]{43}\n/) != nil, "\(made.output)")
            let key = made.output.filter { !$0.isNewline }
            let stored = try await installation.count(
                "SELECT count(*) AS count FROM api_keys WHERE key_hash = sha256(convert_to(\(key), 'UTF8')) AND name = 'desk'"
            )
            #expect(stored == 1)
        }
    }

    @Test
    func `more keys than a page holds are all listed, each once`() async throws {
        try await withInstallation { installation in
            #expect(try await installation.run("migrate").code == 0)
            try await installation.owner.execute(
                """
                INSERT INTO api_keys (key_id, name, role, key_hash, created_by, revoked_at)
                SELECT gen_random_uuid(), 'k' || n, 'view', sha256(convert_to('k' || n, 'UTF8')), 'test',
                    CASE WHEN n % 2 = 0 THEN now() END
                FROM generate_series(1, 2300) AS n
                """
            )
            let list = try await installation.run("keys", "list", "--json")
            #expect(list.code == 0)
            let listed = try JSONDecoder().decode([Listed].self, from: Data(list.output.utf8))
            #expect(listed.count == 2300 && Set(listed.map(\.name)).count == 2300)
            let table = try await installation.run("keys", "list")
            #expect(table.output.split(separator: "\n").count == 2300)
        }
    }

    @Test
    func `keys are listed with what they may do and whether they live, and never themselves`() async throws {
        try await withInstallation { installation in
            #expect(try await installation.run("migrate").code == 0)
            let none = try await installation.run("keys", "list", "--json")
            #expect(none.code == 0 && none.output == "[]\n", "\(none.output)")
            let desk = try await make(
                installation,
                "--name",
                #"the "desk""#,
                "--role",
                "view",
                "--team",
                "blue",
                "--team",
                "red"
            )
            let gate = try await make(installation, "--name", "gate", "--role", "clock", "--source", "gate")
            let gone = try await make(installation, "--name", "gone", "--role", "admin")
            #expect(try await installation.run("keys", "revoke", gone.id).code == 0)

            let list = try await installation.run("keys", "list", "--json")
            #expect(list.code == 0, "\(list.output)")
            let listed = try JSONDecoder().decode([Listed].self, from: Data(list.output.utf8))
            #expect(
                listed.sorted { $0.name < $1.name } == [
                    Listed(gate, "gate", "clock", teams: nil, source: "gate", revoked: false),
                    Listed(gone, "gone", "admin", teams: nil, source: nil, revoked: true),
                    Listed(desk, #"the "desk""#, "view", teams: ["blue", "red"], source: nil, revoked: false),
                ]
            )

            let table = try await installation.run("keys", "list")
            #expect(table.code == 0, "\(table.output)")
            let lines = table.output.split(separator: "\n").map(String.init)
            #expect(lines.count == 3)
            #expect(lines.contains("\(desk.id)  view  live  the \"desk\"  teams blue,red"), "\(lines)")
            #expect(lines.contains("\(gate.id)  clock  live  gate  source gate"), "\(lines)")
            let last = try #require(lines.last)
            #expect(last.hasPrefix("\(gone.id)  admin  revoked 2") && last.hasSuffix("Z  gone"), "\(lines)")
            for key in [desk, gate, gone] {
                #expect(!list.output.contains(key.key) && !table.output.contains(key.key))
            }
        }
    }
}
