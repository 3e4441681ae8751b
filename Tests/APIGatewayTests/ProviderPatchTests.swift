import Contracts
import Testing

@testable import APIGateway

@Suite("Changes of a provider's settings")
struct ProviderPatchTests {
  private func problems(_ text: String) -> [String] {
    do {
      _ = try ProviderPatch.decode(Array(text.utf8), provider: "hkt")
      return []
    } catch {
      guard let error = error as? APIError else { return ["?"] }
      return [error.code.rawValue] + error.details.map { "\($0.field): \($0.code)" }
    }
  }

  @Test("A value overrides, null goes back to the file, and what is absent stays")
  func decoded() throws {
    let command = try ProviderPatch.decode(
      Array(#"{"rate": 100000, "window_s": 0.5, "weight": null}"#.utf8), provider: "hkt")
    #expect(command.provider == "hkt")
    #expect(command.rate == .value(100_000))
    #expect(command.windowSeconds == .value(0.5))
    #expect(command.weight == .file)
    #expect(command.isPaused == .unchanged)
  }

  @Test(
    "Values out of range, wrong types and unknown fields are named",
    arguments: [
      (#"{"rate": 0}"#, "rate: out_of_range"), (#"{"rate": 100001}"#, "rate: out_of_range"),
      (#"{"rate": 1.5}"#, "rate: out_of_range"), (#"{"rate": "5"}"#, "rate: wrong_type"),
      (#"{"window_s": 0}"#, "window_s: out_of_range"), (#"{"weight": 0}"#, "weight: out_of_range"),
      (#"{"weight": 1000.5}"#, "weight: out_of_range"), (#"{"paused": "yes"}"#, "paused: wrong_type"),
      (#"{"pause": true}"#, "pause: unknown_field"), (#"{"rate": 1, "rate": 2}"#, "rate: duplicate"),
    ])
  func refused(_ text: String, _ problem: String) {
    #expect(problems(text) == ["INVALID_FIELD", problem])
  }

  @Test("Every mistake is told at once, and nothing to change is one")
  func several() {
    #expect(problems(#"{"rate": 0, "weight": -1}"#) == ["INVALID_FIELD", "rate: out_of_range", "weight: out_of_range"])
    #expect(problems("{}").first == "MISSING_FIELDS")
    #expect(problems("[]") == ["INVALID_JSON"])
  }
}
