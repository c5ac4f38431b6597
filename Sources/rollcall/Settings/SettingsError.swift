/// Settings that Rollcall refuses to start with; every problem at once.
package struct SettingsError: Error, Sendable, Hashable {
    /// One thing that is wrong, and what to do about it.
    package struct Problem: Sendable, Hashable {
        /// The setting's name as the operator wrote it, or would write it.
        package var setting: String
        /// What is wrong; never contains the value of a secret.
        package var fault: String
        /// What to do.
        package var remedy: String

        package init(setting: String, fault: String, remedy: String) {
            self.setting = setting
            self.fault = fault
            self.remedy = remedy
        }
    }

    package var problems: [Problem]

    package init(_ problems: [Problem]) {
        self.problems = problems
    }

    /// What the process ends with.
    package static let exitCode: Int32 = 2

    /// The rule that only the database can check: neither an admin key there nor one in the settings.
    package static let noAdminKey = SettingsError([
        Problem(
            setting: "ROLLCALL_BOOTSTRAP_ADMIN_KEY",
            fault: "there is no admin key in the database and none is given",
            remedy: "set it to at least \(LoadSettings.adminKeyLength) random characters for the first start"
        )
    ])
}

extension SettingsError: CustomStringConvertible {
    /// One line for each problem; safe to show.
    package var description: String {
        problems.map { "\($0.setting): \($0.fault); \($0.remedy)" }.joined(separator: "\n")
    }
}
