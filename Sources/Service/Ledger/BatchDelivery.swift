/// A delivery whose first events are in a batch.
struct BatchDelivery: Sendable {
    var delivery: KeptDelivery
    /// The places of its events in the batch; the last of many may be in a later one.
    var places: Range<Int>

    /// The delivery with what its events are and did.
    ///
    /// `effects`: of the whole batch.
    func kept(_ distinct: DistinctEvents, _ effects: [KeptEffect]) -> KeptDelivery {
        var kept = delivery
        // Those of reports without a version are settled in the transaction.
        kept.events = places.map { distinct.identity(at: $0) } + delivery.events.dropFirst(places.count)
        kept.effects = Array(effects[places])
        return kept
    }
}

extension [AppendQueue.Waiting] {
    /// The deliveries that came with events of the batch, each with the places of its events in it.
    var deliveries: [BatchDelivery] {
        var deliveries: [BatchDelivery] = []
        for place in indices {
            guard let delivery = self[place].delivery else { continue }
            let ticket = self[place].ticket
            let end = self[place...].firstIndex { $0.ticket !== ticket } ?? endIndex
            deliveries.append(BatchDelivery(delivery: delivery, places: place..<end))
        }
        return deliveries
    }
}
