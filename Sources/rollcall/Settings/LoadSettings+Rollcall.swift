import Domain
import Service

// The settings that are not an account's or a source's.
extension LoadSettings {
    /// What to do where a command that works beside `serve` has no database.
    static let databaseOfCommand =
        "set it to a libpq connection string; that of a running `serve --embedded DIR` is in its log, usually "
        + "`host=DIR/socket port=5432 dbname=rollcall user=postgres`"

    /// libpq's connection string; not judged here, since libpq knows many forms.
    mutating func databaseURL() -> String? {
        let name = SettingName("database_url")
        let url = reader.secret(name)
        switch purpose {
        case .serve(embedded: true) where url != nil:
            reader.add(
                .init(
                    setting: name.variable,
                    fault: "it is set, and so is --embedded",
                    remedy: "keep one of the two: there is one database"
                )
            )
        case .serve(embedded: false) where url == nil && !isRefused(name):
            reader.add(
                .init(
                    setting: name.variable,
                    fault: "there is no database",
                    remedy: "set it to a libpq connection string, or start with `serve --embedded DIR`"
                )
            )
        case .command where url == nil && !isRefused(name):
            reader.add(
                .init(setting: name.variable, fault: "there is no database", remedy: Self.databaseOfCommand)
            )
        case .serve, .command, .check: break
        }
        return url
    }

    mutating func bootstrapAdminKey() -> String? {
        let name = SettingName("bootstrap_admin_key")
        guard let key = reader.secret(name) else { return nil }
        if key.count < Self.adminKeyLength || key.utf8.contains(where: { $0 <= 0x20 || $0 >= 0x7F }) {
            reader.add(
                .init(
                    setting: name.variable,
                    fault: "it is shorter than \(Self.adminKeyLength) characters or has a blank in it",
                    remedy: "make one, for example with `openssl rand -hex 32`"
                )
            )
        }
        return key
    }

    mutating func trustedProxies() -> TrustedProxies {
        reader.value(
            SettingName("trusted_proxies"),
            default: .loopback,
            expected: "a comma list of addresses and networks like 10.0.0.5 or 10.0.0.0/8",
            parse: { TrustedProxies(SettingsReader.items($0)) },
            render: \.text
        )
    }

    mutating func listener(_ word: String, port: Int, least: Int) -> Settings.Listener {
        let portName = SettingName("\(word)_port")
        return Settings.Listener(
            host: reader.text(SettingName("\(word)_host"), default: "127.0.0.1"),
            port: reader.number(portName, default: port, in: least...65_535),
            isPortChosen: reader.layers.find(portName) != nil
        )
    }

    mutating func policy() -> ReconcilePolicy {
        var policy = ReconcilePolicy()
        policy.stopStartGap = reader.duration(
            SettingName("stop_start_gap"),
            default: policy.stopStartGap,
            // Less loses the session's login. Source: Wawp, "Stop Session".
            in: policy.stopStartGap ... .minutes(10)
        )
        policy.startingTimeout = reader.duration(
            SettingName("starting_timeout"),
            default: policy.startingTimeout,
            in: .seconds(5) ... .minutes(60)
        )
        policy.confirmAfter = reader.duration(
            SettingName("confirm_after"),
            default: policy.confirmAfter,
            in: .zero ... .minutes(10)
        )
        policy.startLookAfter = reader.duration(
            SettingName("start_look_after"),
            default: policy.startLookAfter,
            in: .zero ... .hours(24)
        )
        policy.restartLimit = reader.number(SettingName("restart_limit"), default: policy.restartLimit, in: 0...100)
        policy.restartWindow = reader.duration(
            SettingName("restart_window"),
            default: policy.restartWindow,
            in: .seconds(1) ... .hours(24)
        )
        policy.restartSpacing = reader.duration(
            SettingName("restart_spacing"),
            default: policy.restartSpacing,
            in: .zero ... .hours(1)
        )
        policy.breakAction =
            reader.choice(SettingName("break_action"), among: [.keep, .stop], default: policy.breakAction)
            ?? policy.breakAction
        return policy
    }

    /// An http or https address, without a slash at its end.
    ///
    /// `keepsEnd`: as it is written instead, since signatures cover every letter of it.
    mutating func url(_ name: SettingName, keepsEnd: Bool = false) -> String? {
        reader.optional(
            name,
            expected: "an http or https address",
            // An address may carry a credential in its query or before its host.
            mayQuote: false,
            parse: { Self.address($0, keepsEnd: keepsEnd) },
            render: { $0.contains("@") ? SettingsReport.hidden : String($0.prefix { $0 != "?" }) }
        )
    }

    private static func address(_ text: String, keepsEnd: Bool) -> String? {
        guard let scheme = ["https://", "http://"].first(where: text.hasPrefix), text.count > scheme.count,
            text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F })
        else { return nil }
        var address = text
        while address.hasSuffix("/") { address.removeLast() }
        guard address.count > scheme.count else { return nil }
        return keepsEnd ? text : address
    }

    /// Whether something is already wrong with a setting, so that it is not called missing as well.
    func isRefused(_ name: SettingName) -> Bool {
        let spellings = [name, name.inFile].flatMap { [$0.variable, $0.dotted] }
        return reader.problems.contains { spellings.contains($0.setting) }
    }

    mutating func refuseUnknown(engines: [String], sources: [String]) {
        let unknown = UnknownNames(engines: engines, sources: sources)
        for variable in reader.layers.variables {
            if let problem = unknown.problem(withVariable: variable) {
                reader.add(problem)
            } else if UnknownNames.isFromKubernetes(variable) {
                notices.append("\(variable) is ignored: Kubernetes makes it for a service called rollcall")
            } else if UnknownNames.isForTests(variable) {
                notices.append("\(variable) is set: this process will end or stand still on purpose")
            }
        }
        for path in reader.layers.filePaths {
            if isOfUnlistedAccount(path, engines: engines, sources: sources) {
                notices.append(
                    "\(path.joined(separator: ".")) in the file is ignored: the environment lists other names"
                )
            } else if let problem = unknown.problem(withPath: path) {
                reader.add(problem)
            }
        }
    }

    /// The environment's list of names wins over the file's map, so the file may describe more than are used.
    private func isOfUnlistedAccount(_ path: [String], engines: [String], sources: [String]) -> Bool {
        guard path.count == 3 else { return false }
        switch path[0] {
        case "engines": return reader.layers.isListedInEnvironment("engines") && !engines.contains(path[1])
        case "sources": return reader.layers.isListedInEnvironment("sources") && !sources.contains(path[1])
        default: return false
        }
    }
}

extension Duration {
    static func minutes(_ minutes: Int) -> Duration { .seconds(minutes * 60) }
    static func hours(_ hours: Int) -> Duration { .seconds(hours * 3_600) }
    static func days(_ days: Int) -> Duration { .seconds(days * 86_400) }
}
