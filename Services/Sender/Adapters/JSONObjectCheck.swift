import Foundation

/// Whether a body is one JSON object.
enum JSONObjectCheck {
  static func isObject(_ body: [UInt8]) -> Bool {
    // A body that cannot be parsed is exactly what is asked about.
    (try? JSONSerialization.jsonObject(with: Data(body))) is [String: Any]
  }
}
