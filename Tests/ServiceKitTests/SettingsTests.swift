import Foundation
import ServiceKit
import Testing

@Suite("Settings")
struct SettingsTests {
  private func settings(_ environment: [String: String]) -> Settings {
    Settings(environment: environment, secretsDirectory: "/nonexistent")
  }

  private func problems(of settings: Settings) -> [ConfigurationError.Problem] {
    do {
      try settings.check()
      return []
    } catch let error as ConfigurationError {
      return error.problems
    } catch {
      Issue.record("unexpected \(error)")
      return []
    }
  }

  @Test("read typed values from the environment, and defaults where nothing or nothing but an empty text is set")
  func typedReads() throws {
    let settings = settings([
      "SLUICE_A": "text", "SLUICE_N": "42", "SLUICE_D": "250ms", "SLUICE_B": "yes", "SLUICE_EMPTY": "",
    ])
    #expect(settings.string("SLUICE_A", default: "x") == "text")
    #expect(settings.string("SLUICE_EMPTY", default: "x") == "x")
    #expect(settings.int("SLUICE_N", default: 1, in: 1...100) == 42)
    #expect(settings.int("SLUICE_M", default: 7, in: 1...100) == 7)
    #expect(settings.duration("SLUICE_D", default: .zero) == .milliseconds(250))
    #expect(settings.bool("SLUICE_B", default: false))
    try settings.check()
  }

  @Test("collect every mistake by its key and never show a value")
  func collectsMistakes() {
    let settings = settings(["SLUICE_N": "hunter2", "SLUICE_D": "soon", "SLUICE_B": "maybe"])
    _ = settings.requiredString("SLUICE_AMQP_URL")
    _ = settings.int("SLUICE_N", default: 1, in: 1...100)
    _ = settings.duration("SLUICE_D", default: .zero)
    _ = settings.bool("SLUICE_B", default: false)
    let found = problems(of: settings)
    #expect(found.map(\.key) == ["SLUICE_AMQP_URL", "SLUICE_N", "SLUICE_D", "SLUICE_B"])
    #expect(found.first?.message == "is not set")
    #expect(found[1].message == "must be a whole number from 1 to 100")
    #expect(!ConfigurationError(found).description.contains("hunter2"))
    #expect(!ConfigurationError(found).description.contains("\n"))
  }

  @Test("take a value from a secret file in upper or lower case, after the environment")
  func secretFiles() throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString).path
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }  // A left-over of a test harms nobody.
    try "from file\n".write(toFile: "\(folder)/sluice_one", atomically: true, encoding: .utf8)
    try "from file\n".write(toFile: "\(folder)/SLUICE_TWO", atomically: true, encoding: .utf8)
    let settings = Settings(environment: ["SLUICE_TWO": "from environment"], secretsDirectory: folder)
    #expect(settings.secret("SLUICE_ONE") == "from file")
    #expect(settings.secret("SLUICE_TWO") == "from environment")
  }

  @Test(
    "read durations with their unit",
    arguments: [
      ("250ms", Duration.milliseconds(250)), ("10s", .seconds(10)), ("10", .seconds(10)), ("1.5s", .milliseconds(1500)),
      ("5m", .seconds(300)), ("2h", .seconds(7200)), ("7d", .seconds(604_800)),
    ])
  func durations(text: String, expected: Duration) {
    #expect(DurationText.parse(text) == expected)
  }

  @Test(
    "refuse durations without a number, with an unknown unit or below zero", arguments: ["", "s", "5x", "-1s", "1 s"])
  func badDurations(text: String) {
    #expect(DurationText.parse(text) == nil)
  }
}
