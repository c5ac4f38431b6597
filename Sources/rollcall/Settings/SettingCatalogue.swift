/// Every setting there is, so that a name which is none of them can be refused.
enum SettingCatalogue {
    /// What is known of a setting before it is read.
    struct Entry: Sendable {
        var word: String
        /// Never shown; may also come from the file that `…_FILE` names.
        var isSecret = false
    }

    static let ofRollcall: [Entry] = [
        Entry(word: "database_url", isSecret: true),
        Entry(word: "http_host"), Entry(word: "http_port"),
        Entry(word: "metrics_host"), Entry(word: "metrics_port"),
        Entry(word: "public_url"), Entry(word: "trusted_proxies"),
        Entry(word: "bootstrap_admin_key", isSecret: true),
        Entry(word: "engines"), Entry(word: "sources"),
        Entry(word: "stop_start_gap"),
        Entry(word: "sweep_interval"), Entry(word: "off_shift_sweep_interval"),
        Entry(word: "starting_timeout"), Entry(word: "confirm_after"), Entry(word: "start_look_after"),
        Entry(word: "unmatched_max_age"), Entry(word: "keep_bodies"),
        Entry(word: "database_connections"), Entry(word: "log_level"), Entry(word: "migrate"),
        Entry(word: "restart_limit"), Entry(word: "restart_window"), Entry(word: "restart_spacing"),
        Entry(word: "break_action"), Entry(word: "clock_skew"),
        Entry(word: "alert_url", isSecret: true), Entry(word: "alert_secret", isSecret: true),
        Entry(word: "alert_after"), Entry(word: "alert_allow_hosts"),
    ]

    static let ofEngine: [Entry] = [
        Entry(word: "kind"), Entry(word: "url"),
        Entry(word: "token", isSecret: true), Entry(word: "token_placement"),
        Entry(word: "calls_per_second"), Entry(word: "concurrency"), Entry(word: "timeout"),
        Entry(word: "webhook_secret", isSecret: true),
    ]

    static let ofSource: [Entry] = [
        Entry(word: "kind"),
        Entry(word: "secret", isSecret: true),
        Entry(word: "time_zone"), Entry(word: "tolerance"), Entry(word: "map"), Entry(word: "public_url"),
        Entry(word: "auth"), Entry(word: "header"), Entry(word: "key_id"), Entry(word: "must_cover"),
        Entry(word: "tokens", isSecret: true),
        Entry(word: "require_key"), Entry(word: "match_agent_id"),
        Entry(word: "rate_limit"), Entry(word: "body_limit"), Entry(word: "silence"),
        Entry(word: "api_url"), Entry(word: "client_id"), Entry(word: "client_secret", isSecret: true),
    ]

    /// All names that mean something while these accounts and sources are listed.
    static func names(engines: [String], sources: [String]) -> [SettingName] {
        spelled(ofRollcall, of: .rollcall)
            + engines.flatMap { spelled(ofEngine, of: .engine($0)) }
            + sources.flatMap { spelled(ofSource, of: .source($0)) }
    }

    /// The settings that have one variable while these accounts and sources are listed, two by two.
    ///
    /// There are such where one name goes on as a word begins: `client_secret` of `x`, and `secret` of `x-client`.
    static func sharing(engines: [String], sources: [String]) -> [(first: SettingName, second: SettingName)] {
        var taken: [String: SettingName] = [:]
        return names(engines: engines, sources: sources).compactMap { name in
            taken.updateValue(name, forKey: name.variable).map { (first: $0, second: name) }
        }
    }

    private static func spelled(_ entries: [Entry], of owner: SettingName.Owner) -> [SettingName] {
        entries.flatMap { entry in
            let name = SettingName(entry.word, of: owner)
            return entry.isSecret ? [name, name.inFile] : [name]
        }
    }
}
