import Contracts

/// The queue run forward from its heads, for SMS that share some of their providers with others and not all.
///
/// It serves as the fair queue does: each provider, when it is free, takes from the class with the smallest tag, and
/// within it from the flows with the smallest, among those that it may carry. To reach the end of any queue in some
/// thousand steps, a step takes what goes in 0.3 % of the time that has passed, and flows of one class and pin are one
/// curve.
struct QueueForecast: Sendable {
  /// Flows of one class that are pinned to the same provider, or to none.
  private struct Group: Sendable {
    var messageClass: MessageClass
    var pin: Int
    var curve: TagCurve
    var served = 0.0
    /// When the SMS went that had so many of the group before it: the beginnings and ends of stretches.
    var counts: [Double] = []
    var seconds: [Double] = []

    var left: Double { curve.total - served }

    mutating func serve(_ count: Double, from begin: Double, to end: Double) {
      for (count, time) in [(served, begin), (served + count, end)] {
        counts.append(count)
        seconds.append(max(time, seconds.last ?? 0))
      }
      served += count
    }
  }

  private static let share = 0.003

  private var groups: [Group] = []

  init(_ snapshot: QueueSnapshot) {
    for messageClass in MessageClass.allCases {
      for (pin, lines) in Dictionary(grouping: snapshot.classLines[messageClass.place].lines, by: \.pin) {
        groups.append(Group(messageClass: messageClass, pin: pin, curve: TagCurve(lines)))
      }
    }
    groups.sort { ($0.messageClass.place, $0.pin) < ($1.messageClass.place, $1.pin) }
    let pace = snapshot.pace(for: nil)
    var tags = MessageClass.allCases.map { Double(snapshot.classLine(of: $0, backlog: 0).tag) }
    run(pace, &tags)
  }

  /// Seconds until the SMS goes that has so many of the same class and pin before it; `nil` when there are none, or when
  /// they stand still.
  ///
  /// - Parameter rate: SMS a second at which the providers take what has come since, behind all that was known.
  func seconds(until rank: Int, of messageClass: MessageClass, pin: Int, rate: Double) -> Double? {
    guard let group = groups.first(where: { $0.messageClass == messageClass && $0.pin == pin }),
      let end = group.counts.last
    else { return nil }
    let known = TagCurve.interpolate(Double(rank), group.counts, group.seconds)
    return Double(rank) > end && rate > 0 ? known + (Double(rank) - end) / rate : known
  }

  private mutating func run(_ pace: QueuePace, _ tags: inout [Double]) {
    // A global rate slows all alike.
    let sum = pace.providers.reduce(0) { $0 + $1.rate }
    let slowdown = pace.globalRate.map { max(1, sum / $0) } ?? 1
    var providers = pace.providers.map { (pin: $0.pin, rate: $0.rate / slowdown, free: $0.start) }
    while let index = providers.indices.min(by: { providers[$0].free < providers[$1].free }) {
      let (pin, rate, begin) = providers[index]
      guard let next = next(for: pin, tags) else {
        // Nobody left who may use it.
        providers.remove(at: index)
        continue
      }
      let count = min(max(1, begin * Self.share * rate), groups[next].left)
      providers[index].free = begin + count / rate
      tags[groups[next].messageClass.place] += count * Double(groups[next].messageClass.step)
      groups[next].serve(count, from: begin, to: begin + count / rate)
    }
  }

  /// The group whose SMS a free provider takes next.
  private func next(for pin: Int, _ tags: [Double]) -> Int? {
    var best: (classTag: Double, place: Int, tag: Double, group: Int)?
    for (index, group) in groups.enumerated()
    where group.left > 1e-6 && (group.pin == pin || group.pin == ProviderPins.none) {
      let place = group.messageClass.place
      let candidate = (tags[place], place, group.curve.tag(after: group.served), index)
      if best.map({ candidate < $0 }) ?? true { best = candidate }
    }
    return best?.group
  }
}
