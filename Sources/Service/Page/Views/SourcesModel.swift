import Domain

/// The page of all clock sources.
struct SourcesModel {
    let frame: PageFrame
    let caller: Caller
    let sources: [SourceStanding]
    let now: Timestamp

    var values: [String: Any] {
        var values = sourcePageValues(frame, title: frame.words("layout.sources"), now: now)
        values["sources"] = sources.map { sourceValues($0, frame.words, now: now) }
        values["has_sources"] = !sources.isEmpty
        values["is_bound"] = caller.teams != nil
        return values
    }
}

/// The page of one clock source: how it is doing, and what came lately.
struct SourceModel {
    let frame: PageFrame
    let caller: Caller
    let source: SourceStanding
    let items: [SourceItem]
    let filter: DeliveryReads.Filter?
    let next: DeliveryReads.Position?
    let now: Timestamp

    private var words: Catalogue { frame.words }

    var values: [String: Any] {
        var values = sourcePageValues(frame, title: source.name, now: now)
        values.merge(sourceValues(source, words, now: now)) { _, new in new }
        let isUnfetched = source.state == .refusing && !source.areDeliveriesRefused
        values["state_text"] = words("source.words." + (isUnfetched ? "unfetched" : source.state.rawValue))
        values["items"] = items.map(item)
        values["has_items"] = !items.isEmpty
        values["more"] = next.map { address(filter, cursor: $0) } ?? ""
        values["has_more"] = next != nil
        values["filters"] = filters
        values["is_filtered"] = filter != nil
        values["week_counts"] = counts(source.week)
        values["today_counts"] = counts(source.today)
        values["has_repeats"] = source.week[.repeated] > 0 || source.today[.repeated] > 0
        values["unmatched_href"] = "/unmatched?source=" + pathEscaped(source.name)
        if let limit = source.silenceLimit { values["silence_limit"] = words.duration(limit) }
        return values
    }

    private var filters: [[String: Any]] {
        ([nil] + DeliveryReads.Filter.allCases).map { word in
            [
                "label": words("sources.filter." + (word?.rawValue ?? "all")), "href": address(word),
                "selected": word == filter,
            ]
        }
    }

    private func address(_ filter: DeliveryReads.Filter?, cursor: DeliveryReads.Position? = nil) -> String {
        let pairs = [filter.map { "outcome=\($0.rawValue)" }, cursor.map { "cursor=\($0.word)" }].compactMap { $0 }
        return "/sources/" + pathEscaped(source.name) + (pairs.isEmpty ? "" : "?" + pairs.joined(separator: "&"))
    }

    private func counts(_ counts: SourceStanding.Counts) -> [[String: Any]] {
        SourceOutcome.allCases.filter { counts[$0] > 0 }.map { outcome in
            ["label": words("outcome." + outcome.rawValue), "count": counts[outcome]]
        }
    }

    private func item(_ item: SourceItem) -> [String: Any] {
        switch item {
        case .refusal(let refusal): refusalValues(refusal, words, now: now)
        case .delivery(let delivery): values(of: delivery)
        }
    }

    private func values(of delivery: ShownDelivery) -> [String: Any] {
        var values: [String: Any] = [
            "key": "d\(delivery.number)",
            "outcome": delivery.outcome,
            "outcome_label": words("sources.filter." + delivery.outcome),
            "at": words.time(delivery.receivedAt, now: now),
            "text": words.reading(delivery.reading),
            "warnings": delivery.warnings.map(words.reading),
            "events": delivery.events.map(event),
            "more_events": delivery.eventCount > delivery.events.count
                ? words.count("sources.more_events", Int64(delivery.eventCount - delivery.events.count)) : false,
            "size": words.count("sources.bytes", Int64(delivery.size)),
            "delivery_id": delivery.deliveryID ?? "",
            "has_delivery_id": delivery.deliveryID != nil,
            "headers": delivery.headers.map { ["name": $0.name, "value": $0.value] },
            "is_delivery": true,
            "is_refusal": false,
            "raw": false,
        ]
        if let body = delivery.body {
            values["raw"] = ["body": body.text, "is_lossy": body.isLossy, "is_truncated": body.isTruncated]
        }
        return values
    }

