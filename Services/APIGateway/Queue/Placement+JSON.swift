extension Placement {
  /// Writes `estimate`: between which times the last SMS goes out, and when what this rests on was so.
  func writeSpan(_ json: inout JSONWriter) {
    guard let complete else { return json.null("estimate") }
    json.object("estimate") { json in
      json.member("low", complete.low)
      json.member("high", complete.high)
      json.member("as_of", asOf)
    }
  }
}
