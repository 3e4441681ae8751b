import DequeModule

/// When the gate will let the next SMS through, as far as the scheduler can tell: the slots that its own commands have
/// taken, or will take in the order of their issue.
///
/// The gate decides; this only keeps commands from being issued long before their turn. Times are seconds of one clock.
public struct GateForecast<ID: Hashable & Sendable>: Sendable {
  private struct Slot: Sendable {
    var id: ID
    var cost: Int
    /// When it stops holding its slot, less one window.
    var anchor: Double
  }

  /// Slots per window.
  public private(set) var count: Int
  /// Seconds, with the millisecond that the gate adds.
  public private(set) var window: Double
  private var slots: Deque<Slot> = []
  /// The place of each open command's slot, counted from the first slot ever.
  private var places: [ID: Int] = [:]
  private var dropped = 0
  private var used = 0

  public init(count: Int, window: Double) {
    self.count = count
    self.window = window + 0.001
  }

  /// When an SMS that takes so many slots can be let through, if it is issued now.
  public func opening(_ cost: Int, now: Double) -> Double {
    var left = used
    var time = now
    for slot in slots {
      guard left + min(cost, count) > count else { break }
      left -= slot.cost
      time = max(time, slot.anchor + window)
    }
    return time
  }

  /// A command has been issued.
  /// - Parameter hold: Seconds that a slot is held beyond the window: what the pacing waits of the usual latency.
  public mutating func issue(_ id: ID, cost: Int, hold: Double, now: Double) {
    trim(now: now)
    let anchor = opening(cost, now: now) + hold
    places[id] = dropped + slots.count
    slots.append(Slot(id: id, cost: cost, anchor: anchor))
    used += cost
  }

  /// A command has been reported.
  /// - Parameter anchor: When its slot's window began; `nil` when it took none.
  public mutating func settle(_ id: ID, anchor: Double?) {
    guard let place = places.removeValue(forKey: id), place >= dropped else { return }
    let index = place - dropped
    if let anchor {
      slots[index].anchor = anchor
    } else {
      used -= slots[index].cost
      slots[index].cost = 0
    }
  }

  /// Takes another limit; what is known stays.
  public mutating func set(count: Int, window: Double) {
    self.count = count
    self.window = window + 0.001
  }

  private mutating func trim(now: Double) {
    while let first = slots.first, first.cost == 0 || first.anchor + window <= now {
      slots.removeFirst()
      places[first.id] = nil
      dropped += 1
      used -= first.cost
    }
  }
}
