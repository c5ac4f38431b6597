package import Domain
import FoundationEssentials
package import Logging

/// Writes each event as one line of JSON: `time`, `level`, `label`, `message`, `error`, `metadata`.
///
/// Everything variable passes the ``Redactor`` first. Values are cut at ``textLimit`` bytes, so that one
/// event can never flood the log.
package struct StructuredLogHandler: LogHandler {
    /// The most bytes of one message or value that are written.
    package static let textLimit = 4096

    /// How deep lists and dictionaries in metadata are followed.
    static let nestingLimit = 4

    package var logLevel: Logger.Level
    package var metadata: Logger.Metadata = [:]
    package var metadataProvider: Logger.MetadataProvider?

    private let label: String
    private let redactor: Redactor
    private let sink: LogSink
    private let now: @Sendable () -> Timestamp

    /// A handler for one logger.
    ///
    /// - Parameters:
    ///   - label: the logger's label.
    ///   - level: events below it are dropped.
    ///   - redactor: knows the secrets of the settings.
    ///   - sink: takes the lines.
    ///   - now: dates them.
    package init(
        label: String,
        level: Logger.Level,
        redactor: Redactor,
        sink: LogSink = .standardError,
        now: @escaping @Sendable () -> Timestamp = Self.systemTime
    ) {
        self.label = label
        logLevel = level
        self.redactor = redactor
        self.sink = sink
        self.now = now
    }

    package subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    package func log(event: LogEvent) {
        var line = JSONLine()
        line.open()
        line.member("time", now().rfc3339)
        line.member("level", event.level.rawValue)
        line.member("label", label)
        line.member("message", safe(event.message.description))
        if let error = event.error { line.member("error", safe(String(describing: error))) }
        let metadata = merged(event.metadata)
        if !metadata.isEmpty {
            line.key("metadata")
            append(metadata, to: &line, depth: 1)
        }
        line.close()
        line.bytes.append(UInt8(ascii: "\n"))
        sink.write(line.bytes)
    }

    /// The nearest wins: the event's own, then the task's, then the logger's.
    private func merged(_ own: Logger.Metadata?) -> Logger.Metadata {
        var all = metadata
        if let provided = metadataProvider?.get() { all.merge(provided) { _, new in new } }
        if let own { all.merge(own) { _, new in new } }
        return all
    }

    private func append(_ metadata: Logger.Metadata, to line: inout JSONLine, depth: Int) {
        line.open()
        for (key, value) in metadata.sorted(by: { $0.key < $1.key }) {
            line.key(key)
            append(value, key: key, to: &line, depth: depth)
        }
        line.close()
    }

    private func append(_ value: Logger.Metadata.Value, key: String, to line: inout JSONLine, depth: Int) {
        guard !Redactor.isSecretName(key), depth <= Self.nestingLimit else {
            line.string(Redactor.mark)
            return
        }
        let keepsDigits = LogKeys.identifiers.contains(key)
        switch value {
        case .string(let text):
            line.string(safe(text, keepsDigits: keepsDigits))
        case .stringConvertible(let value):
            line.string(safe(value.description, keepsDigits: keepsDigits))
        case .array(let values):
            line.openList()
            for value in values {
                line.item()
                append(value, key: key, to: &line, depth: depth + 1)
            }
            line.closeList()
        case .dictionary(let inner):
            append(inner, to: &line, depth: depth + 1)
        }
    }

    /// Redacted before it is cut, so that a cut never leaves half a secret that is no longer recognised.
    private func safe(_ text: String, keepsDigits: Bool = false) -> String {
        let text = redactor.redact(text, keepsDigits: keepsDigits)
        guard text.utf8.count > Self.textLimit else { return text }
        return String(decoding: text.utf8.prefix(Self.textLimit), as: UTF8.self) + "…"
    }

    /// The system's clock, in whole milliseconds.
    package static let systemTime: @Sendable () -> Timestamp = {
        Timestamp(microseconds: Int64(Date().timeIntervalSince1970 * 1000) * 1000)
    }
}
