/// How many SMS of other flows go before each of several SMS of one flow, summed up flow by flow. Pure.
///
/// Most flows take steps as long as this one's. How many of theirs go before its SMS is then a straight line over the
/// places in the flow, cut off below and above, so that a flow costs the same however many SMS are asked about.
struct TurnSums {
  private let tag: Int64
  private let step: Int64
  /// Places in the own flow, rising.
  private let places: [Int]
  private let tags: [Int64]
  /// What changes from each place on: the slope of the sum over the places, and the rest of it.
  private var slopes: [Int]
  private var offsets: [Int]
  /// What belongs to one place alone.
  private var extras: [Int]

  /// - Parameter places: SMS of the own flow that go before each of those that are asked about; rising.
  init(_ own: FlowLine, places: [Int]) {
    tag = own.tag
    step = own.step
    self.places = places
    tags = places.map { own.tag + Int64($0) * own.step }
    slopes = [Int](repeating: 0, count: places.count + 1)
    offsets = slopes
    extras = slopes
  }

  mutating func add(_ line: FlowLine, winningTies: Bool) {
    if places.count == 1 {
      extras[0] += line.turns(until: tags[0], winningTies: winningTies)
    } else if line.step == step {
      addParallel(line, winningTies: winningTies)
    } else {
      addAny(line, winningTies: winningTies)
    }
  }

  /// The ranks in the order of the places: the SMS of the own flow and of the others that go before.
  var ranks: [Int] {
    var slope = 1
    var offset = 0
    return places.indices.map { index in
      slope += slopes[index]
      offset += offsets[index]
      return slope * places[index] + offset + extras[index]
    }
  }

  private mutating func addParallel(_ line: FlowLine, winningTies: Bool) {
    let lead = tag - line.tag - (winningTies ? 0 : 1)
    // Rounded down, also below zero.
    let turns =
      Int(lead >= 0 ? FlowLine.quotient(lead, step) : -FlowLine.quotient(step - 1 - lead, step)) + 1
    let begin = index { places[$0] + turns > 0 }
    let end = index(from: begin) { places[$0] + turns >= line.backlog }
    slopes[begin] += 1
    slopes[end] -= 1
    offsets[begin] += turns
    offsets[end] += line.backlog - turns
  }

  private mutating func addAny(_ line: FlowLine, winningTies: Bool) {
    let begin = index { tags[$0] - line.tag - (winningTies ? 0 : 1) >= 0 }
    for index in begin..<places.count {
      let turns = line.turns(until: tags[index], winningTies: winningTies)
      guard turns < line.backlog else {
        offsets[index] += line.backlog
        return
      }
      extras[index] += turns
    }
  }

  /// The first place of which this is true; it is of all behind it.
  private func index(from start: Int = 0, _ isTrue: (Int) -> Bool) -> Int {
    var lower = start
    var upper = places.count
    while lower < upper {
      let middle = (lower + upper) / 2
      if isTrue(middle) { upper = middle } else { lower = middle + 1 }
    }
    return lower
  }
}
