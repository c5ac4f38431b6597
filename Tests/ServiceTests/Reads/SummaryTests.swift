import Domain
import Foundation
import LibPQ
import Testing

@testable import Service

@Suite("Summary")
struct SummaryTests {
    /// Shift, desired, condition, whether such an agent can work, whether somebody is needed.
    private static let table: [(Shift, RunState, Condition, Bool, Bool)] = [
        (.in, .running, .converged, true, false), (.onBreak, .running, .converged, true, false),
        (.onBreak, .stopped, .converged, false, false), (.out, .stopped, .converged, false, false),
        (.in, .running, .held, true, false), (.in, .stopped, .held, false, true),
        (.onBreak, .stopped, .held, false, true), (.out, .running, .held, false, false),
        (.in, .running, .starting, false, false), (.in, .running, .drifted, false, true),
        (.in, .running, .unassigned, false, true),
    ]

    @Test(arguments: table.indices)
    func `who is here can work where the session should run, and does`(place: Int) {
        let (shift, desired, condition, isAble, needsSomebody) = Self.table[place]
        let group = Summary.Group(team: "", shift: shift, desired: desired, condition: condition, count: 1)
        #expect(group.isAble == isAble && group.needsSomebody == needsSomebody)
    }

    @Test
    func `on a break that stops sessions nobody is counted as able, and held to run they are`() async throws {
        try await withManagement { fixture in
            for agent in ["b", "r", "s", "w"] { try await fixture.addAgent(agent) }
            try await fixture.observe("b", "STOPPED")
            try await fixture.observe("r", "WORKING", .held, reason: .working)
            try await fixture.observe("s", "STOPPED", .held)
            try await fixture.observe("w", "WORKING", reason: .working)
            _ = try await fixture.pool.query(
                """
                UPDATE agent_states s
                SET shift = CASE a.agent_id WHEN 'b' THEN \(Shift.onBreak.code)::smallint ELSE \(Shift.in.code)::smallint END,
                    desired = CASE WHEN a.agent_id IN ('r', 'w') THEN 1 ELSE 0 END
                FROM agents a
                WHERE a.agent = s.agent
                """
            )
            let summary = try await fixture.send("GET", "/v1/summary", as: .view).json()
            #expect(summary["here"] as? Int == 4)
            #expect(summary["able"] as? Int == 2)
            #expect(summary["needs_somebody"] as? Int == 1)
        }
    }
}
