import ServiceKit

/// A provider's whole answer as the reply table and the adapters look at it; parsed when something asks for that.
final class ReplyDocument {
  /// How much of a text is stored.
  private static let storedBytes = 2048
  /// How much of a reason is stored.
  private static let reasonBytes = 500

  let status: Int
  /// All that was read, decoded.
  let text: String
  private(set) lazy var xml = XMLReply(text)
  private(set) lazy var json = JSONReply(text)

  init(status: Int, headers: [(String, String)], body: [UInt8], isComplete: Bool) {
    self.status = status
    text = ReplyText.decode(
      body, contentType: headers.last { $0.0 == "content-type" }?.1, isComplete: isComplete)
  }

  /// What is kept of the text.
  var stored: String { ReplyText.beginning(of: text, bytes: Self.storedBytes) }

  func texts(at place: ReplyPlace) -> [String] {
    switch place {
    case .xml(let path): xml?.texts(at: path) ?? []
    case .json(let path): json?.texts(at: path) ?? []
    }
  }

  /// A reason as it is stored; `nil` for an empty one.
  static func reason(_ text: String?) -> String? {
    guard let text = text?.trimmedOfSpace, !text.isEmpty else { return nil }
    return ReplyText.beginning(of: text, bytes: reasonBytes)
  }
}
