import Domain
import LibPQ
import Logging

/// What a replica says of the accounts that it acts for, besides whether it lives.
extension Reconciler {
    func silenceWatch(for worker: AccountWorker) -> SilenceWatch {
        SilenceWatch(
            worker: worker,
            store: dependencies.store,
            leases: dependencies.leases,
            quietLimit: dependencies.sweep.quiet,
            logger: logger
        )
    }

    /// Publishes what waits in line and when it is done, where that is news.
    ///
    /// A failure is no heartbeat's: the next one publishes again.
    ///
    /// `published`: as each account took it last; a new holder has published nothing.
    func publishForecasts(
        of workers: [Int32: AccountWorker],
        _ published: inout [Int32: LineForecast],
        silences: [Int32: Timestamp]
    ) async {
        var news: [Int32: LineForecast] = [:]
        let now = dependencies.clock.now()
        for (account, worker) in workers {
            guard dependencies.leases.lease(of: account) != nil else {
                worker.meters.waits(LineForecast(), now: now)
                continue
            }
            let isSilent = silences[account] != nil || dependencies.leases.isRefused(account)
            let forecast = worker.forecaster.forecast(worker.calls.load, isSilent: isSilent, now: now)
            worker.meters.waits(forecast, now: now)
            if forecast.isNews(after: published[account]) { news[account] = forecast }
        }
        guard !news.isEmpty else { return }
        do {
            let taken = try await dependencies.store.publish(news, by: dependencies.replica)
            published.merge(news.filter { taken.contains($0.key) }) { _, new in new }
        } catch {
            logger.debug("forecasts not published", metadata: [LogKeys.error: "\(error)"])
        }
    }
}
