import Foundation
import Testing

@testable import Sender

@Suite("Request bodies")
struct RequestBodiesTests {
  private let texts = ["Hello", "a+b&c=d %", "你好，世界 😀", "\"quoted\" \\ back", "line\nnext\ttab\u{01}", "€{}[]~^|"]

  @Test("a form field comes back as it was")
  func form() throws {
    for text in texts {
      let body = String(decoding: FormEncoding.encode([("mrt", "85291234567"), ("msg_utf8", text)]), as: UTF8.self)
      #expect(body.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F }, "only printable ASCII: \(body)")
      let fields = body.split(separator: "&", omittingEmptySubsequences: false).map { field in
        field.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
          .map { $0.replacing("+", with: " ").removingPercentEncoding }
      }
      #expect(fields == [["mrt", "85291234567"], ["msg_utf8", text]])
    }
  }

  @Test("a JSON body is read by any JSON parser as it was")
  func json() throws {
    for text in texts {
      let body = Data(JSONBody.encode(phone: "85291234567", text: text))
      let object = try #require(try JSONSerialization.jsonObject(with: body) as? [String: String])
      #expect(object == ["phone": "85291234567", "text": text])
    }
  }
}
