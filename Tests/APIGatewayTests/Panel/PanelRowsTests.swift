import Foundation
import Testing

@testable import APIGateway

@Suite("Rows that tell templates their values by name")
struct PanelRowsTests {
  private let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent().appending(path: "Services/APIGateway/Panel")

  private func source(_ file: String) throws -> String {
    try String(contentsOf: folder.appending(path: "\(file).swift"), encoding: .utf8)
  }

  @Test(
    "Every value of a row has its name: without it a template would show another's",
    arguments: [
      ("PanelMessage", "PanelMessage", 15), ("PanelMessage", "PanelState", 2), ("PanelClock", "PanelTime", 4),
      ("MessageListPage", "Line", 3),
    ])
  func names(file: String, type: String, count: Int) throws {
    let declared = try #require(
      try source(file).split(separator: "struct \(type): Sendable {", maxSplits: 1).last?
        .split(separator: /\n *init\(|\n}\n|\n  }\n\n  \/\/\//, maxSplits: 1).first
    ).matches(of: /\n *var ([A-Za-z]+):/).map { String($0.1) }
    let named = try #require(
      try source("PanelRows").split(separator: /extension (?:[A-Za-z]+\.)?/).first { $0.hasPrefix("\(type): ") }
    ).matches(of: /case "([A-Za-z]+)": ([A-Za-z]+)\n/)
    #expect(declared.count == count)
    #expect(named.map { String($0.1) } == declared && named.map { String($0.2) } == declared)
  }

  @Test("A value that is not there is none, and not something that a template takes for a value")
  func missing() {
    let time = PanelTime(iso: "i", text: "t", clock: "c", short: "s")
    #expect(time.child(named: "clock") as? String == "c")
    #expect(time.child(named: "zone") == nil)
    let line = PanelState(label: "Sent", kind: .good)
    #expect(line.child(named: "kind") as? String == "good" && line.child(named: "username") == nil)
  }
}
