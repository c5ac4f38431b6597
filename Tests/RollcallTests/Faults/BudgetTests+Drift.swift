import TestSupport
import Testing

/// People's commands and repairs in line at the same time.
extension BudgetTests {
    /// How long the looks take that find the drift, in real milliseconds: the burst comes while they are under way, and is in line
    /// for longer than they are.
    private static let slowLook = 2000

    /// A burst of clock-ins beside drift.
    struct BesideDrift {
        /// When each of the burst was answered, by instance.
        var answered: [String: Int64]
        /// The sessions that had stopped behind the service's back.
        var drifted: Set<String>
        /// From when on.
        var since: Int64
    }

    /// Stops sessions behind the service's back, and clocks agents in at both replicas while the looks are under way that find it.
    func clockIn(
        _ agents: [String],
        _ run: FaultRun,
        besideDriftOf instances: [String]
    ) async throws -> BesideDrift {
        let scope = instances.map { "\"\($0)\"" }.joined(separator: ",")
        let slow = Self.slowLook * Installation.speed
        try await run.engine.admin(
            "PUT",
            "faults",
            #"{"kind":"slow","scope":[\#(scope)],"operations":["info"],"params":{"ms":\#(slow)}}"#
        )
        let since = FaultLoad.now()
        try await run.engine.admin("PUT", "faults", #"{"kind":"self_stop","scope":[\#(scope)]}"#)
        let holder = try #require(run.holder(of: "main"))
        let both = run.live.compactMap { replica in replica.served.map { (replica.number == holder, $0) } }
        let asked = try #require(both.first?.1)
        async let swept = asked.send("POST", "/v1/engines/main/sweep?wait=60")
        let drifted = Set(instances)
        try await run.until("half of the looks that find it are under way") {
            let looks = try await run.engine.calls().filter { call in
                drifted.contains(call.instanceId) && call.operation == "info" && call.receivedAtUs >= since
                    && call.before == "STOPPED" && call.answeredMonotonicUs == nil
            }
            return Set(looks.map(\.instanceId)).count * 2 >= drifted.count
        }
        var answered: [String: Int64] = [:]
        for (isHolder, served) in both {
            let part = agents.enumerated().filter { ($0.offset % 2 == 0) == isHolder }.map(\.element)
            answered.merge(try await clockIn(part, at: served)) { first, _ in first }
        }
        // What is under way stays slow.
        try await run.engine.admin("DELETE", "faults")
        let sweep = try await swept
        #expect(sweep.status == 200, "\(sweep.text)")
        return BesideDrift(answered: answered, drifted: drifted, since: since)
    }

    /// Checks that nothing but people's commands left while one of them waited, though repairs were in line, and that no look left
    /// while a repair waited.
    func judge(_ beside: BesideDrift, _ pace: CallPace) {
        // A replica that does not act tells the other at once; a second later it would know by itself.
        let people = pace.waits(answeredAt: beside.answered, known: 1_500_000)
        let overtaking = pace.overtaking(people) { $0.isCommand && !beside.drifted.contains($0.instance) }
        let repairs = pace.repairWaits(of: beside.drifted, since: beside.since, known: 500_000)
        let end = people.map(\.to).max() ?? 0
        let behind = repairs.filter { $0.from < end }
        let longest = Double(people.map { $0.to - $0.from }.max() ?? 0) / 1_000_000
        print(
            "people's commands waited up to \(longest) s, \(behind.count) repairs beside them; \(overtaking.count) looks and "
                + "repairs left meanwhile"
        )
        #expect(longest > 0.5, "nothing is proved")
        #expect(behind.count >= 5, "nothing is proved of repairs")
        #expect(overtaking.isEmpty, "\(overtaking.prefix(5))")
        #expect(repairs.count == beside.drifted.count)
        let before = pace.overtaking(repairs, unless: \.isCommand)
        let slowest = Double(repairs.map { $0.to - $0.from }.max() ?? 0) / 1_000_000 + 0.7
        print("\(repairs.count) repairs came up to \(slowest) s after looks, \(before.count) looks left meanwhile")
        #expect(before.isEmpty, "\(before.prefix(5))")
    }
}
