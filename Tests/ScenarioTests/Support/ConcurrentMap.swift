extension Collection where Self: Sendable, Element: Sendable {
  /// The results in order, one after another.
  func asyncMap<Result>(_ body: (Element) async throws -> Result) async throws -> [Result] {
    var results: [Result] = []
    for element in self { results.append(try await body(element)) }
    return results
  }

  /// The results in any order, so many at a time.
  func concurrentMap<Result: Sendable>(
    width: Int, _ body: @escaping @Sendable (Element) async throws -> Result
  ) async throws -> [Result] {
    try await withThrowingTaskGroup(of: Result.self) { group in
      var results: [Result] = []
      for (count, element) in enumerated() {
        if count >= width, let result = try await group.next() { results.append(result) }
        group.addTask { try await body(element) }
      }
      for try await result in group { results.append(result) }
      return results
    }
  }
}
