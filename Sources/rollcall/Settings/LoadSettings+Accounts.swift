import ClockSources
import Domain

// The settings of engine accounts and clock sources, which have names.
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
        let kind = reader.choice(SettingName("kind", of: owner), among: EngineAccountSettings.Kind.allCases)
        let url = url(urlName)
        let token = reader.secret(SettingName("token", of: owner))
        let placement = reader.choice(
            SettingName("token_placement", of: owner),
            among: EngineAccountSettings.TokenPlacement.allCases,
            default: .body
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
        let webhookSecret = reader.secret(SettingName("webhook_secret", of: owner))
        if url?.hasSuffix("/v2") == true {
            reader.add(.init(setting: urlName.variable, fault: "it ends with /v2", remedy: "leave that out"))
        }
        require(kind, SettingName("kind", of: owner), remedy: "set it to `wawp`")
        require(url, urlName, remedy: "set it to the engine's address, without `/v2`")
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

    /// `nil` when something is wrong with it, which is then among the problems.
    mutating func source(_ name: String, publicURL: String?) -> SourceSettings? {
        let owner = SettingName.Owner.source(name)
        let kind = reader.choice(SettingName("kind", of: owner), among: SourceKind.allCases)
        let secret = reader.secret(SettingName("secret", of: owner))
        let ownURL = url(SettingName("public_url", of: owner))
        let auth = reader.choice(SettingName("auth", of: owner), among: SourceAuth.allCases)
        let tokens = reader.secret(SettingName("tokens", of: owner)).map { SettingsReader.pairs($0) }
        if case .some(nil) = tokens {
            reader.add(
                .init(
                    setting: SettingName("tokens", of: owner).variable,
                    fault: "it is no list of EVENT=token",
                    remedy: "write `EVENT=token,EVENT=token`"
                )
            )
        }
        var settings = SourceSettings(
            name: name,
            // Only a stand-in while the kind itself is a problem: then nothing is returned.
            kind: kind ?? .genericBearer,
            secrets: SettingsReader.items(secret ?? ""),
            publicURL: ownURL ?? publicURL.map { "\($0)/v1/sources/\(name)/events" },
            timeZone: reader.text(SettingName("time_zone", of: owner)),
            tolerance: reader.duration(
                SettingName("tolerance", of: owner),
                default: .seconds(300),
                in: .seconds(1) ... .hours(24)
            ),
            map: map(SettingName("map", of: owner)),
            auth: auth,
            headerName: reader.text(SettingName("header", of: owner)),
            keyID: reader.text(SettingName("key_id", of: owner)),
            mustCover: reader.list(SettingName("must_cover", of: owner)),
            tokens: (tokens ?? nil) ?? [:],
            requireKey: reader.flag(SettingName("require_key", of: owner), default: false)
        )
        settings.matchAgentID = reader.flag(
            SettingName("match_agent_id", of: owner),
            default: settings.matchAgentID
        )
        require(kind, SettingName("kind", of: owner), remedy: "say which system it is")
        guard kind != nil, !isRefused(SettingName("secret", of: owner)) else { return nil }
        do throws(SourceSettingsError) {
            _ = try makeClockSource(settings)
        } catch {
            reader.add(
                .init(setting: "ROLLCALL_SOURCES", fault: error.description, remedy: "correct it")
            )
            return nil
        }
        return settings
    }

    /// The sender's words and what they mean here.
    private mutating func map(_ name: SettingName) -> [String: PunchKind] {
        reader.optional(
            name,
            expected: "a list like online=clock_in,away=break_start",
            parse: { text in
                guard let pairs = SettingsReader.pairs(text) else { return nil }
                let kinds = pairs.compactMapValues { PunchKind(rawValue: $0) }
                return kinds.count == pairs.count && !kinds.values.contains(.void) ? kinds : nil
            },
            render: { map in
                map.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value.rawValue)" }.joined(separator: ",")
            }
        ) ?? [:]
    }

    /// Says that a setting is missing, unless something is already wrong with it.
    private mutating func require(_ value: Any?, _ name: SettingName, remedy: String) {
        guard value == nil, !isRefused(name) else { return }
        reader.add(.init(setting: name.variable, fault: "it is not set", remedy: remedy))
    }
}
