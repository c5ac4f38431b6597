import Domain

/// What senders said, against what the ledger says and what they were answered.
extension Witness.State {
    /// A sender wrote a report, which is sent now, later, again or never.
    mutating func wrote(_ report: SentReport) {
        for one in report.said { said[one.key, default: []].append(one) }
    }

    /// A row came into the ledger: it says what its sender said, and nothing that is there already.
    mutating func takeRow(_ row: IncomingEvent) {
        let key = Said.Key(row)
        if !inLedger.insert(key).inserted { violate(.eventOnce, "\(key.text) is in the ledger twice") }
        let wordings = said[key] ?? []
        guard !wordings.contains(where: { $0.isSaid(by: row) }) else { return }
        violate(
            .ledgerSaysWhatWasSent,
            "\(key.text) is in the ledger as \(row.externalID ?? "nobody")'s \(row.kind.rawValue) at "
                + "\(row.occurredAt.rfc3339), received at \(row.receivedAt.rfc3339), that counts from "
                + "\(row.effectiveAt.rfc3339); "
                + (wordings.isEmpty ? "nobody said that" : "said was \(wordings)")
        )
    }

    /// A row is lost, as no standby had it: nobody may have been told that it was taken.
    mutating func loseRow(_ row: IncomingEvent) {
        let key = Said.Key(row)
        tell("\(key.text) is lost, as no standby had it")
        inLedger.remove(key)
        guard answered.contains(key) else { return }
        violate(.acknowledgedIsInLedger, "\(key.text) was answered 2xx and is lost")
    }

    /// A request was answered with 2xx: all that was said in it is in the ledger.
    mutating func acknowledged(_ reports: [SentReport]) {
        for one in reports.flatMap(\.said) {
            tell("answered 202 to \(one.key.text)")
            answered.insert(one.key)
            guard !inLedger.contains(one.key) else { continue }
            violate(.acknowledgedIsInLedger, "\(one.key.text) was answered 2xx and is not in the ledger")
        }
    }
}
