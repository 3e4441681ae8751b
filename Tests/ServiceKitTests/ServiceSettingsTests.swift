import ServiceKit
import Testing

@Suite("A service's settings")
struct ServiceSettingsTests {
  private let complete = [
    "SLUICE_AMQP_URL": "amqp://user:secret@127.0.0.1:5672/sluice",
    "SLUICE_DATABASE_URL": "postgresql://user:secret@127.0.0.1:5432/sluice",
  ]

  private func load(_ environment: [String: String]) throws -> ServiceSettings {
    try ServiceSettings.load(
      service: "scheduler", settings: Settings(environment: environment, secretsDirectory: "/nonexistent"))
  }

  @Test("have defaults for everything but the broker and the database")
  func defaults() throws {
    let settings = try load(complete)
    #expect(settings.serviceName == "scheduler")
    #expect(settings.instance.hasPrefix("scheduler@"))
    #expect(settings.internalHost == "127.0.0.1")
    #expect(settings.internalPort == 0)
    #expect(settings.logLevel == .info)
    #expect(settings.logFormat == .text)
    #expect(settings.shutdownLimit == nil)
    #expect(settings.database.poolSize == 4)
  }

  @Test("name everything that is missing or wrong in one line")
  func namesMistakes() {
    #expect {
      try load(["SLUICE_LOG_LEVEL": "loud", "SLUICE_INTERNAL_PORT": "99999"])
    } throws: { error in
      let keys = (error as? ConfigurationError)?.problems.map(\.key) ?? []
      return Set(keys) == [
        "SLUICE_AMQP_URL", "SLUICE_DATABASE_URL", "SLUICE_LOG_LEVEL", "SLUICE_INTERNAL_PORT",
      ]
    }
  }

  @Test("never show a password when a URL is wrong")
  func hidesPasswords() {
    var environment = complete
    environment["SLUICE_AMQP_URL"] = "amqp://user:hunter2@:5672:99/%zz"
    #expect {
      try load(environment)
    } throws: { error in
      "\(error)".contains("SLUICE_AMQP_URL") && !"\(error)".contains("hunter2")
    }
  }
}
