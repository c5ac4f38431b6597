@testable import rollcall

/// The least that `serve` starts with, and a way to change it.
enum SettingsFixture {
    static let least = [
        "ROLLCALL_DATABASE_URL": "postgresql://rollcall@localhost/rollcall",
        "ROLLCALL_ENGINES": "main",
        "ROLLCALL_ENGINE_MAIN_KIND": "wawp",
        "ROLLCALL_ENGINE_MAIN_URL": "http://127.0.0.1:9000",
        "ROLLCALL_ENGINE_MAIN_TOKEN": "tok_valid_0001",
    ]

    /// Loads the least settings with changes; a `nil` removes.
    static func load(
        _ changes: [String: String?] = [:],
        yaml: String? = nil,
        for purpose: LoadSettings.Purpose = .serve(embedded: false),
        files: [String: String] = [:]
    ) throws(SettingsError) -> Settings {
        var environment = least
        for (name, value) in changes { environment[name] = value }
        return try LoadSettings.load(environment: environment, yaml: yaml, for: purpose) { files[$0] }
    }

    /// The problems with the least settings and changes; empty when there are none.
    static func problems(
        _ changes: [String: String?] = [:],
        yaml: String? = nil,
        for purpose: LoadSettings.Purpose = .serve(embedded: false),
        files: [String: String] = [:]
    ) -> [SettingsError.Problem] {
        do throws(SettingsError) {
            _ = try load(changes, yaml: yaml, for: purpose, files: files)
            return []
        } catch {
            return error.problems
        }
    }
}
