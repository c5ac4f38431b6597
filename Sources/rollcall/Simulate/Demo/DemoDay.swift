/// A working day in half a minute, with the things in it that go wrong in real ones.
struct DemoDay: Sendable {
    /// Something that happens.
    enum Deed: Sendable, Hashable {
        /// A clock event, sent `times` over, as senders do that saw no answer.
        case clock(_ kind: String, person: String, times: Int = 1)
        /// A fault of the simulator's.
        case drift(_ kind: String, person: String, count: Int? = nil)
    }

    /// A deed and when it happens, in seconds from the day's begin.
    struct Step: Sendable, Hashable {
        var second: Double
        var deed: Deed
        /// What a person who watches is told.
        var story: String
    }

    /// Where a session must be in the end.
    struct Ending: Sendable, Hashable {
        /// The engine's word.
        var status: String
        var condition: String
    }

    var steps: [Step]

    /// Everybody begins out, with a stopped session, and ends as ``endings`` says.
    static let standard = DemoDay(steps: morning + noon + evening)

    private static let morning: [Step] = [
        Step(second: 0, deed: .clock("clock_in", person: "ada"), story: "Ada clocks in"),
        Step(
            second: 0.5,
            deed: .clock("clock_in", person: "bruno", times: 3),
            story: "Bruno clocks in; his sender repeats it"
        ),
        Step(second: 1, deed: .clock("clock_in", person: "chen"), story: "Chen clocks in"),
        Step(
            second: 1.5,
            deed: .drift("lying_200", person: "emil", count: 1),
            story: "Emil's engine will say yes and do nothing"
        ),
        Step(second: 2, deed: .clock("clock_in", person: "emil"), story: "Emil clocks in"),
        Step(second: 2.5, deed: .clock("clock_in", person: "farah"), story: "Farah clocks in"),
        Step(second: 3, deed: .clock("clock_in", person: "goran"), story: "Goran clocks in"),
        Step(second: 3.5, deed: .clock("clock_in", person: "hana"), story: "Hana clocks in"),
    ]

    private static let noon: [Step] = [
        Step(second: 9, deed: .drift("self_stop", person: "ada"), story: "Ada's session stops by itself"),
        Step(
            second: 10,
            deed: .drift("self_start", person: "jonas"),
            story: "Jonas is away, and his session starts by itself"
        ),
        Step(second: 11, deed: .clock("break_start", person: "chen"), story: "Chen takes a break"),
        Step(second: 12, deed: .drift("failed", person: "farah", count: 1), story: "Farah's session fails"),
        Step(second: 13, deed: .drift("flicker", person: "goran"), story: "Goran's session flickers"),
        Step(second: 15, deed: .drift("needs_qr", person: "hana"), story: "Hana's telephone unlinks the session"),
        Step(second: 16, deed: .clock("break_end", person: "chen"), story: "Chen is back"),
    ]

    private static let evening: [Step] = [
        Step(second: 20, deed: .clock("clock_out", person: "ada"), story: "Ada clocks out"),
        Step(second: 20.5, deed: .clock("clock_out", person: "bruno", times: 2), story: "Bruno clocks out, twice"),
        Step(second: 21, deed: .clock("clock_in", person: "ines"), story: "Inés clocks in"),
        Step(second: 21.5, deed: .clock("clock_in", person: "jonas"), story: "Jonas clocks in"),
        Step(second: 22, deed: .clock("clock_in", person: "kofi"), story: "Kofi clocks in"),
        Step(second: 22.5, deed: .clock("clock_out", person: "kofi"), story: "Kofi clocks out again at once"),
        Step(second: 23, deed: .clock("clock_in", person: "lena"), story: "Lena clocks in"),
        Step(
            second: 24,
            deed: .drift("drop_after_effect", person: "emil", count: 1),
            story: "Emil's engine will not answer once"
        ),
        Step(second: 24.5, deed: .clock("clock_out", person: "emil"), story: "Emil clocks out"),
    ]

    /// Everybody out, before a day and after it.
    static let night = Dictionary(
        uniqueKeysWithValues: DemoPerson.all.map { ($0.id, Ending(status: "STOPPED", condition: "converged")) }
    )

    /// What must be true in the end, by person.
    var endings: [String: Ending] {
        var lastKind: [String: String] = [:]
        var unlinked: Set<String> = []
        for step in steps {
            switch step.deed {
            case .clock(let kind, let person, _): lastKind[person] = kind
            case .drift("needs_qr", let person, _): unlinked.insert(person)
            case .drift: break
            }
        }
        return Dictionary(
            uniqueKeysWithValues: DemoPerson.all.map { person in
                guard let kind = lastKind[person.id], kind != "clock_out" else {
                    return (person.id, Ending(status: "STOPPED", condition: "converged"))
                }
                let ending =
                    unlinked.contains(person.id)
                    ? Ending(status: "SCAN_QR_CODE", condition: "needs_pairing")
                    : Ending(status: "WORKING", condition: "converged")
                return (person.id, ending)
            }
        )
    }
}
