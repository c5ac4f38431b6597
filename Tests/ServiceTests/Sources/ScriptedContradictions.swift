extension ScriptedSource.Script {
    /// Reports of records that contradict each other, move between agents, come late, are repeated, withdrawn, or of the future.
    static let contradictions: [ScriptedSource.Script] = [
        .init(punches: [.init(agent: "ana", kind: "clock_in", at: "2026-03-02T08:00:00Z", record: "r")]),
        .init(punches: [
            .init(agent: "ana", kind: "clock_in", at: "2026-03-02T08:00:00Z", record: "r"),
            .init(agent: "ana", kind: "clock_out", at: "2026-03-02T12:00:00Z", record: "r", ordinal: 1),
        ]),
        .init(punches: [.init(agent: "bo", kind: "clock_in", at: "2026-03-02T08:00:00Z", record: "r")]),
        .init(punches: [.init(agent: "bo", kind: "clock_in", at: "2026-03-02T08:00:00Z", record: "r")]),
        .init(punches: [
            .init(agent: "bo", kind: "clock_in", at: "2026-03-02T07:00:00Z", record: "s", version: 3),
            .init(agent: "ana", kind: "clock_in", at: "2026-03-02T09:00:00Z", record: "t"),
            .init(agent: "nobody", kind: "clock_in", at: "2026-03-02T09:00:00Z", record: "u"),
        ]),
        .init(punches: [.init(agent: "ana", kind: "clock_in", at: "2026-03-02T06:00:00Z", record: "s", version: 2)]),
        .init(punches: [.init(agent: "ana", kind: "clock_in", at: "2026-03-02T06:30:00Z", record: "s", version: 4)]),
        .init(punches: [.init(agent: "bo", kind: "clock_in", at: "2026-03-02T09:00:00Z", record: "u")]),
        .init(punches: [.init(kind: "void", at: "2026-03-02T10:00:00Z", record: "s")]),
        .init(punches: [.init(kind: "void", at: "2026-03-02T10:00:00Z", record: "s")]),
        .init(punches: [
            .init(agent: "ana", kind: "clock_out", at: "2026-03-02T10:00:00Z", record: "t", ordinal: 1),
            .init(agent: "ana", kind: "clock_in", at: "2026-03-02T09:00:00Z", record: "t"),
            .init(agent: "ana", kind: "clock_out", at: "2026-03-02T10:00:00Z", record: "t", ordinal: 1),
        ]),
        .init(punches: [
            .init(agent: "ana", kind: "clock_out", at: "2026-03-02T07:00:00Z", id: "e1"),
            .init(agent: "ana", kind: "clock_in", at: "2099-03-02T07:00:00Z", id: "e2"),
            .init(agent: "bo", kind: "clock_in", at: "2026-03-02T07:00:00Z", id: "e1"),
        ]),
    ]
}
