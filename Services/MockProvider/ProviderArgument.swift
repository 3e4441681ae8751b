import ArgumentParser

/// A provider as given on the command line: `NAME[:RATE[:WINDOW_S]]`.
struct ProviderArgument: ExpressibleByArgument, Sendable, Equatable {
  let name: String
  let rate: Int
  let windowS: Double

  /// Without a rate it is 2 for `hkt` and 50 for others.
  init?(argument: String) {
    let parts = argument.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
    guard (1...3).contains(parts.count), let name = parts.first, !name.isEmpty,
      name.utf8.allSatisfy({ byte in
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
          || byte == UInt8(ascii: "-")
      })
    else { return nil }
    self.name = name
    guard let rate = parts.count > 1 ? Int(parts[1]) : (name == "hkt" ? 2 : 50), rate >= 0 else { return nil }
    guard let windowS = parts.count > 2 ? Double(parts[2]) : 1, (0.001...86_400).contains(windowS) else { return nil }
    self.rate = rate
    self.windowS = windowS
  }

  init(name: String, rate: Int, windowS: Double = 1) {
    self.name = name
    self.rate = rate
    self.windowS = windowS
  }
}
