// swift-tools-version: 6.2
import PackageDescription

/// Rules every target is compiled under: Swift 6 mode, no warnings, explicit existentials and imports.
let strict: [SwiftSetting] = [
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
]

/// What decides and reads is optimized in debug builds as well: tests ask it by the million.
let optimized: [SwiftSetting] = strict + [.unsafeFlags(["-O"], .when(configuration: .debug))]

/// Tests are not optimized in release builds either: they wait for what they test, and Swift 6.3's compiler crashes on some.
let tests: [SwiftSetting] = strict + [.unsafeFlags(["-Onone"], .when(configuration: .release))]

let hummingbird = Target.Dependency.product(name: "Hummingbird", package: "hummingbird")
let hummingbirdCore = Target.Dependency.product(name: "HummingbirdCore", package: "hummingbird")
let asyncHTTPClient = Target.Dependency.product(name: "AsyncHTTPClient", package: "async-http-client")
let log = Target.Dependency.product(name: "Logging", package: "swift-log")
let metrics = Target.Dependency.product(name: "Metrics", package: "swift-metrics")
let crypto = Target.Dependency.product(name: "Crypto", package: "swift-crypto")
let cryptoExtras = Target.Dependency.product(name: "CryptoExtras", package: "swift-crypto")
let structuredFields = Target.Dependency.product(
    name: "RawStructuredFieldValues",
    package: "swift-http-structured-headers"
)
let lifecycle = Target.Dependency.product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
let signals = Target.Dependency.product(name: "UnixSignals", package: "swift-service-lifecycle")
let collections = Target.Dependency.product(name: "Collections", package: "swift-collections")
let mustache = Target.Dependency.product(name: "Mustache", package: "swift-mustache")
let nioCore = Target.Dependency.product(name: "NIOCore", package: "swift-nio")
let nioPosix = Target.Dependency.product(name: "NIOPosix", package: "swift-nio")
let nioHTTP1 = Target.Dependency.product(name: "NIOHTTP1", package: "swift-nio")
let httpTypes = Target.Dependency.product(name: "HTTPTypes", package: "swift-http-types")
let arguments = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")
let configuration = Target.Dependency.product(name: "Configuration", package: "swift-configuration")

let package = Package(
    name: "rollcall",
    platforms: [.macOS(.v26)],
    products: [
        .executable(name: "rollcall", targets: ["rollcall"])
    ],
    dependencies: [
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1"),
        .package(url: "https://github.com/hummingbird-project/swift-mustache", from: "2.1.1"),
        .package(url: "https://github.com/swift-server/async-http-client", from: "1.37.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-configuration", from: "1.4.0", traits: ["YAML"]),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-metrics", from: "2.13.0"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/apple/swift-http-structured-headers", from: "1.7.0"),
        .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0"),
    ],
    targets: [
        .systemLibrary(name: "CLibPQ", pkgConfig: "libpq", providers: [.apt(["libpq-dev"])]),
        .target(name: "LibPQ", dependencies: ["CLibPQ", log], swiftSettings: strict + [.strictMemorySafety()]),
        .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
        .target(name: "Gzip", dependencies: ["CZlib"], swiftSettings: strict + [.strictMemorySafety()]),
        .target(name: "Domain", swiftSettings: optimized),
        .target(
            name: "ClockSources",
            dependencies: ["Domain", crypto, cryptoExtras, structuredFields],
            swiftSettings: optimized
        ),
        .target(
            name: "Engines",
            dependencies: ["Domain", asyncHTTPClient, nioCore, nioHTTP1, nioPosix],
            swiftSettings: strict
        ),
        .target(
            name: "EngineSimulator",
            dependencies: ["Domain", hummingbird, asyncHTTPClient, nioCore, nioHTTP1, httpTypes, crypto, log],
            swiftSettings: strict
        ),
        .target(
            name: "Service",
            dependencies: [
                "Domain", "ClockSources", "LibPQ", "Gzip",
                hummingbird, hummingbirdCore, lifecycle, log, metrics, crypto, collections, mustache, nioCore, nioPosix,
                nioHTTP1, httpTypes,
            ],
            resources: [.embedInCode("migrations"), .embedInCode("Page/assets"), .embedInCode("Page/catalogue")],
            swiftSettings: strict
        ),
        .executableTarget(
            name: "rollcall",
            dependencies: [
                "Domain", "ClockSources", "LibPQ", "Engines", "EngineSimulator", "Service",
                hummingbird, asyncHTTPClient, lifecycle, log, metrics, crypto, arguments, configuration, nioCore,
                nioPosix,
                httpTypes, signals, nioHTTP1,
            ],
            swiftSettings: strict
        ),
        .executableTarget(
            name: "source-benchmark",
            dependencies: ["ClockSources", "Domain"],
            path: "Benchmarks/sources",
            swiftSettings: strict
        ),
        .executableTarget(
            name: "library-benchmark",
            dependencies: [asyncHTTPClient, hummingbird, log, nioCore, nioHTTP1],
            path: "Benchmarks/libraries",
            swiftSettings: strict
        ),
        .target(
            name: "TestSupport",
            dependencies: ["LibPQ", log],
            path: "Tests/Support",
            swiftSettings: tests
        ),
        .testTarget(name: "LibPQTests", dependencies: ["LibPQ", "TestSupport", log], swiftSettings: tests),
        .testTarget(
            name: "DomainTests",
            dependencies: ["Domain"],
            resources: [.copy("zone-matrix.py"), .copy("punch-table.json")],
            swiftSettings: tests
        ),
        .testTarget(
            name: "ClockSourcesTests",
            dependencies: ["ClockSources", "Domain", "TestSupport", crypto, cryptoExtras],
            resources: [.copy("clock-cases.json")],
            swiftSettings: tests
        ),
        .testTarget(
            name: "EnginesTests",
            dependencies: [
                "Engines", "EngineSimulator", "Domain", asyncHTTPClient, hummingbird, nioHTTP1, httpTypes, log, nioCore,
                crypto,
            ],
            resources: [.copy("engine-cases.json")],
            swiftSettings: tests
        ),
        .testTarget(
            name: "ServiceTests",
            dependencies: [
                "Service", "Domain", "ClockSources", "LibPQ", "Engines", "EngineSimulator", "TestSupport", log, metrics,
                hummingbird, asyncHTTPClient, lifecycle, crypto, nioCore, nioPosix, nioHTTP1, httpTypes,
            ],
            swiftSettings: tests
        ),
        .testTarget(
            name: "RollcallTests",
            dependencies: [
                "rollcall", "TestSupport", "LibPQ", "Domain", "ClockSources", "Engines", "Service", hummingbird,
                asyncHTTPClient, nioCore, httpTypes, log,
            ],
            swiftSettings: tests
        ),
    ]
)
