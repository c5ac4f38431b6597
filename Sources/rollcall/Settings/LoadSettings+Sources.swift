import ClockSources
import Domain
import Service

// The settings of clock sources.
extension LoadSettings {
    /// `nil` when something is wrong with it, which is then among the problems.
    mutating func source(_ name: String, publicURL: String?) -> ClockSourceSettings? {
        let owner = SettingName.Owner.source(name)
        let kind = reader.choice(SettingName("kind", of: owner), among: SourceKind.allCases)
        let reading = reading(of: name, kind: kind, publicURL: publicURL)
        let limits = limits(of: owner)
        let silence = reader.duration(SettingName("silence", of: owner), default: .zero, in: .zero ... .days(365))
        let api = api(of: owner, kind: kind)
        require(kind, SettingName("kind", of: owner), remedy: "say which system it is")
        guard kind != nil, !isRefused(SettingName("secret", of: owner)) else { return nil }
        do throws(SourceSettingsError) {
            _ = try makeClockSource(reading)
        } catch {
            reader.add(.init(setting: "ROLLCALL_SOURCES", fault: error.description, remedy: "correct it"))
            return nil
        }
        return ClockSourceSettings(reading: reading, limits: limits, silence: silence, api: api)
    }

    /// What the source's adapter needs to know.
    private mutating func reading(of name: String, kind: SourceKind?, publicURL: String?) -> SourceSettings {
        let owner = SettingName.Owner.source(name)
        let secrets = reader.secretList(SettingName("secret", of: owner))
        let ownURL = url(SettingName("public_url", of: owner), keepsEnd: true)
        var settings = SourceSettings(
            name: name,
            // Only a stand-in while the kind itself is a problem: then nothing is returned.
            kind: kind ?? .genericBearer,
            secrets: secrets,
            publicURL: ownURL ?? publicURL.map { "\($0)/v1/sources/\(name)/events" },
            timeZone: zone(SettingName("time_zone", of: owner)),
            tolerance: reader.duration(
                SettingName("tolerance", of: owner),
                default: .seconds(300),
                in: .seconds(1) ... .hours(24)
            ),
            map: map(SettingName("map", of: owner)),
            auth: reader.choice(SettingName("auth", of: owner), among: SourceAuth.allCases),
            headerName: reader.text(SettingName("header", of: owner)),
            keyID: reader.text(SettingName("key_id", of: owner)),
            mustCover: reader.list(SettingName("must_cover", of: owner)),
            tokens: tokens(SettingName("tokens", of: owner)),
            requireKey: reader.flag(SettingName("require_key", of: owner), default: false)
        )
        settings.matchAgentID = reader.flag(
            SettingName("match_agent_id", of: owner),
            default: settings.matchAgentID
        )
        return settings
    }

    private mutating func limits(of owner: SettingName.Owner) -> SourceLimits {
        let usual = SourceLimits()
        return SourceLimits(
            deliveriesPerSecond: reader.number(
                SettingName("rate_limit", of: owner),
                default: usual.deliveriesPerSecond,
                in: 1...1_000_000
            ),
            bodySize: reader.number(
                SettingName("body_limit", of: owner),
                default: usual.bodySize,
                in: 1_024...usual.bodySize
            )
        )
    }

    /// How to reach the sender's API, for the kind whose deliveries only name records.
    private mutating func api(of owner: SettingName.Owner, kind: SourceKind?) -> SourceAPISettings? {
        let url = url(SettingName("api_url", of: owner))
        let clientID = reader.text(SettingName("client_id", of: owner))
        let clientSecret = reader.secret(SettingName("client_secret", of: owner))
        guard kind == .personio else { return nil }
        let remedy = "set it to that of the API credentials made in Personio, which may read attendances"
        require(clientID, SettingName("client_id", of: owner), remedy: remedy)
        require(clientSecret, SettingName("client_secret", of: owner), remedy: remedy)
        guard let clientID, let clientSecret else { return nil }
        return SourceAPISettings(
            url: url ?? PersonioClient.usualURL,
            clientID: clientID,
            clientSecret: clientSecret
        )
    }

    /// Secrets by event; `old|new` while one replaces another.
    private mutating func tokens(_ name: SettingName) -> [String: String] {
        guard let text = reader.secret(name) else { return [:] }
        guard let tokens = SettingsReader.pairs(text) else {
            reader.add(
                .init(
                    setting: name.variable,
                    fault: "it is no list of EVENT=token",
                    remedy: "write `EVENT=token,EVENT=token`"
                )
            )
            return [:]
        }
        for alternatives in tokens.values {
            reader.addSecrets(alternatives.split(separator: "|").map(String.init))
        }
        return tokens
    }

    /// The rules of the zone that a sender's local times are in.
    private mutating func zone(_ name: SettingName) -> ZoneRules? {
        reader.optional(
            name,
            expected: "a time zone of this machine's tzdata, like Europe/Berlin",
            parse: SystemZones.rules,
            render: { $0.name }
        )
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
}
