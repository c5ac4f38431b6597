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

    @Test(arguments: [(-1, nil), (0, nil), (1, 1)] as [(Int64, Int64?)])
    func `an event of the future changes the answer at its time, and none by the clock once that has come`(
        comesIn: Int64,
        changesIn: Int64?
    ) {
        let state = ShiftState(shift: .in, since: now - .seconds(60), nextPunchAt: now + .seconds(comesIn))
        let desired = derive(state, hold: nil, breakAction: .keep, now: now)
        #expect(desired.nextChangeAt == changesIn.map { now + .seconds($0) })
        let held = derive(state, hold: hold(.stopped, until: .seconds(60)), breakAction: .keep, now: now)
        #expect(held.nextChangeAt == now + .seconds(changesIn ?? 60))
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
