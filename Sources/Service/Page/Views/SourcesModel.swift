import Domain

/// The page of all clock sources.
struct SourcesModel {
    let caller: Caller
    let sources: [SourceStanding]
    let now: Timestamp

    var values: [String: Any] {
        var values = sourcePageValues(caller, now: now)
        values["title"] = "Clock sources"
        values["sources"] = sources.map { sourceValues($0, now: now) }
        values["has_sources"] = !sources.isEmpty
        values["is_bound"] = caller.teams != nil
        return values
    }
}

/// The page of one clock source: how it is doing, and what came lately.
struct SourceModel {
    let caller: Caller
    let source: SourceStanding
    let items: [SourceItem]
    let filter: DeliveryReads.Filter?
    let next: DeliveryReads.Position?
    let now: Timestamp

    var values: [String: Any] {
        var values = sourcePageValues(caller, now: now)
        values.merge(sourceValues(source, now: now)) { _, new in new }
        values["title"] = source.name
        values["state_text"] = source.state.sentence
        values["items"] = items.map(item)
        values["has_items"] = !items.isEmpty
        values["may_see_bodies"] = caller.role.includes(.manage)
        values["more"] = next.map { address(filter, cursor: $0) } ?? ""
        values["has_more"] = next != nil
        values["filters"] = filters
        values["week_counts"] = counts(source.week)
        values["today_counts"] = counts(source.today)
        values["unmatched_href"] = "/unmatched?source=" + pathEscaped(source.name)
        if let limit = source.silenceLimit { values["silence_limit"] = DurationWords.text(limit) }
        return values
    }

    private var filters: [[String: Any]] {
        ([nil] + DeliveryReads.Filter.allCases).map { word in
            ["label": word?.rawValue ?? "all", "href": address(word), "selected": word == filter]
        }
    }

    private func address(_ filter: DeliveryReads.Filter?, cursor: DeliveryReads.Position? = nil) -> String {
        let pairs = [filter.map { "outcome=\($0.rawValue)" }, cursor.map { "cursor=\($0.word)" }].compactMap { $0 }
        return "/sources/" + pathEscaped(source.name) + (pairs.isEmpty ? "" : "?" + pairs.joined(separator: "&"))
    }

    private func counts(_ counts: SourceStanding.Counts) -> [[String: Any]] {
        SourceOutcome.allCases.filter { counts[$0] > 0 }.map { ["label": $0.label, "count": counts[$0]] }
    }

    private func item(_ item: SourceItem) -> [String: Any] {
        switch item {
        case .refusal(let refusal): refusalValues(refusal, now: now)
        case .delivery(let delivery): values(of: delivery)
        }
    }

    private func values(of delivery: ShownDelivery) -> [String: Any] {
        var values: [String: Any] = [
            "key": "d\(delivery.number)",
            "outcome": delivery.outcome,
            "outcome_label": delivery.outcome,
            "at": timeValues(delivery.receivedAt, now: now),
            "text": ReadingWords.sentence(delivery.reading),
            "warnings": delivery.warnings.map(ReadingWords.sentence),
            "events": delivery.events.map(event),
            "more_events": delivery.eventCount - delivery.events.count,
            "has_more_events": delivery.eventCount > delivery.events.count,
            "size": delivery.size,
            "delivery_id": delivery.deliveryID ?? "",
            "has_delivery_id": delivery.deliveryID != nil,
            "headers": delivery.headers.map { ["name": $0.name, "value": $0.value] },
            "is_delivery": true,
        ]
        if let body = delivery.body {
            values["raw"] = ["body": body.text, "is_lossy": body.isLossy, "is_truncated": body.isTruncated]
        }
        return values
    }

    private func event(_ event: ShownEvent) -> [String: Any] {
        [
            "kind": PunchKind(rawValue: event.kind)?.label ?? event.kind,
            "who": event.agentID ?? event.externalID ?? "nobody named",
            "href": event.agentID.map { "/agents/" + pathEscaped($0) } ?? "",
            "is_known": event.agentID != nil,
            "effect": event.effect.map(effectLabel) ?? "",
            "has_effect": event.effect != nil,
            "occurred": timeValues(event.occurredAt, now: now),
            "decides": event.decides,
        ]
    }
}

/// What both pages show around their own.
private func sourcePageValues(_ caller: Caller, now: Timestamp) -> [String: Any] {
    [
        "script": "sources.js", "signed_in": true, "who": caller.name, "role": caller.role.rawValue,
        "now": now.rfc3339, "now_clock": clockTime(now),
        // No agent is looked for: the stream tells of incidents, and that there is a connection.
        "stream": "/v1/stream?snapshot=false&q=%E2%88%85",
    ]
}

/// What a template sees of a source.
private func sourceValues(_ source: SourceStanding, now: Timestamp) -> [String: Any] {
    var values: [String: Any] = [
        "name": source.name,
        "href": "/sources/" + pathEscaped(source.name),
        "kind": source.kind ?? "not set up any more",
        "state": source.state.rawValue,
        "state_label": source.state.label,
        "today": source.today.total,
        "today_refused": source.today.refused,
        "week_refused": source.week.refused,
        "unmatched": source.unmatched,
        "has_unmatched": source.unmatched > 0,
    ]
    if let seenAt = source.lastSeenAt { values["last_seen"] = timeValues(seenAt, now: now) }
    if let refusal = source.lastRefusal { values["last_refusal"] = refusalValues(refusal, now: now) }
    if let since = source.silentSince { values["silent_since"] = timeValues(since, now: now) }
    return values
}

private func refusalValues(_ refusal: SourceRefusalNote, now: Timestamp) -> [String: Any] {
    var values: [String: Any] = [
        "key": "r\(refusal.at.microseconds)",
        "outcome": "refused",
        "outcome_label": "refused",
        "at": timeValues(refusal.at, now: now),
        "reason": refusal.reason.label,
        "text": refusal.detail,
        "warnings": [String](),
        "events": [[String: Any]](),
        "is_delivery": false,
        "is_refusal": true,
        "has_more_events": false,
    ]
    if let agent = refusal.userAgent { values["user_agent"] = agent }
    if let type = refusal.contentType { values["content_type"] = type }
    if let size = refusal.size { values["refused_size"] = size }
    return values
}

/// A duration for people, in the largest unit that it is a whole number of.
enum DurationWords {
    static func text(_ duration: Duration) -> String {
        let seconds = duration.components.seconds
        for (unit, word) in [(86_400, "d"), (3600, "h"), (60, "min")] as [(Int64, String)]
        where seconds >= unit && seconds % unit == 0 {
            return "\(seconds / unit) \(word)"
        }
        return "\(seconds) s"
    }
}
