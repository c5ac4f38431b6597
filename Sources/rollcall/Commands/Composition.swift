import AsyncHTTPClient
import ClockSources
import Domain
import Engines
import Foundation
import NIOCore
import Service

/// Puts concrete engines and clock sources together as the settings say.
struct Composition {
    private let settings: Settings
    private let clients: [HTTPClient]
    private let accounts: [AccountSettings]
    private let sources: [ConfiguredSource]

    /// Throws when an account or source cannot be used as it is set.
    init(_ settings: Settings) throws {
        self.settings = settings
        var clients: [HTTPClient] = []
        var accounts: [AccountSettings] = []
        for engine in settings.engines {
            let client = HTTPClient.engine(concurrency: engine.concurrency)
            clients.append(client)
            accounts.append(try Self.account(engine, client: client))
        }
        var sources: [ConfiguredSource] = []
        for source in settings.sources {
            var fetcher: PersonioClient?
            if let api = source.api {
                let client = PersonioClient.makeClient()
                clients.append(client)
                fetcher = PersonioClient(api, client: client)
            }
            sources.append(try ConfiguredSource(source, fetcher: fetcher))
        }
        self.clients = clients
        self.accounts = accounts
        self.sources = sources
    }

    /// The service's configuration.
    func configuration(databaseURL: String) -> RollcallConfiguration {
        var configuration = RollcallConfiguration(
            databaseURL: databaseURL,
            databaseConnections: settings.databaseConnections,
            migrates: settings.migrates,
            host: settings.http.host,
            port: settings.http.port,
            publicURL: settings.publicURL,
            bootstrapAdminKey: settings.bootstrapAdminKey,
            accounts: accounts,
            webhookSecrets: Dictionary(
                settings.engines.compactMap { engine in engine.webhookSecret.map { (engine.name, $0) } }
            ) { first, _ in first },
            sources: sources,
            policy: settings.policy,
            sweep: SweepPolicy(onShift: settings.sweepInterval, offShift: settings.offShiftSweepInterval),
            clockSkew: settings.clockSkew,
            release: Release.version,
            crashPoints: CrashPoints(
                crashAt: ProcessInfo.processInfo.environment["ROLLCALL_CRASH_AT"],
                freezeAt: ProcessInfo.processInfo.environment["ROLLCALL_FREEZE_AT"]
            )
        )
        configuration.keepBodies = settings.keepBodies
        configuration.trustedProxies = settings.trustedProxies
        configuration.redactor = Redactor(secrets: settings.secrets)
        configuration.alerts = settings.alerts.map { alerts in
            AlertConfiguration(receiver: AlertClient(alerts.target), signer: alerts.signer, after: alerts.after)
        }
        return configuration
    }

    /// Closes the connections to engines and senders.
    func shutdown() async {
        for client in clients { try? await client.shutdown() }  // The process ends anyway.
    }

    private static func account(_ engine: EngineAccountSettings, client: HTTPClient) throws -> AccountSettings {
        let account = EngineAccount(
            baseURL: engine.url,
            token: engine.token,
            placement: engine.tokenPlacement,
            timeout: engine.timeout
        )
        return AccountSettings(
            name: engine.name,
            engine: try engine.kind.makeEngine(account, client: client),
            callsPerSecond: engine.callsPerSecond,
            concurrency: engine.concurrency,
            timeout: engine.timeout,
            executor: EventLoopTaskExecutor(client.eventLoopGroup.any()),
            webhookSignature: engine.kind.webhookSignature
        )
    }
}

extension ConfiguredSource {
    /// A source as the settings describe it.
    ///
    /// `fetcher`: for kinds whose deliveries name records; only who serves needs it.
    init(_ settings: ClockSourceSettings, fetcher: (any RecordFetcher)?) throws(SourceSettingsError) {
        self.init(
            name: settings.reading.name,
            kind: settings.reading.kind,
            reader: try makeClockSource(settings.reading),
            matchesAgentID: settings.reading.matchAgentID,
            refusesConflicts: settings.reading.kind.refusesConflicts,
            limits: settings.limits,
            silence: settings.silence,
            fetcher: fetcher
        )
    }
}

/// Which release this is.
enum Release {
    static let version = "0.2.0"
}
