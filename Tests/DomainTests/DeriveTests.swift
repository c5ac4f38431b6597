import Domain
import Testing

@Suite("derive")
struct DeriveTests {
    private let now = Timestamp(seconds: 1_800_000_000)

    private func hold(_ state: RunState, until: Duration) -> Hold {
        Hold(state: state, until: now + until, reason: "r", author: "a")
    }

    @Test
    func `a hold wins over the shift and says what it overrules`() {
        let state = ShiftState(shift: .in, since: now)
        let desired = derive(state, hold: hold(.stopped, until: .seconds(60)), breakAction: .keep, now: now)
        #expect(desired.run == .stopped)
        #expect(desired.rule == .hold)
        #expect(desired.losing.map(\.rule) == [.shift, .default])
        #expect(desired.nextChangeAt == now + .seconds(60))
    }

    @Test
    func `a hold that is over decides nothing`() {
        let state = ShiftState(shift: .in, since: now)
        let desired = derive(state, hold: hold(.stopped, until: .zero), breakAction: .keep, now: now)
        #expect(desired.run == .running)
        #expect(desired.nextChangeAt == nil)
    }

    @Test(arguments: [(BreakAction.keep, RunState.running), (.stop, .stopped)])
    func `a break does what the policy says`(action: BreakAction, run: RunState) {
        let desired = derive(ShiftState(shift: .onBreak, since: now), hold: nil, breakAction: action, now: now)
        #expect(desired.run == run)
        #expect(desired.rule == .onBreak)
    }

    @Test
    func `who never clocked in is stopped by default`() {
        #expect(derive(ShiftState(), hold: nil, breakAction: .keep, now: now).rule == .default)
    }
}
