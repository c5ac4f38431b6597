import AsyncHTTPClient
import Domain
import Logging
import NIOCore
import NIOHTTP1

/// Delivers `session.status` events to whoever is to get them.
///
/// Each session's events leave in order, one after the other, unless disorder is asked for; different
/// sessions' do not wait for each other. At least once: an answer that is not a 2xx means another try.
struct WebhookPump: Sendable {
    private struct Delivery: Sendable {
        var receiver: EventReceiver
        var body: ByteBuffer
        /// The event's id, the same at every try.
        var eventID: String
        /// Real time to wait first, for disorder.
        var wait: Duration
    }

    /// Lanes of delivery; one receiver that hangs holds up a part of the sessions only.
    private static let laneCount = 16
    /// Deliveries that wait in one lane; beyond it the newest are lost, as any engine loses them.
    private static let laneLimit = 8192
    /// The longest a receiver may take; real.
    private static let timeout = TimeAmount.seconds(10)
    /// How often due events are looked for while somebody listens, and how often for a listener; real.
    private static let tick = Duration.milliseconds(5)
    private static let idleTick = Duration.milliseconds(100)

    let fleet: Fleet
    let client: HTTPClient
    let logger: Logger

    /// Delivers until the task is cancelled.
    func run() async {
        await withTaskGroup(of: Void.self) { group in
            var lanes: [AsyncStream<Delivery>.Continuation] = []
            for _ in 0..<Self.laneCount {
                let (stream, lane) = AsyncStream<Delivery>.makeStream(bufferingPolicy: .bufferingOldest(Self.laneLimit))
                lanes.append(lane)
                group.addTask { for await delivery in stream { await deliver(delivery) } }
            }
            while !Task.isCancelled {
                let (events, settings, isHeard) = fleet.withWorld { world, now in
                    world.settleDue(now: now)
                    return (world.takeEvents(), world.webhooks, world.isHeard)
                }
                for event in events { enqueue(event, settings, lanes) }
                // Cancellation ends the loop by its condition.
                try? await Task.sleep(for: isHeard ? Self.tick : Self.idleTick)
            }
            for lane in lanes { lane.finish() }
        }
    }

    private func enqueue(
        _ event: StatusEvent,
        _ settings: WebhookSettings,
        _ lanes: [AsyncStream<Delivery>.Continuation]
    ) {
        if settings.dropEvery > 0, event.number % settings.dropEvery == 0 { return }
        let isTwice = settings.duplicateEvery > 0 && event.number % settings.duplicateEvery == 0
        var draw = mixed(fleet.configuration.seed, UInt64(event.number))
        var lane = mixed(0, event.instanceID.utf8.reduce(0) { mixed($0, UInt64($1)) })
        for receiver in event.receivers(settings) {
            let bodies = event.payloads(receiver.form, qrImage: fleet.configuration.qrImage)
            for body in isTwice ? bodies + bodies : bodies {
                var wait = Duration.zero
                if settings.disorderMs > 0 {
                    draw = mixed(draw, 1)
                    wait = .milliseconds(Int64(draw % UInt64(settings.disorderMs + 1)))
                    lane = draw
                }
                let delivery = Delivery(receiver: receiver, body: body, eventID: event.eventID, wait: wait)
                if case .dropped = lanes[Int(lane % UInt64(lanes.count))].yield(delivery) {
                    logger.warning("webhook lost: too many wait")
                }
            }
        }
    }

    private func deliver(_ delivery: Delivery) async {
        do {
            if delivery.wait > .zero { try await Task.sleep(for: delivery.wait) }
            for attempt in 1...delivery.receiver.attempts {
                if await post(delivery) { return }
                guard attempt < delivery.receiver.attempts else { break }
                try await Task.sleep(for: delivery.receiver.wait(after: attempt))
            }
            logger.debug("webhook given up")
        } catch {
            // Cancelled: the simulator ends, and so do its deliveries.
        }
    }

    private func post(_ delivery: Delivery) async -> Bool {
        let receiver = delivery.receiver
        var request = HTTPClientRequest(url: receiver.url)
        request.method = .POST
        request.headers.add(name: "content-type", value: "application/json")
        for (name, value) in receiver.headers { request.headers.add(name: name, value: value) }
        if let secret = receiver.secret {
            for (name, value) in proof(of: delivery.body, form: receiver.form, key: secret) {
                request.headers.add(name: name, value: value)
            }
        }
        if receiver.form == .waha {
            request.headers.add(name: "x-webhook-request-id", value: delivery.eventID)
            request.headers.add(name: "x-webhook-timestamp", value: "\(RealTime.now.wall / 1000)")
        }
        request.body = .bytes(delivery.body)
        do {
            let response = try await client.execute(request, timeout: Self.timeout)
            for try await _ in response.body {}
            return (200..<300).contains(response.status.code)
        } catch {
            return false
        }
    }
}
