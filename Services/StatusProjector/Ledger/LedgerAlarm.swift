/// Decides when somebody must be told that something does not add up, and when it does again.
struct LedgerAlarm: Sendable {
  enum News: Sendable, Equatable {
    case raised(LedgerReport.Finding)
    case cleared(String)
  }

  private var suspected: Set<String> = []
  private var raised: Set<String> = []

  /// Takes a new report. An error is told once, when it is seen the second time: one that a fact just on its way clears is
  /// none.
  mutating func take(_ report: LedgerReport) -> [News] {
    let errors = report.findings.filter(\.isError)
    let names = Set(errors.map(\.name))
    var news = errors.filter { suspected.contains($0.name) && !raised.contains($0.name) }.map(News.raised)
    news += raised.subtracting(names).sorted().map(News.cleared)
    raised.subtract(raised.subtracting(names))
    raised.formUnion(names.intersection(suspected))
    suspected = names
    return news
  }

  /// What is wrong now.
  var errors: Int { raised.count }
}
