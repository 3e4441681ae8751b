/// How the SMS that were sent are spread over the providers.
struct DistributionShares {
  private let providers: [ProviderStanding]
  private let total: Int64

  init(_ providers: [ProviderStanding]) {
    self.providers = providers
    total = providers.reduce(0) { $0 + ($1.pace?.sent ?? 0) }
  }

  func write(_ json: inout JSONWriter) {
    json.member("total", Int(total))
    json.object("providers") { json in
      for provider in providers {
        let count = provider.pace?.sent ?? 0
        json.object(named: provider.name) { json in
          json.member("count", Int(count))
          json.member("share", total == 0 ? 0 : Double(count) / Double(total))
          json.member("weight", number: provider.weight)
        }
      }
    }
  }
}
