/// The virtual start tags of the SMS of some flows, in order: straight between the flows' beginnings and ends.
struct TagCurve: Sendable {
  private var tags: [Double] = []
  private var counts: [Double] = []

  /// SMS in all.
  private(set) var total = 0.0

  init(_ lines: [FlowLine]) {
    var bends: [(tag: Double, slope: Double)] = []
    for line in lines where line.backlog > 0 {
      let slope = 1 / Double(line.step)
      // An SMS counts as a whole at its tag: in the mean that is half a step before a straight line.
      bends.append((Double(line.tag) - Double(line.step) / 2, slope))
      bends.append((Double(line.tag) + Double(line.step) * (Double(line.backlog) - 0.5), -slope))
    }
    bends.sort { $0.tag < $1.tag }
    var slope = 0.0
    for bend in bends {
      if let last = tags.last { total += slope * (bend.tag - last) }
      tags.append(bend.tag)
      counts.append(total)
      slope += bend.slope
    }
  }

  /// The tag at which the first SMS of some flows begins.
  static func start(_ lines: some Sequence<FlowLine>) -> Double {
    lines.lazy.filter { $0.backlog > 0 }.map { Double($0.tag) - Double($0.step) / 2 }.min() ?? 0
  }

  /// The tag of the SMS that has so many before it.
  func tag(after count: Double) -> Double { Self.interpolate(count, counts, tags) }

  /// The value at `x` on the line through points in rising order; at its ends beyond them.
  static func interpolate(_ x: Double, _ xs: [Double], _ ys: [Double]) -> Double {
    guard let first = ys.first, let last = ys.last else { return 0 }
    var lower = 0
    var upper = xs.count
    while lower < upper {
      let middle = (lower + upper) / 2
      if xs[middle] <= x { lower = middle + 1 } else { upper = middle }
    }
    if lower == 0 { return first }
    if lower == xs.count { return last }
    let width = xs[lower] - xs[lower - 1]
    return ys[lower - 1] + (ys[lower] - ys[lower - 1]) * (x - xs[lower - 1]) / width
  }
}
