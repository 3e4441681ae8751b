import Foundation
import StackTrait
import TestSupport
import Testing

/// The panel in Chromium. What happens in the browser is told by the scripts in `Stories`, one for each test.
@Suite("The panel in a browser", .serialized, .stack(.hkt(rate: 5)))
struct PanelStories {
  @Test("What is wrong is marked by line, the estimate comes first, and the bar moves to its end without a reload")
  func compose() async throws { try await tell("compose") }

  @Test("Cancelled half-way, what is shown adds up, and no more arrives than it says")
  func cancel() async throws { try await tell("cancel") }

  @Test("Whoever an admin disables is thrown out of the page they look at within 5 s")
  func people() async throws { try await tell("people") }

  @Test("A dead letter is sent again once, by a double click and a stale page")
  func letter() async throws { try await tell("letter") }

  @Test("A script in a text, a name, a reference or a number is shown as text on every page")
  func scriptsAsText() async throws { try await tell("scripts_as_text") }

  @Test("Every page can be read, used by keyboard and heard, narrow and wide, light and dark, in both languages")
  func everyPage() async throws { try await tell("every_page") }

  @Test("Without JavaScript people check, send and look it up")
  func withoutJavaScript() async throws { try await tell("without_javascript") }

  @Test("What somebody wrote when their login ended is there again after the next, and goes out by their click")
  func lostForm() async throws { try await tell("lost_form") }

  @Test("The page for programmers loads nothing that its policy forbids, and can be read everywhere")
  func docs() async throws { try await tell("docs") }

  @Test("A broker message that nobody could read is mended on its page and works in its queue")
  func poison() async throws { try await tell("poison") }

  @Test("While sending is stopped every page says so, and it goes on from the page that stopped it")
  func stopped() async throws { try await tell("stopped") }

  private func tell(_ story: String) async throws {
    let stack = try SharedStack.current
    var environment = ProcessInfo.processInfo.environment
    let python = try #require(
      environment["SLUICE_BROWSER_PYTHON"], "deploy/local/test installs Playwright and names the Python that has it")
    environment["SLUICE_URL"] = stack.url
    environment["SLUICE_TOKEN"] = stack.token
    environment["SLUICE_ADMIN_USER"] = stack.adminUser
    environment["SLUICE_ADMIN_PASSWORD"] = stack.adminPassword
    environment["SLUICE_MOCK_URL"] = stack.mockURL
    environment["SLUICE_MANAGEMENT_URL"] = stack.managementURL
    environment["PYTHONUNBUFFERED"] = "1"
    let script = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Stories/\(story).py")
    let (code, output) = try await Command(path: python, arguments: ["-B", script.path], environment: environment)
      .run(within: .seconds(150))
    #expect(code == 0, "\(output.suffix(12_000))")
  }
}
