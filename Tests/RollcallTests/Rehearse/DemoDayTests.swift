import Testing

@testable import rollcall

@Suite("DemoDay")
struct DemoDayTests {
    private let day = DemoDay.standard

    @Test func `the day is about people of the team, in the order of time`() {
        let team = Set(DemoPerson.all.map(\.id))
        for step in day.steps {
            switch step.deed {
            case .clock(_, let person, _), .drift(_, let person, _): #expect(team.contains(person))
            }
        }
        #expect(day.steps.map(\.second) == day.steps.map(\.second).sorted())
        #expect(Set(day.endings.keys) == team)
    }

    @Test(arguments: [
        ("ada", "STOPPED"), ("chen", "WORKING"), ("hana", "SCAN_QR_CODE"), ("kofi", "STOPPED"), ("jonas", "WORKING"),
        ("dilara", "STOPPED"),
    ])
    func `the last that was said of a person decides where the session ends`(person: String, status: String) {
        #expect(day.endings[person]?.status == status)
    }

    @Test func `one session out of place is found`() {
        var seen = day.endings.mapValues { DemoCheck.Seen(status: $0.status, condition: $0.condition) }
        let check = DemoCheck(endings: day.endings)
        #expect(check.misplaced(seen).isEmpty)
        seen["ada"]?.status = "WORKING"
        #expect(check.misplaced(seen).count == 1)
        seen["ada"] = nil
        #expect(check.misplaced(seen).count == 1)
    }

    @Test(
        arguments: [
            ([("start", 0, 1)], true), ([], false), ([("info", 0, 1)], false),
            ([("stop", 0, 1_000_000), ("start", 4_000_000, 4_000_001)], true),
            ([("stop", 0, 1_000_000), ("start", 3_999_999, 4_000_000)], false),
            ([("start", 0, 1), ("logout", 2, 3)], false),
        ] as [([(String, Int64, Int64)], Bool)]
    )
    func `calls that should never be made are found`(calls: [(String, Int64, Int64)], isFine: Bool) {
        let log = calls.map {
            DemoCheck.Call(operation: $0.0, instanceId: "DEMO-ada", receivedAtUs: $0.1, answeredAtUs: $0.2)
        }
        #expect(DemoCheck(endings: day.endings).faults(in: log).isEmpty == isFine)
    }
}
