import Contracts

/// The id of one HTTP request, in every log line, fact and command that it causes.
enum RequestID {
  /// The caller's own, when it is 1 to 128 of `[A-Za-z0-9._-]`, else a new one.
  static func chosen(from header: String?) -> String {
    guard let header, (1...128).contains(header.utf8.count), header.utf8.allSatisfy(isAllowed) else {
      return Identifier<RequestIDKind>.timeOrdered().description
    }
    return header
  }

  private enum RequestIDKind {}

  private static func isAllowed(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"):
      true
    default: false
    }
  }
}

/// W3C Trace Context, handed on when it is well-formed and dropped when it is not.
enum TraceParent {
  static func valid(_ header: String?) -> String? {
    guard let header, header.utf8.count == 55 else { return nil }
    for (index, byte) in header.utf8.enumerated() {
      let isDash = index == 2 || index == 35 || index == 52
      switch byte {
      case UInt8(ascii: "-"): guard isDash else { return nil }
      case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "f"):
        guard !isDash else { return nil }
      default: return nil
      }
    }
    return header
  }
}
