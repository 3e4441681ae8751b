// swift-tools-version: 6.2
import PackageDescription

let strict: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .enableUpcomingFeature("ExistentialAny"),
  .treatAllWarnings(as: .error),
  // Places at which tests kill a process; release builds have none.
  .define("FAILPOINTS", .when(configuration: .debug)),
]

let package = Package(
  name: "sluice",
  products: [
    .executable(name: "api-gateway", targets: ["APIGateway"]),
    .executable(name: "scheduler", targets: ["Scheduler"]),
    .executable(name: "sender", targets: ["Sender"]),
    .executable(name: "dead-letter", targets: ["DeadLetter"]),
    .executable(name: "status-projector", targets: ["StatusProjector"]),
    .executable(name: "topology", targets: ["Topology"]),
    .executable(name: "mock-provider", targets: ["MockProvider"]),
    .executable(name: "sluice", targets: ["CommandLineClient"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
    .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
    .package(url: "https://github.com/apple/swift-configuration", from: "1.4.0"),
    .package(url: "https://github.com/apple/swift-crypto", from: "4.5.0"),
    .package(url: "https://github.com/apple/swift-log", from: "1.16.0"),
    .package(url: "https://github.com/apple/swift-metrics", from: "2.13.0"),
    .package(url: "https://github.com/apple/swift-nio", from: "2.101.0"),
    .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.0"),
    .package(url: "https://github.com/hummingbird-project/swift-mustache", from: "2.1.0"),
    .package(url: "https://github.com/jpsim/Yams", from: "6.2.0"),
    .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
  ],
  targets: [
    // C libraries, each imported by exactly one Swift target.
    .systemLibrary(
      name: "CRabbitMQ", path: "Shared/CRabbitMQ", pkgConfig: "librabbitmq",
      providers: [.apt(["librabbitmq-dev"])]),
    .systemLibrary(
      name: "CPostgres", path: "Shared/CPostgres", pkgConfig: "libpq", providers: [.apt(["libpq-dev"])]),
    .systemLibrary(
      name: "CCurl", path: "Shared/CCurl", pkgConfig: "libcurl",
      providers: [.apt(["libcurl4-openssl-dev"])]),
    .systemLibrary(name: "CLinux", path: "Shared/CLinux"),
    .target(
      name: "CPhoneNumber", path: "Shared/CPhoneNumber",
      linkerSettings: [.linkedLibrary("phonenumber")]),

    // Clients over them: one connection, one actor, one thread.
    .target(
      name: "BlockingIO",
      dependencies: ["CLinux", .product(name: "NIOConcurrencyHelpers", package: "swift-nio")],
      path: "Shared/BlockingIO", swiftSettings: strict),
    .target(
      name: "AMQP",
      dependencies: [
        "BlockingIO", "CRabbitMQ",
        .product(name: "DequeModule", package: "swift-collections"),
        .product(name: "Logging", package: "swift-log"),
        .product(name: "NIOConcurrencyHelpers", package: "swift-nio"),
        .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
      ],
      path: "Shared/AMQP", swiftSettings: strict),
    .target(
      name: "Postgres",
      dependencies: [
        "BlockingIO", "CPostgres",
        .product(name: "DequeModule", package: "swift-collections"),
        .product(name: "Logging", package: "swift-log"),
        .product(name: "NIOConcurrencyHelpers", package: "swift-nio"),
        .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
      ],
      path: "Shared/Postgres", swiftSettings: strict),
    .target(
      name: "HTTPTransport",
      dependencies: [
        "BlockingIO", "CCurl",
        .product(name: "Logging", package: "swift-log"),
        .product(name: "NIOConcurrencyHelpers", package: "swift-nio"),
      ],
      path: "Shared/HTTPTransport", swiftSettings: strict),
    .target(
      name: "JSONHTTP",
      dependencies: ["HTTPTransport", .product(name: "Logging", package: "swift-log")],
      path: "Shared/JSONHTTP", swiftSettings: strict),
    .target(name: "CSV", path: "Shared/CSV", swiftSettings: strict),
    .target(
      name: "PhoneNumbers", dependencies: ["CPhoneNumber"], path: "Shared/PhoneNumbers",
      swiftSettings: strict),

    .target(
      name: "Recipients", dependencies: ["CSV", "PhoneNumbers"], path: "Shared/Recipients", swiftSettings: strict),

    // What the services share: wire types, pure decisions, process plumbing.
    .target(
      name: "Contracts", dependencies: [.product(name: "Crypto", package: "swift-crypto")],
      path: "Shared/Contracts", swiftSettings: strict),
    .target(
      name: "Metering",
      dependencies: [
        "Contracts",
        .product(name: "DequeModule", package: "swift-collections"),
        .product(name: "HeapModule", package: "swift-collections"),
      ],
      path: "Shared/Metering", swiftSettings: strict),
    .target(name: "SMSText", path: "Shared/SMSText", swiftSettings: strict),
    .target(
      name: "ServiceKit",
      dependencies: [
        "AMQP", "Contracts", "Postgres",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
        .product(name: "Configuration", package: "swift-configuration"),
        .product(name: "Hummingbird", package: "hummingbird"),
        .product(name: "Logging", package: "swift-log"),
        .product(name: "Metrics", package: "swift-metrics"),
        .product(name: "NIOConcurrencyHelpers", package: "swift-nio"),
        .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
        .product(name: "Yams", package: "Yams"),
      ],
      path: "Shared/ServiceKit", swiftSettings: strict),

    // Services: one folder per executable.
    service(
      "APIGateway",
      extra: [
        "CSV", "Metering", "PhoneNumbers", "Recipients", "SMSText",
        .product(name: "Crypto", package: "swift-crypto"),
        .product(name: "CryptoExtras", package: "swift-crypto"),
        .product(name: "DequeModule", package: "swift-collections"),
        .product(name: "Hummingbird", package: "hummingbird"),
        .product(name: "Mustache", package: "swift-mustache"),
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "NIOHTTP1", package: "swift-nio"),
        .product(name: "Yams", package: "Yams"),
      ],
      resources: [.process("Resources")]),
    service(
      "Scheduler",
      extra: [
        "Metering",
        .product(name: "DequeModule", package: "swift-collections"),
        .product(name: "HeapModule", package: "swift-collections"),
      ]),
    service(
      "Sender",
      extra: [
        "HTTPTransport",
        .product(name: "DequeModule", package: "swift-collections"),
      ]),
    service("DeadLetter"),
    service("StatusProjector", extra: ["Metering"]),
    .executableTarget(
      name: "Topology",
      dependencies: [
        "Contracts", "HTTPTransport", "ServiceKit",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
        .product(name: "Logging", package: "swift-log"),
      ],
      path: "Services/Topology", swiftSettings: strict),
    .executableTarget(
      name: "CommandLineClient",
      dependencies: [
        "CSV", "JSONHTTP", "PhoneNumbers", "Recipients", "SMSText",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      path: "Services/CommandLineClient", swiftSettings: strict),
    .executableTarget(
      name: "MockProvider",
      dependencies: [
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
        .product(name: "DequeModule", package: "swift-collections"),
        .product(name: "Logging", package: "swift-log"),
        .product(name: "NIOConcurrencyHelpers", package: "swift-nio"),
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "NIOHTTP1", package: "swift-nio"),
        .product(name: "NIOPosix", package: "swift-nio"),
      ],
      path: "Services/MockProvider", swiftSettings: strict),

    // Tests. TestSupport starts real servers and processes and waits for signals, never by the clock.
    .target(
      name: "TestSupport",
      dependencies: [
        "AMQP", "Contracts", "HTTPTransport", "JSONHTTP", "Postgres",
        .product(name: "Logging", package: "swift-log"),
        .product(name: "NIOConcurrencyHelpers", package: "swift-nio"),
      ],
      path: "Tests/TestSupport", swiftSettings: strict),
    tests("BlockingIO"), tests("Contracts"), tests("Metering"), tests("SMSText"), tests("PhoneNumbers"),
    tests("ServiceKit"), tests("APIGateway", and: ["DeadLetter"]), tests("Scheduler"), tests("Sender"),
    tests("DeadLetter"),
    tests("StatusProjector"), tests("MockProvider"), tests("Topology"), tests("CSV"), tests("Recipients"),
    tests("CommandLineClient"),
    tests("AMQP"), tests("Postgres"), tests("HTTPTransport"),
    .testTarget(
      name: "IntegrationTests",
      dependencies: ["TestSupport", "Contracts", "ServiceKit", "Scheduler", "Sender", "StatusProjector", "DeadLetter"],
      path: "Tests/IntegrationTests", swiftSettings: strict),
    .target(
      name: "StackTrait", dependencies: ["TestSupport"], path: "Tests/StackTrait", swiftSettings: strict),
    .testTarget(
      name: "BrowserTests", dependencies: ["StackTrait", "TestSupport"], path: "Tests/BrowserTests",
      exclude: ["Stories"], swiftSettings: strict),
    .testTarget(
      name: "ScenarioTests",
      dependencies: [
        "Contracts", "Postgres", "ServiceKit", "StackTrait", "TestSupport",
        .product(name: "NIOConcurrencyHelpers", package: "swift-nio"),
      ],
      path: "Tests/ScenarioTests",
      swiftSettings: strict),
    .executableTarget(
      name: "Benchmarks",
      dependencies: [
        "AMQP", "Contracts", "Postgres", "TestSupport",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
        .product(name: "Logging", package: "swift-log"),
      ],
      path: "Tests/Benchmarks", swiftSettings: strict),
  ]
)

/// A service: everything it may use, besides what only it needs.
func service(_ name: String, extra: [Target.Dependency] = [], resources: [Resource] = []) -> Target {
  .executableTarget(
    name: name,
    dependencies: [
      "AMQP", "Contracts", "Postgres", "ServiceKit",
      .product(name: "ArgumentParser", package: "swift-argument-parser"),
      .product(name: "Logging", package: "swift-log"),
      .product(name: "Metrics", package: "swift-metrics"),
      .product(name: "NIOConcurrencyHelpers", package: "swift-nio"),
      .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
    ] + extra,
    path: "Services/\(name)", resources: resources, swiftSettings: strict)
}

/// The tests of one target, in a folder of the same name.
/// - Parameter others: Whose tables they need.
func tests(_ name: String, and others: [Target.Dependency] = []) -> Target {
  .testTarget(
    name: "\(name)Tests", dependencies: [.init(stringLiteral: name), "TestSupport"] + others,
    path: "Tests/\(name)Tests", swiftSettings: strict)
}
