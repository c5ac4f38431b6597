import Domain
import Synchronization
import Testing

@testable import Service

@Suite("Pairing reads", .timeLimit(.minutes(1)))
struct PairingJobTests {
    @Test(arguments: [EngineVerdict.auth, .missing], [true, false])
    func `that what pairs a session is refused neither begins nor ends the account's refusal, and is told`(
        verdict: EngineVerdict,
        isRefused: Bool
    ) throws {
        let scene = WorkerScene(pairing: verdict)
        let scheduler = scene.scheduler
        let answer = OneShot<PairingAnswer?>()
        let found = Mutex<[Bool]>([])
        try scene.run { worker in
            if isRefused { _ = worker.leases.setRefused(1, true) }
            let job = PairingJob(wish: .qr, address: SessionAddress(instanceID: "1"), answer: answer)
            worker.put(.pairing(job), priority: .people)
            scheduler.after(500_000) {
                let isStillRefused = worker.leases.isRefused(1)
                found.withLock { $0 = [answer.isGiven, isStillRefused] }
            }
        }
        #expect(scene.engine.calls == ["pairing 1"])
        #expect(found.withLock { $0 } == [true, isRefused])
    }
}
