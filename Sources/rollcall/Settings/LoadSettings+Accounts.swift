import Engines
import Service

// The settings of engine accounts, and what accounts and clock sources share: they have names.
extension LoadSettings {
    /// The names of the accounts or sources: the environment's list, else the file's map.
    ///
    /// - Parameter word: `engines` or `sources`.
    /// - Returns: without names that are refused.
    mutating func names(_ word: String) -> [String] {
        let setting = SettingName(word)
        var names = reader.list(setting)
        if names.isEmpty {
            names = reader.layers.namesInFile(word)
            reader.replaceLastRow(value: names.isEmpty ? nil : names.joined(separator: ","), fromFile: !names.isEmpty)
        }
        var taken: [String: String] = [:]
        return names.filter { name in
            guard SettingName.isAccountName(name) else {
                reader.add(
                    .init(
                        setting: setting.variable,
                        fault: "\"\(name)\" is no name",
                        remedy: "use letters, digits and `-`, at most 40 of them"
                    )
                )
                return false
            }
            if let other = taken.updateValue(name, forKey: SettingName.inVariable(name)) {
                reader.add(
                    .init(
                        setting: setting.variable,
                        fault: "\"\(other)\" and \"\(name)\" make the same variables",
                        remedy: "rename one of them"
                    )
                )
                return false
            }
            return true
        }
    }

    /// Refuses names that make two settings one variable, so that nobody's secret is another's.
    mutating func refuseShared(engines: [String], sources: [String]) {
        for (one, other) in SettingCatalogue.sharing(engines: engines, sources: sources) {
            reader.add(
                .init(
                    setting: one.variable,
                    fault: "it is \(one.dotted) and \(other.dotted) at once",
                    remedy: "rename one of the two"
                )
            )
        }
    }

    mutating func addMissingEngine() {
        reader.add(
            .init(
                setting: SettingName("engines").variable,
                fault: "there is no engine account",
                remedy: "set it to a name, for example `main`, and the account's _KIND, _URL and _TOKEN"
            )
        )
    }

    /// `nil` when something is wrong with it, which is then among the problems.
    mutating func engine(_ name: String) -> EngineAccountSettings? {
        let owner = SettingName.Owner.engine(name)
        let urlName = SettingName("url", of: owner)
        let kind = reader.choice(SettingName("kind", of: owner), among: EngineKind.allCases)
        let url = url(urlName)
        let token = reader.secret(SettingName("token", of: owner))
        let placement = reader.choice(
            SettingName("token_placement", of: owner),
            among: kind?.tokenPlacements ?? EngineAccount.TokenPlacement.allCases,
            default: kind?.tokenPlacements.first
        )
        let callsPerSecond = reader.number(
            SettingName("calls_per_second", of: owner),
            default: 50,
            in: 1...1_000_000
        )
        let concurrency = reader.number(SettingName("concurrency", of: owner), default: 64, in: 1...4_096)
        let timeout = reader.duration(
            SettingName("timeout", of: owner),
            default: .seconds(30),
            in: .milliseconds(100) ... .minutes(5)
        )
        noticeShortTimeout(timeout, of: owner)
        let webhookSecret = reader.secret(SettingName("webhook_secret", of: owner))
        let addedPath = kind?.addedPath ?? EngineKind.wawp.addedPath
        if let url, EngineAccount.address(url, endsIn: addedPath) {
            reader.add(.init(setting: urlName.variable, fault: "it ends with \(addedPath)", remedy: "leave that out"))
        }
        let kinds = EngineKind.allCases.map { "`\($0)`" }.joined(separator: " or ")
        require(kind, SettingName("kind", of: owner), remedy: "set it to \(kinds)")
        require(url, urlName, remedy: "set it to the engine's address, without `\(addedPath)`")
        require(token, SettingName("token", of: owner), remedy: "set it to the account's access token")
        guard let kind, let url, let token, let placement else { return nil }
        return EngineAccountSettings(
            name: name,
            kind: kind,
            url: url,
            token: token,
            tokenPlacement: placement,
            callsPerSecond: callsPerSecond,
            concurrency: concurrency,
            timeout: timeout,
            webhookSecret: webhookSecret
        )
    }

    /// Says so where a stop, which takes 3 s in the engine, may be given up before it is answered.
    private mutating func noticeShortTimeout(_ timeout: Duration, of owner: SettingName.Owner) {
        guard timeout < .seconds(5) else { return }
        let setting = SettingName("timeout", of: owner).variable
        notices.append(
            "\(setting) is \(DurationText.render(timeout)): stops, which take an engine 3 s, may end without an answer; "
                + "choose 5s or more"
        )
    }

    /// Says that a setting is missing, unless something is already wrong with it.
    mutating func require(_ value: Any?, _ name: SettingName, remedy: String) {
        guard value == nil, !isRefused(name) else { return }
        reader.add(.init(setting: name.variable, fault: "it is not set", remedy: remedy))
    }
}
