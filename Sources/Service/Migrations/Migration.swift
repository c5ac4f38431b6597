import Crypto

/// One file of `migrations/`, as it is compiled into the program.
package struct Migration: Sendable, Hashable {
    /// The number that the file's name begins with; they apply in its order.
    package var number: Int32
    /// The file's name without its extension.
    package var name: String
    package var sql: String

    /// SHA-256 of ``sql`` in hexadecimal; guards an applied file against being edited afterwards.
    package var sha256: String {
        SHA256.hash(data: Array(sql.utf8)).hexadecimal
    }

    /// Every migration, in order.
    ///
    /// Nothing can list what is embedded, so a new file is added here too; a test compares the list with
    /// the folder.
    package static let all: [Migration] = [
        Migration(number: 1, name: "0001_foundation", bytes: PackageResources._001_foundation_sql),
        Migration(number: 2, name: "0002_management", bytes: PackageResources._002_management_sql),
        Migration(number: 3, name: "0003_agent_lists", bytes: PackageResources._003_agent_lists_sql),
        Migration(number: 4, name: "0004_delivery_ids", bytes: PackageResources._004_delivery_ids_sql),
        Migration(number: 5, name: "0005_lookups", bytes: PackageResources._005_lookups_sql),
        Migration(number: 6, name: "0006_record_fetches", bytes: PackageResources._006_record_fetches_sql),
        Migration(number: 7, name: "0007_retention", bytes: PackageResources._007_retention_sql),
        Migration(number: 8, name: "0008_source_activity", bytes: PackageResources._008_source_activity_sql),
        Migration(number: 9, name: "0009_left_out_events", bytes: PackageResources._009_left_out_events_sql),
        Migration(number: 10, name: "0010_fold_tails", bytes: PackageResources._010_fold_tails_sql),
        Migration(number: 11, name: "0011_guard", bytes: PackageResources._011_guard_sql),
        Migration(number: 13, name: "0013_replicas", bytes: PackageResources._013_replicas_sql),
        Migration(number: 15, name: "0015_pairing_slots", bytes: PackageResources._015_pairing_slots_sql),
        Migration(number: 16, name: "0016_session_changes", bytes: PackageResources._016_session_changes_sql),
        Migration(number: 17, name: "0017_session_names", bytes: PackageResources._017_session_names_sql),
        Migration(number: 18, name: "0018_engine_pulses", bytes: PackageResources._018_engine_pulses_sql),
        Migration(number: 19, name: "0019_lease_handovers", bytes: PackageResources._019_lease_handovers_sql),
        Migration(number: 20, name: "0020_lines", bytes: PackageResources._020_lines_sql),
        Migration(number: 21, name: "0021_line_forecasts", bytes: PackageResources._021_line_forecasts_sql),
        Migration(number: 22, name: "0022_settings_in_force", bytes: PackageResources._022_settings_in_force_sql),
        Migration(number: 23, name: "0023_sign_in_failures", bytes: PackageResources._023_sign_in_failures_sql),
        Migration(number: 24, name: "0024_unchecked_changes", bytes: PackageResources._024_unchecked_changes_sql),
        Migration(number: 25, name: "0025_session_history", bytes: PackageResources._025_session_history_sql),
        Migration(number: 26, name: "0026_pairing", bytes: PackageResources._026_pairing_sql),
        Migration(number: 29, name: "0029_unwritten_passes", bytes: PackageResources._029_unwritten_passes_sql),
        Migration(number: 30, name: "0030_quiet_beats", bytes: PackageResources._030_quiet_beats_sql),
        Migration(number: 31, name: "0031_gone_alerts", bytes: PackageResources._031_gone_alerts_sql),
    ]

    package init(number: Int32, name: String, sql: String) {
        self.number = number
        self.name = name
        self.sql = sql
    }

    private init(number: Int32, name: String, bytes: [UInt8]) {
        self.init(number: number, name: name, sql: String(decoding: bytes, as: UTF8.self))
    }
}

extension Digest {
    /// The digest as lower-case hexadecimal.
    var hexadecimal: String {
        let digits = Array("0123456789abcdef".utf8)
        var text: [UInt8] = []
        for byte in self {
            text.append(digits[Int(byte >> 4)])
            text.append(digits[Int(byte & 15)])
        }
        return String(decoding: text, as: UTF8.self)
    }
}
