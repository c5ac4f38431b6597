import Domain
import FoundationEssentials

/// Whom to look at so that silence is noticed, and what is published of lines: what ``PostgresReconcilerStore`` does in SQL.
extension MemoryTables {
    func stalest(_ account: Int32, after position: Int64) -> StalestPage {
        let walk = instances.filter { number, instance in
            number > position && instance.account == account && instance.agent != nil
        }.keys.sorted().prefix(StalestPage.walkLimit)
        var page = StalestPage()
        if walk.count == StalestPage.walkLimit { page.next = walk.last ?? 0 }
        let stalest = walk.compactMap { subject($0) }.sorted { left, right in
            (left.evidence.readAt?.microseconds ?? .min, left.instance)
                < (right.evidence.readAt?.microseconds ?? .min, right.instance)
        }
        page.entries = stalest.prefix(StalestPage.limit).map { subject in
            SweepEntry(
                instance: subject.instance,
                address: subject.address,
                reading: subject.evidence.reading,
                condition: subject.condition
            )
        }
        return page
    }

    /// Takes in what the holder of accounts says of their lines.
    ///
    /// Returns the accounts whose holder it is.
    mutating func publish(_ forecasts: [Int32: LineForecast], by replica: UUID) -> Set<Int32> {
        var taken: Set<Int32> = []
        for (account, forecast) in forecasts where leases[account]?.holder == replica {
            self.forecasts[account] = forecast
            taken.insert(account)
        }
        return taken
    }
}
