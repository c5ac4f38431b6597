import Domain
import Testing

@testable import Service

@Suite("AgentFacts: what a hold changes")
struct AgentFactsHoldTests {
    /// A hold, in seconds from now; negative for one that is over.
    struct Held: Sendable {
        var state: RunState
        var until: Int64

        func hold(_ now: Timestamp) -> Hold {
            Hold(state: state, until: now + .seconds(until), reason: "exam", author: "eva")
        }
    }

    /// An agent, and whether a hold of an hour would have something else desired of it at some time within that hour.
    struct Row: Sendable {
        var wanted: RunState
        var shift = Shift.out
        var standing: Held?
        var isLeaving = false
        var isChanged: Bool
    }

    @Test(arguments: [
        Row(wanted: .stopped, shift: .in, isChanged: true),
        // Once the agent comes, or goes.
        Row(wanted: .stopped, shift: .out, isChanged: true),
        Row(wanted: .running, shift: .in, isChanged: true),
        Row(wanted: .stopped, standing: Held(state: .stopped, until: 7200), isChanged: false),
        Row(wanted: .stopped, shift: .in, standing: Held(state: .stopped, until: 3600), isChanged: false),
        // The one that there is ends before.
        Row(wanted: .stopped, standing: Held(state: .stopped, until: 1800), isChanged: true),
        Row(wanted: .running, standing: Held(state: .running, until: -1), isChanged: true),
        Row(wanted: .running, standing: Held(state: .stopped, until: 7200), isChanged: true),
        Row(wanted: .running, shift: .in, isLeaving: true, isChanged: false),
    ])
    func `a hold changes something where it and the shift may ever differ`(row: Row) {
        let now = Timestamp(microseconds: 1_800_000_000_000_000)
        let facts = AgentFacts(
            agent: 1,
            generation: 0,
            state: ShiftState(shift: row.shift),
            hold: row.standing?.hold(now),
            desired: .stopped,
            rule: .default,
            isLeaving: row.isLeaving
        )
        let hold = Held(state: row.wanted, until: 3600).hold(now)
        #expect(facts.isChanged(by: hold, policy: ReconcilePolicy(), now: now) == row.isChanged)
    }
}
