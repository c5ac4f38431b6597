import Domain

/// The faults in force, in the order in which they were ordered.
struct FaultBook {
    private(set) var faults: [Fault] = []
    private var lastID = 0

    /// Whether nothing is wrong, which every call asks first.
    var isEmpty: Bool { faults.isEmpty }

    mutating func add(_ order: FaultOrder, now: Timestamp) -> Int {
        lastID += 1
        faults.append(
            Fault(
                id: lastID,
                kind: order.kind,
                scope: order.scope,
                operations: order.operations,
                parameters: order.params ?? FaultParameters(),
                remaining: order.count,
                until: order.forMs.map { now + .milliseconds($0) } ?? order.until.flatMap { Timestamp(rfc3339: $0) }
            )
        )
        return lastID
    }

    /// Takes the oldest fault of these kinds that is for the call, and counts it.
    mutating func take(
        _ kinds: Set<FaultKind>,
        for operation: Operation?,
        of instanceID: String,
        now: Timestamp
    ) -> Fault? {
        guard !faults.isEmpty else { return nil }
        let index = faults.firstIndex { fault in
            kinds.contains(fault.kind) && fault.scope.contains(instanceID) && fault.until.map { now < $0 } != false
                && (operation == nil || fault.operations?.contains(where: { $0 == operation }) != false)
        }
        guard let index else { return nil }
        let fault = faults[index]
        if let remaining = fault.remaining {
            faults[index].remaining = remaining - 1
            if remaining <= 1 { faults.remove(at: index) }
        }
        return fault
    }

    /// Forgets one fault, or all.
    mutating func remove(id: Int?) {
        faults.removeAll { id == nil || $0.id == id }
    }
}

/// A fault as an admin route takes it.
struct FaultOrder: Decodable {
    var kind: FaultKind
    /// `"all"`, one instance id, or a list of them.
    var scope: FaultScope
    /// Which calls; absent for all.
    var operations: Set<Operation>?
    var params: FaultParameters?
    /// How often it strikes, or how many sessions it takes; absent without limit.
    var count: Int?
    /// Its end, RFC 3339 on the simulator's clock.
    var until: String?
    /// Its end, in simulated milliseconds from now.
    var forMs: Int64?
}
