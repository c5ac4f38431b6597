import Domain

/// What an hour changed in how many sessions are in some state.
struct HourStep: Sendable, Equatable {
    /// Which hour, counted from the question's first.
    var hour: Int64
    /// How many more are in it at the hour's end than at its beginning.
    var change: Int64
    /// For how long within it those that came into the state were in it, less the time for which those that left it were not, in
    /// seconds.
    var seconds: Double

    /// How long sessions were in the state in each hour; those in which none was are left out.
    ///
    /// `steps`: in order. `from`: when hour 0 begins. `to`: when the span ends, by which every stretch has ended.
    static func hours(_ steps: [HourStep], from: Timestamp, to: Timestamp) -> [Stats.Share] {
        guard let first = steps.first, let last = steps.last else { return [] }
        var changes = Dictionary(steps.map { ($0.hour, $0) }) { first, _ in first }
        var present: Int64 = 0
        var hours: [Stats.Share] = []
        for hour in first.hour...last.hour {
            let step = changes.removeValue(forKey: hour)
            let seconds = Double(present) * 3600 + (step?.seconds ?? 0)
            present += step?.change ?? 0
            let at = from + .seconds(hour * 3600)
            // The step that ends the span's stretches may lie at the beginning of an hour that is no part of it.
            if seconds > 0.001, at < to { hours.append(Stats.Share(at: at, hours: seconds / 3600)) }
        }
        return hours
    }
}
