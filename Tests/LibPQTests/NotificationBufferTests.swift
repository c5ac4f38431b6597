import Testing

@testable import LibPQ

@Suite("NotificationBuffer", .timeLimit(.minutes(5)))
struct NotificationBufferTests {
    private func event(_ number: Int) -> PQNotifications.Event {
        .notification(PQNotification(channel: "wake", payload: "\(number)"))
    }

    @Test
    func `what fits comes out in order`() async {
        let buffer = NotificationBuffer(limit: 600)
        for number in 0..<600 { buffer.push(event(number)) }
        for number in 0..<600 { #expect(await buffer.next() == event(number)) }
    }

    @Test
    func `what does not fit becomes one reset`() async {
        let buffer = NotificationBuffer(limit: 3)
        for number in 0..<5 { buffer.push(event(number)) }
        #expect(await buffer.next() == .reset)
        #expect(await buffer.next() == event(4))
    }

    @Test
    func `the end comes after what is buffered`() async {
        let buffer = NotificationBuffer(limit: 3)
        buffer.push(.reset)
        buffer.end()
        #expect(await buffer.next() == .reset)
        #expect(await buffer.next() == nil)
    }

    @Test
    func `a consumer that waits gets the next event, or nothing when cancelled`() async {
        let buffer = NotificationBuffer(limit: 3)
        await withTaskGroup(of: PQNotifications.Event?.self) { group in
            group.addTask { await buffer.next() }
            buffer.push(event(1))
            #expect(await group.next() == event(1))
            group.addTask { await buffer.next() }
            group.cancelAll()
            #expect(await group.next() == PQNotifications.Event?.none)
        }
        buffer.push(event(2))
        #expect(await buffer.next() == event(2))
    }
}
