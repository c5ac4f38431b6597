import Domain

// How the tail of a state is kept in `agent_states.fold_tail`: as of which punch, whether the record is open, since when it is
// alone, its source, its id.
//
// A release that does not know the column leaves it as it was when it changes the state. So a trigger
// (`agent_states_fold_tail`) takes away what an update does not write anew; the first word makes each state's tail another.
extension ShiftState {
    /// What is stored of ``tail``.
    var storedTail: String? {
        guard let tail else { return nil }
        let since = tail.aloneSince.map { "\($0.microseconds)" } ?? "-"
        let start = "\(last?.effectiveAt.microseconds ?? 0) \(tail.isRecordOpen ? 1 : 0) \(since)"
        return tail.record.map { "\(start) \($0.source) \($0.id)" } ?? start
    }

    /// Takes back what ``storedTail`` made; nothing when it belongs to another state.
    mutating func setTail(stored text: String?) {
        let words = (text ?? "").split(separator: " ", maxSplits: 4, omittingEmptySubsequences: false)
        guard hasRecords, words.count == 3 || words.count == 5,
            Int64(words[0]) == last?.effectiveAt.microseconds ?? 0
        else { return }
        var record: RecordKey?
        if words.count == 5 {
            guard let source = Int32(words[3]) else { return }
            record = RecordKey(source: source, id: String(words[4]))
        }
        tail = FoldTail(
            record: record,
            isRecordOpen: words[1] == "1",
            aloneSince: Int64(words[2]).map { Timestamp(microseconds: $0) }
        )
    }
}
