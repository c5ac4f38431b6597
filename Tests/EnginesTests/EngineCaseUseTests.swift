import Testing

@Suite("engine-cases.json, all")
struct EngineCaseUseTests {
    /// How many cases of an engine there are, and how many of them are for whom.
    struct Row: Sendable, CustomTestStringConvertible {
        var engine: String
        var all: Int
        var calls = 0
        var pairing = 0
        var lists = 0
        var simulator = 0
        var deliveries = 0
        var nobody = 0

        var testDescription: String { engine }
    }

    private static let rows = [
        Row(engine: "wawp", all: 116, calls: 77, pairing: 4, simulator: 26, deliveries: 9),
        Row(engine: "waha", all: 38, calls: 13, pairing: 5, lists: 3, simulator: 12, deliveries: 5),
        Row(engine: "evolution", all: 26, nobody: 26),
    ]

    @Test(arguments: rows)
    func `every case is for the client, the simulator alone or the service's route`(row: Row) {
        let cases = EngineCase.all.filter { $0.engine == row.engine }
        #expect(cases.count == row.all)
        var counted = Row(engine: row.engine, all: row.all)
        for engineCase in cases {
            switch engineCase.use {
            case .call?: counted.calls += 1
            case .pairing?: counted.pairing += 1
            case .list?: counted.lists += 1
            case .simulator?: counted.simulator += 1
            case .delivery?: counted.deliveries += 1
            case .nobody?: counted.nobody += 1
            case nil: Issue.record("\(engineCase.id) is for nobody that is known")
            }
        }
        #expect(counted.calls == row.calls)
        #expect(counted.pairing == row.pairing)
        #expect(counted.lists == row.lists)
        #expect(counted.simulator == row.simulator)
        #expect(counted.deliveries == row.deliveries)
        #expect(counted.nobody == row.nobody)
    }

    @Test func `no case is of another engine, and none is there twice`() {
        #expect(Set(EngineCase.all.map(\.engine)) == Set(Self.rows.map(\.engine)))
        #expect(Set(EngineCase.all.map(\.id)).count == EngineCase.all.count)
    }
}
