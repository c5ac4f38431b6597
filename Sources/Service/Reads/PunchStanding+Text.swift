import Domain

extension PunchStanding {
    /// Why an event does not count, in a sentence.
    var sentence: String {
        switch self {
        case .stands: "It counts."
        case .superseded: "A later report of the same record stands instead."
        case .withdrawn: "The record was deleted."
        case .reassigned: "By now the record is another agent's."
        case .empty: "The record ends before or when it begins."
        case .overtaken: "A report with a higher number contradicts it."
        }
    }
}
