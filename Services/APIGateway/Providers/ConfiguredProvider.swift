import ServiceKit

/// A provider as the providers file has it, without secrets.
struct ConfiguredProvider: Sendable, Hashable {
  var name: String
  var adapter: String
  /// Without user info and query.
  var url: String
  /// SMS per window.
  var rate: Int
  var windowSeconds: Double
  var weight: Double
}

extension ConfiguredProvider {
  init(_ settings: ProviderSettings) {
    name = settings.name
    adapter = settings.adapter.rawValue
    url = settings.publicURL
    rate = settings.limit.count
    windowSeconds = settings.limit.window.inSeconds
    weight = settings.weight
  }
}
