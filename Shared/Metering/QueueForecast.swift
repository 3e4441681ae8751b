import Contracts

/// The queue run forward from its heads, for SMS that share some of their providers with others and not all.
///
/// It serves as the fair queue does: each provider, when it is free, takes from the class with the smallest tag there, and
/// within it from the flows with the smallest, among those that it may carry. To reach the end of any queue in some
/// thousand steps, a step takes what goes in 0.3 % of the time that has passed, and flows of one class that the same
/// working providers may carry are one curve: they go in one order wherever they go, and at each provider the group's tag
/// moves with what that provider takes of it.
struct QueueForecast: Sendable {
  /// Flows of one class that the same working providers may carry.
  private struct Group: Sendable {
    var messageClass: MessageClass
    /// Numbers of the providers, the fastest first.
    var going: [Int]
    /// The tags at the fastest.
    var curve: TagCurve
    /// The tag of its next SMS at each of its providers.
    var tags: [Double]
    var served = 0.0
    /// When the SMS went that had so many of the group before it: the beginnings and ends of stretches.
    var counts: [Double] = []
    var seconds: [Double] = []

    var left: Double { curve.total - served }

    func tag(at provider: Int) -> Double? { going.firstIndex(of: provider).map { tags[$0] } }

    mutating func serve(_ count: Double, at provider: Int, from begin: Double, to end: Double) {
      for (count, time) in [(served, begin), (served + count, end)] {
        counts.append(count)
        seconds.append(max(time, seconds.last ?? 0))
      }
      guard let place = going.firstIndex(of: provider) else { return }
      tags[place] += curve.tag(after: served + count) - curve.tag(after: served)
      served += count
    }
  }

  /// What a provider takes, all in all.
  private struct Taken: Sendable {
    var counts: [Double] = [0]
    var seconds: [Double] = [0]

    mutating func take(_ count: Double, from begin: Double, to end: Double) {
      let before = counts.last ?? 0
      counts += [before, before + count]
      seconds += [begin, end]
    }
  }

  private static let share = 0.003

  private var groups: [Group] = []
  private var taken: [Int: Taken] = [:]

  init(_ snapshot: QueueSnapshot) {
    for messageClass in MessageClass.allCases {
      let lines = snapshot.classLines[messageClass.place].lines
      for (going, lines) in Dictionary(grouping: lines, by: { snapshot.ways.going[$0.set] }) where !going.isEmpty {
        groups.append(
          Group(
            messageClass: messageClass, going: going, curve: TagCurve(lines.map { $0.line(at: going[0]) }),
            tags: going.map { provider in TagCurve.start(lines.lazy.map { $0.line(at: provider) }) }))
      }
    }
    groups.sort { ($0.messageClass.place, $0.going.count) < ($1.messageClass.place, $1.going.count) }
    run(snapshot.pace(for: nil), snapshot)
  }

  /// When the SMS goes that has so many of the same class and working providers before it, and how many SMS these
  /// providers take before; `nil` when nobody of them waits.
  ///
  /// - Parameter rate: SMS a second at which the providers take what has come since, behind all that was known.
  func place(
    rank: Int, of messageClass: MessageClass, going: [Int], rate: Double
  ) -> (position: Int, seconds: Double)? {
    guard let group = groups.first(where: { $0.messageClass == messageClass && $0.going == going }),
      let end = group.counts.last
    else { return nil }
    let seconds = TagCurve.interpolate(Double(rank), group.counts, group.seconds)
    let before = going.reduce(0.0) { sum, provider in
      taken[provider].map { sum + TagCurve.interpolate(seconds, $0.seconds, $0.counts) } ?? sum
    }
    let since = max(0, Double(rank) - end)
    return (Int(before + since + 1e-6), rate > 0 ? seconds + since / rate : seconds)
  }

  private mutating func run(_ pace: QueuePace, _ snapshot: QueueSnapshot) {
    // A global rate slows all alike.
    let sum = pace.providers.reduce(0) { $0 + $1.rate }
    let slowdown = pace.globalRate.map { max(1, sum / $0) } ?? 1
    var providers = pace.providers.map { provider in
      (
        number: provider.number, rate: provider.rate / slowdown, free: provider.start,
        tags: MessageClass.allCases.map { Double(snapshot.classLine(of: $0, at: provider.number, backlog: 0).tag) }
      )
    }
    while let index = providers.indices.min(by: { providers[$0].free < providers[$1].free }) {
      let (number, rate, begin, tags) = providers[index]
      guard let next = next(at: number, tags) else {
        // Nobody left who may use it.
        providers.remove(at: index)
        continue
      }
      let count = min(max(1, begin * Self.share * rate), groups[next].left)
      let end = begin + count / rate
      providers[index].free = end
      providers[index].tags[groups[next].messageClass.place] += count * Double(groups[next].messageClass.step)
      groups[next].serve(count, at: number, from: begin, to: end)
      taken[number, default: Taken()].take(count, from: begin, to: end)
    }
  }

  /// The group whose SMS a free provider takes next.
  private func next(at provider: Int, _ tags: [Double]) -> Int? {
    var best: (classTag: Double, place: Int, tag: Double, group: Int)?
    for (index, group) in groups.enumerated() where group.left > 1e-6 {
      guard let tag = group.tag(at: provider) else { continue }
      let place = group.messageClass.place
      let candidate = (tags[place], place, tag, index)
      if best.map({ candidate < $0 }) ?? true { best = candidate }
    }
    return best?.group
  }
}
