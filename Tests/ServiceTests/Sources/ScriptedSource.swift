import ClockSources
import Domain
import Foundation
import LibPQ
import Service
import Testing

/// A sender whose deliveries say outright how they are to be read, for what happens behind the adapters.
struct ScriptedSource: RecordNamingSource {
    /// How a delivery is to be read.
    struct Script: Codable, Sendable {
        struct Punch: Codable, Sendable {
            var agent: String?
            var kind: String
            var at: String
            var record: String?
            var version: Int64?
            var ordinal: Int16?
            var id: String?
        }

        var delivery: String?
        var punches: [Punch] = []
        var fetch: String?
        var ignored: String?
        /// Milliseconds that reading takes.
        var effort: Int?
        /// Makes a body large.
        var padding: String?
    }

    func read(_ delivery: Delivery) throws(SourceRefusal) -> DeliveryReading {
        guard delivery.header("x-proof") == "good" else { throw SourceRefusal(.badProof) }
        return try reading(delivery.body)
    }

    func path(of reference: RecordReference) -> String { "/things/\(reference.id)" }

    func read(_ record: [UInt8]?, of reference: RecordReference, fetchedAt: Timestamp) -> DeliveryReading {
        guard let record, let reading = try? reading(record) else {
            return DeliveryReading(ignored: DeliveryLabel.recordGone)
        }
        return reading
    }

    private func reading(_ body: [UInt8]) throws(SourceRefusal) -> DeliveryReading {
        guard let script = try? JSONDecoder().decode(Script.self, from: Data(body)) else {
            throw SourceRefusal(.malformed)
        }
        let start = ContinuousClock.now
        while ContinuousClock.now - start < .milliseconds(script.effort ?? 0) {}
        return DeliveryReading(
            deliveryID: script.delivery,
            punches: script.punches.compactMap { punch in
                guard let kind = PunchKind(rawValue: punch.kind), let at = Timestamp(rfc3339: punch.at) else {
                    return nil
                }
                return SourcePunch(
                    externalAgent: punch.agent,
                    kind: kind,
                    occurredAt: at,
                    record: punch.record,
                    version: punch.version,
                    ordinal: punch.ordinal ?? 0,
                    eventID: punch.id
                )
            },
            ignored: script.ignored ?? (script.punches.isEmpty ? DeliveryLabel.empty : nil),
            fetch: script.fetch.flatMap { RecordReference(kind: "thing", id: $0) }
        )
    }
}

extension RunningService {
    /// Sends the scripted source `vendor`, or another, a delivery.
    @discardableResult
    func tell(
        _ script: ScriptedSource.Script,
        proof: String = "good",
        headers: [String: String] = [:],
        to source: String = "vendor"
    ) async throws -> WireResponse {
        let body = String(decoding: try JSONEncoder().encode(script), as: UTF8.self)
        return try await send(
            "POST",
            "/v1/sources/\(source)/events",
            key: nil,
            headers: headers.merging(["X-Proof": proof]) { first, _ in first },
            body: body
        )
    }

    /// Sends what a record says now: its start and perhaps its end, at RFC 3339 times.
    @discardableResult
    func tellRecord(
        _ record: String = "r",
        of agent: String = "ana",
        from start: String,
        to end: String? = nil,
        version: Int64? = nil
    ) async throws -> WireResponse {
        var punches: [ScriptedSource.Script.Punch] = [
            .init(agent: agent, kind: "clock_in", at: start, record: record, version: version)
        ]
        if let end {
            punches.append(
                .init(agent: agent, kind: "clock_out", at: end, record: record, version: version, ordinal: 1)
            )
        }
        return try await tell(.init(punches: punches))
    }

    /// How many events there are in the ledger.
    func ledgerCount() async throws -> Int64 {
        try await count("SELECT count(*) AS count FROM clock_events")
    }

    /// Maps agents without a session.
    func addWithoutSession(_ agents: String...) async throws {
        for agent in agents {
            let answer = try await send("PUT", "/v1/agents/\(agent)", json: "{}")
            #expect(answer.status == 201, "\(answer.text)")
        }
    }
}

extension ServiceSetup {
    /// Adds the scripted source `vendor`, which calls agents by their id.
    mutating func addVendor(
        limits: SourceLimits = SourceLimits(),
        refusesConflicts: Bool = false,
        fetcher: (any RecordFetcher)? = nil
    ) {
        sources.append(
            ConfiguredSource(
                name: "vendor",
                reader: ScriptedSource(),
                matchesAgentID: true,
                refusesConflicts: refusesConflicts,
                limits: limits,
                fetcher: fetcher
            )
        )
    }
}
