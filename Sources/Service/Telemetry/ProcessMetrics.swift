import FoundationEssentials

/// What kind of numbers a metric's series are.
package enum MetricType: String, Sendable, Hashable {
    case counter, gauge, histogram
}

/// One number measured while a scrape waits.
package struct MetricSample: Sendable, Hashable {
    /// The full name, used as it is.
    package var name: String
    package var help: String
    package var type: MetricType
    package var value: Double

    package init(name: String, help: String, type: MetricType, value: Double) {
        self.name = name
        self.help = help
        self.type = type
        self.value = value
    }
}

/// What Linux tells about this process, under the names that every Prometheus dashboard expects.
///
/// Source: prometheus.io/docs/instrumenting/writing_clientlibs, "Standard and runtime collectors", and
/// proc(5). Where there is no `/proc`, nothing is reported.
package enum ProcessMetrics {
    /// The length of a tick in `/proc`; part of Linux' interface to programs, whatever the kernel's own is.
    private static let ticksPerSecond = 100.0

    /// Measures this process.
    package static func read() -> [MetricSample] {
        let status = text("/proc/self/status")
        let stat = text("/proc/self/stat")
        return [
            gauge("process_resident_memory_bytes", "Memory held in RAM.", status.flatMap(residentBytes)),
            gauge("process_threads", "Threads.", status.flatMap { number(after: "Threads:", in: $0) }),
            gauge("process_open_fds", "Open file descriptors.", openDescriptors()),
            gauge(
                "process_max_fds",
                "The most file descriptors that may be open.",
                text("/proc/self/limits").flatMap { number(after: "Max open files", in: $0) }
            ),
            cpuSeconds(stat).map {
                MetricSample(
                    name: "process_cpu_seconds_total",
                    help: "Processor time used, user and system.",
                    type: .counter,
                    value: $0
                )
            },
            gauge(
                "process_start_time_seconds",
                "When the process started, in seconds since 1970.",
                startSeconds(stat, text("/proc/stat"))
            ),
        ].compactMap(\.self)
    }

    static func residentBytes(status: String) -> Double? {
        number(after: "VmRSS:", in: status).map { $0 * 1024 }
    }

    /// Fields 14 and 15 of `/proc/self/stat`, user and system time.
    static func cpuSeconds(_ stat: String?) -> Double? {
        guard let fields = stat.map(fieldsAfterName), let user = fields.number(at: 14),
            let system = fields.number(at: 15)
        else { return nil }
        return (user + system) / ticksPerSecond
    }

    /// Field 22 of `/proc/self/stat` counts from the boot that `/proc/stat` dates.
    static func startSeconds(_ stat: String?, _ system: String?) -> Double? {
        guard let started = stat.map(fieldsAfterName)?.number(at: 22),
            let booted = system.flatMap({ number(after: "btime", in: $0) })
        else { return nil }
        return booted + started / ticksPerSecond
    }

    /// The fields of `/proc/self/stat` from the third on; the second is the program's name and may hold
    /// spaces and parentheses.
    private static func fieldsAfterName(_ stat: String) -> StatFields {
        guard let end = stat.lastIndex(of: ")") else { return StatFields(texts: []) }
        return StatFields(texts: stat[stat.index(after: end)...].split(separator: " "))
    }

    /// Numbered as in proc(5), the first being 1.
    private struct StatFields {
        var texts: [Substring]

        func number(at field: Int) -> Double? {
            let place = field - 3
            return texts.indices.contains(place) ? Double(texts[place]) : nil
        }
    }

    /// The number that follows a key at the start of a line.
    private static func number(after key: String, in text: String) -> Double? {
        let line = text.split(separator: "\n").first { $0.hasPrefix(key) }
        return line?.dropFirst(key.count).split(whereSeparator: \.isWhitespace).first.flatMap { Double($0) }
    }

    /// Listing the folder opens one descriptor more, which is not counted.
    private static func openDescriptors() -> Double? {
        // No `/proc`, no number.
        guard let names = try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd") else { return nil }
        return Double(names.count - 1)
    }

    private static func gauge(_ name: String, _ help: String, _ value: Double?) -> MetricSample? {
        value.map { MetricSample(name: name, help: help, type: .gauge, value: $0) }
    }

    private static func text(_ path: String) -> String? {
        // No `/proc`, no number.
        try? String(contentsOfFile: path, encoding: .utf8)
    }
}
