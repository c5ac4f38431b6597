import Service

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

    /// The rule that only the database can check: neither an admin key there nor one that could be made.
    ///
    /// `bootstrap`: what became of the key in the settings; `nil` when there is none.
    static func noAdminKey(_ bootstrap: KeyRing.Bootstrap?) -> SettingsError {
        let make = "`rollcall keys create --name NAME --role admin`"
        let length = LoadSettings.adminKeyLength
        let (fault, remedy) =
            switch bootstrap {
            case nil:
                (
                    "there is no admin key in the database and none is given",
                    "set it to at least \(length) random characters for the first start"
                )
            case .revoked:
                (
                    "this key was revoked, and there is no other admin key in the database",
                    "set it to at least \(length) other random characters, or make a key with \(make)"
                )
            case .lesser:
                (
                    "this key has another role already, and there is no admin key in the database",
                    "set it to at least \(length) other random characters, or make a key with \(make)"
                )
            case .created, .ignored:
                ("the last admin key was revoked during the start", "make another one with \(make)")
            }
        return SettingsError([Problem(setting: "ROLLCALL_BOOTSTRAP_ADMIN_KEY", fault: fault, remedy: remedy)])
    }
}

extension SettingsError: CustomStringConvertible {
    /// One line for each problem; safe to show.
    package var description: String {
        problems.map { "\($0.setting): \($0.fault); \($0.remedy)" }.joined(separator: "\n")
    }
}
