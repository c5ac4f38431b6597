import Domain
import Testing

@Suite("settingStep")
struct SettingStepTests {
    private static let held = AskedSetting(value: "stop", isHeld: true, isRefused: false)
    private static let refused = AskedSetting(value: "stop", isHeld: false, isRefused: true)
    private static let taken = AskedSetting(value: "stop", isHeld: false, isRefused: false)

    private static let table:
        [(own: String, inForce: String, isAgreed: Bool, asked: AskedSetting?, step: SettingStep)] = [
            ("keep", "keep", true, nil, .inForce),
            ("keep", "keep", false, nil, .inForce),
            // Side by side with one that was restarted already: nobody acts on the other setting yet.
            ("stop", "keep", false, nil, .disagreed),
            ("stop", "keep", true, nil, .ask),
            ("stop", "keep", true, held, .waits),
            ("stop", "keep", false, held, .waits),
            ("stop", "keep", true, refused, .refused),
            // Another took its place, or a release that knows of no settings ended it.
            ("stop", "keep", true, taken, .ask),
            // Taken back by a restart with the old setting, once nobody has the new one.
            ("keep", "keep", true, held, .withdraw),
            ("keep", "keep", false, held, .inForce),
            ("keep", "keep", true, refused, .withdraw),
            // Back again after it was applied.
            ("keep", "stop", true, nil, .ask),
            ("keep", "stop", false, nil, .disagreed),
        ]

    @Test(arguments: table.indices)
    func `what a replica does follows from its setting, the one in force and the other replicas`(number: Int) {
        let (own, inForce, isAgreed, asked, step) = Self.table[number]
        #expect(settingStep(own: own, inForce: inForce, isAgreed: isAgreed, asked: asked) == step)
    }

    @Test
    func `two replicas with different settings never both wish to change something`() {
        for inForce in ["keep", "stop"] {
            for asked in [nil, Self.held, Self.refused, Self.taken] {
                for own in ["keep", "stop"] {
                    let step = settingStep(own: own, inForce: inForce, isAgreed: false, asked: asked)
                    #expect(step != .ask && step != .withdraw)
                }
            }
        }
    }

    @Test
    func `what follows from all replicas being heard needs a second look, and nothing else does`() {
        let steps: [SettingStep] = [.unsettled, .inForce, .disagreed, .ask, .waits, .refused, .withdraw]
        #expect(steps.filter(\.needsSecondLook) == [.ask, .withdraw])
    }
}
