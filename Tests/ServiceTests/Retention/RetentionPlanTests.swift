import Domain
import Testing

@testable import Service

@Suite("Retention plan")
struct RetentionPlanTests {
    /// 2026-11-15T00:00:00Z, and the beginnings of that month and the two after it.
    private let now = Timestamp(seconds: 1_794_700_800)
    private let months = [1_793_491_200, 1_796_083_200, 1_798_761_600].map { Timestamp(seconds: $0) }
    private let keep = Duration.seconds(90 * 86_400)

    private func state(_ partitions: [DeliveryPartition], restIsEmpty: Bool = true) -> DeliveryPartitions {
        let rest = DeliveryPartition(kind: .rest, name: "rest")
        return DeliveryPartitions(now: now, months: months, partitions: partitions + [rest], restIsEmpty: restIsEmpty)
    }

    private func month(_ name: String, _ lower: Timestamp?, _ upper: Timestamp) -> DeliveryPartition {
        DeliveryPartition(kind: .month, name: name, lowerAt: lower, upperAt: upper)
    }

    private var made: [DeliveryPartition] {
        [
            month("a", months[0], months[1]), month("b", months[1], months[2]),
            month("c", months[2], months[2] + .seconds(86_400 * 28)),
        ]
    }

    @Test
    func `a fresh table gets this month and two more`() {
        #expect(RetentionPlan.due(state([]), keep: keep) == months.map { .make($0) })
    }

    @Test
    func `what lies outside all months becomes a partition of its own first`() {
        let steps = RetentionPlan.due(state([], restIsEmpty: false), keep: keep)
        #expect(steps == [.setRestApart, .make(months[1]), .make(months[2])])
        let apart = DeliveryPartition(kind: .apart, name: "old", upperAt: now)
        #expect(RetentionPlan.due(state(made + [apart], restIsEmpty: false), keep: keep) == [.attach("old")])
    }

    @Test
    func `once all is made nothing is due`() {
        #expect(RetentionPlan.due(state(made), keep: keep) == [])
        // Strays that lie beyond today are nobody's business as long as there is a month for today.
        #expect(RetentionPlan.due(state(made, restIsEmpty: false), keep: keep) == [])
    }

    @Test
    func `a month goes when its last body is old enough, and not a moment sooner`() {
        let edge = now - keep
        let old = month("old", edge - .seconds(86_400 * 30), edge)
        let young = month("young", nil, edge + .microseconds(1))
        #expect(RetentionPlan.due(state(made + [old, young]), keep: keep) == [.drop("old")])
    }

    @Test
    func `nothing younger than a day goes, whatever is set`() {
        let yesterday = month("y", nil, now - .seconds(86_399))
        #expect(RetentionPlan.due(state(made + [yesterday]), keep: .zero) == [])
    }
}
