import Contracts

extension PanelVisit {
  /// Asks for what a search finds, and says all that is wrong with it at once: the API stops at the first.
  ///
  /// A page makes times of the days that people write. What is still no time here is no day either.
  /// - Parameter ask: Given the fields that may be right.
  /// - Throws: `APIError` with the fields as the form names them.
  func searching(
    _ fields: [(name: String, value: String)],
    _ ask: ([(name: String, value: String)]) async throws -> JSONValue
  ) async throws -> JSONValue {
    let days = ["from": "from", "start_date": "from", "to": "to", "end_date": "to"]
    let wrong = fields.filter { days[$0.name] != nil && Timestamp($0.value) == nil }
    var problems = wrong.map {
      APIError.Detail(days[$0.name] ?? $0.name, "not_a_time", "Must be a day, or a day and a time")
    }
    do {
      let answer = try await ask(fields.filter { field in !wrong.contains { $0.name == field.name } })
      if problems.isEmpty { return answer }
    } catch let error as APIError where error.code == .invalidField {
      problems += error.details.map { detail in
        var detail = detail
        detail.field = days[detail.field] ?? detail.field
        return detail
      }
    }
    throw APIError(.invalidField, "Fields are not valid", details: problems)
  }
}
