import ClockSources
import Domain
import Logging

/// Makes ``Settings`` of the environment, a file and the defaults, or says everything that is wrong with them.
package struct LoadSettings {
    /// What the settings are for, and so which of them may not be missing.
    package enum Purpose: Sendable, Hashable {
        /// `serve`, with a database of its own or not.
        case serve(embedded: Bool)
        /// A command that needs the database alone.
        case command
        /// `check-config`: what is missing is said, but a database may come from `--embedded` later.
        case check
    }

    /// The fewest characters of the bootstrap admin key.
    package static let adminKeyLength = 32

    let purpose: Purpose
    var reader: SettingsReader
    var notices: [String] = []

    /// Reads everything.
    ///
    /// - Parameters:
    ///   - environment: of the process.
    ///   - yaml: the text of the `--config` file, if there is one.
    ///   - purpose: decides what may not be missing.
    ///   - readFile: reads the file that a `…_FILE` setting names; `nil` when it cannot be read.
    /// - Returns: the settings, in every range and with every credential that the purpose needs.
    /// - Throws: with every problem found.
    package static func load(
        environment: [String: String],
        yaml: String? = nil,
        for purpose: Purpose,
        readFile: @escaping (_ path: String) -> String?
    ) throws(SettingsError) -> Settings {
        let layers = try SettingsLayers(environment: environment, yaml: yaml)
        var loading = LoadSettings(
            purpose: purpose,
            reader: SettingsReader(layers: layers, readFile: readFile)
        )
        return try loading.settings()
    }

    private mutating func settings() throws(SettingsError) -> Settings {
        let databaseURL = databaseURL()
        let http = listener("http", port: 8080, least: 0)
        let metrics = listener("metrics", port: 9464, least: 0)
        let publicURL = url(SettingName("public_url"))
        let trustedProxies = trustedProxies()
        let bootstrapAdminKey = bootstrapAdminKey()
        var policy = policy()
        let sweepInterval = reader.duration(
            SettingName("sweep_interval"),
            default: .seconds(20),
            in: .seconds(1) ... .seconds(86_400)
        )
        let offShiftSweepInterval = reader.duration(
            SettingName("off_shift_sweep_interval"),
            default: .seconds(60),
            in: .seconds(1) ... .seconds(86_400)
        )
        policy.unmatchedMaxAge = reader.duration(
            SettingName("unmatched_max_age"),
            default: .hours(24),
            in: .zero ... .days(365)
        )
        let keepBodies = reader.duration(SettingName("keep_bodies"), default: .days(90), in: .days(1) ... .days(3_650))
        let clockSkew = reader.duration(SettingName("clock_skew"), default: .seconds(2), in: .zero ... .seconds(300))
        let connections = reader.number(SettingName("database_connections"), default: 12, in: 4...500)
        let logLevel = reader.choice(SettingName("log_level"), among: Logger.Level.allCases, default: .info) ?? .info
        let migrates = reader.flag(SettingName("migrate"), default: true)
        let alerts = alerts()
        let engineNames = names("engines")
        let sourceNames = names("sources")
        refuseShared(engines: engineNames, sources: sourceNames)
        let engines = engineNames.compactMap { engine($0) }
        let sources = sourceNames.compactMap { source($0, publicURL: publicURL) }
        if engineNames.isEmpty, purpose != .command { addMissingEngine() }
        refuseUnknown(engines: engineNames, sources: sourceNames)
        guard reader.problems.isEmpty else { throw SettingsError(reader.problems) }
        var settings = Settings(
            databaseURL: databaseURL,
            databaseConnections: connections,
            migrates: migrates,
            http: http,
            metrics: metrics.port == 0 ? nil : metrics,
            publicURL: publicURL,
            bootstrapAdminKey: bootstrapAdminKey,
            engines: engines,
            sources: sources,
            policy: policy,
            sweepInterval: sweepInterval,
            offShiftSweepInterval: offShiftSweepInterval,
            keepBodies: keepBodies,
            clockSkew: clockSkew,
            logLevel: logLevel,
            report: SettingsReport(rows: reader.rows),
            notices: notices,
            secrets: reader.secrets
        )
        settings.alerts = alerts
        settings.trustedProxies = trustedProxies
        return settings
    }
}
