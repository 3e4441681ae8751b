import Foundation
import HTTPTransport
import TestSupport
import Testing

@Suite("Descriptors")
struct DescriptorTests {
  @Test("Room is there when there is room, and measuring it keeps nothing open")
  func room() throws {
    func open() throws -> Int { try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count }
    let before = try open()
    for _ in 0..<50 { #expect(DescriptorRoom.isThere(for: 20)) }
    // Other tests run in this process: what each measuring left open would be a thousand.
    #expect(try open() < before + 500)
  }
}