    private func event(_ event: ShownEvent) -> [String: Any] {
        [
            "kind": words("kind." + event.kind),
            "who": event.agentID ?? event.externalID.map(balanced) ?? words("sources.nobody"),
            "href": event.agentID.map { "/agents/" + pathEscaped($0) } ?? "",
            "is_known": event.agentID != nil,
            "effect": event.effect.map { words("effect." + $0) } ?? "",
            "has_effect": event.effect != nil,
            "occurred": words.time(event.occurredAt, now: now),
            // What decides may have come before; this said only the same.
            "decides": event.decides && event.effect != "recorded",
        ]
    }
}

/// What both pages show around their own.
///
/// `now`: when it was read.
private func sourcePageValues(_ frame: PageFrame, title: String, now: Timestamp) -> [String: Any] {
    var values = frame.values(title: title, script: "sources.js")
    values["at_sources"] = true
    values["counted"] = frame.words.time(now, now: now)
    values["day"] = frame.words.time(
        Timestamp(microseconds: now.microseconds - now.microseconds % 86_400_000_000),
        now: now
    )
    // No agent is looked for: the stream tells of incidents, and that there is a connection.
    values["stream"] = "/v1/stream?snapshot=false&q=%E2%88%85"
    return values
}

/// What a template sees of a source.
private func sourceValues(_ source: SourceStanding, _ words: Catalogue, now: Timestamp) -> [String: Any] {
    [
        "name": source.name,
        "href": "/sources/" + pathEscaped(source.name),
        "kind": source.kind.map { $0 == "native" ? words("sources.native") : $0 } ?? words("sources.gone"),
        "state": source.state.rawValue,
        "state_label": words("source.state." + source.state.rawValue),
        "today": source.today.total,
        "today_refused": source.today.refused,
        "week_refused": source.week.refused,
        "unmatched": source.unmatched,
        "has_unmatched": source.unmatched > 0,
        "last_seen": source.lastSeenAt.map { words.time($0, now: now) } ?? false,
        "last_refusal": source.lastRefusal.map { refusalValues($0, words, now: now) } ?? false,
        "silent_since": source.silentSince.map { words.time($0, now: now) } ?? false,
        "unfetched": source.unfetched.since.map { since in
            unfetchedValues(source.unfetched, since: since, words, now: now)
        } ?? false,
    ]
}

private func unfetchedValues(
    _ unfetched: UnfetchedRecords,
    since: Timestamp,
    _ words: Catalogue,
    now: Timestamp
) -> [String: Any] {
    let reason = unfetched.reason ?? ""
    return [
        "count": unfetched.count,
        // A newer release may have written a word that this one does not know.
        "reason": words.sentences["unfetched." + reason] ?? reason,
        "since": words.time(since, now: now),
    ]
}

private func refusalValues(_ refusal: SourceRefusalNote, _ words: Catalogue, now: Timestamp) -> [String: Any] {
    [
        "key": "r\(refusal.at.microseconds)",
        "outcome": "refused",
        "outcome_label": words("sources.filter.refused"),
        "at": words.time(refusal.at, now: now),
        "reason": words("outcome." + refusal.reason.rawValue),
        "text": words.sentences["refusal." + refusal.reason.rawValue] ?? refusal.detail,
        "warnings": [String](),
        "events": [[String: Any]](),
        "is_delivery": false,
        "is_refusal": true,
        "more_events": false,
        "raw": false,
        "user_agent": refusal.userAgent ?? false,
        "content_type": refusal.contentType ?? false,
        "refused_size": refusal.size.map { words.count("sources.bytes", Int64($0)) } ?? "",
    ]
}

extension Catalogue {
    /// The sentence for what is kept as a delivery's `reading`, or for a label of one.
    func reading(_ reading: String) -> String {
        if let sentence = sentences["reading." + reading] { return sentence }
        if reading.hasPrefix("fetch ") {
            return self("reading.fetch", ["record": String(reading.dropFirst("fetch ".count))])
        }
        guard reading.hasSuffix(" punches"), let number = Int64(reading.prefix { $0 != " " }) else { return reading }
        return number == 0 ? self("reading.punches_none") : count("reading.punches", number)
    }
}
