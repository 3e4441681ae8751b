import Contracts

/// The flows of one class that have a backlog, side by side for quick passes over all of them.
struct ClassLines: Sendable {
  private(set) var keys: [FlowKey] = []
  /// In the order of `keys`.
  private(set) var lines: [FlowLine] = []
  /// As the scheduler told them, in the order of `keys`; `nil` for a flow that it has not told of yet.
  private(set) var heads: [FlowHead?] = []
  /// SMS waiting, by set of providers.
  private(set) var backlogs: [Int: Int] = [:]
  private var places: [FlowKey: Int] = [:]
  private var keysOfUser: [UserID: Set<FlowKey>] = [:]

  func line(of key: FlowKey) -> FlowLine? { places[key].map { lines[$0] } }

  func head(of key: FlowKey) -> FlowHead? { places[key].flatMap { heads[$0] } }

  func keys(of user: UserID) -> Set<FlowKey> { keysOfUser[user] ?? [] }

  /// Puts a flow in, or replaces it; without a backlog it goes.
  mutating func set(_ key: FlowKey, _ line: FlowLine, head: FlowHead?) {
    guard line.backlog > 0 else { return remove(key) }
    backlogs[line.set, default: 0] += line.backlog
    guard let place = places[key] else {
      places[key] = keys.count
      keysOfUser[key.userID, default: []].insert(key)
      keys.append(key)
      lines.append(line)
      heads.append(head)
      return
    }
    backlogs[lines[place].set, default: 0] -= lines[place].backlog
    lines[place] = line
    heads[place] = head
  }

  mutating func remove(_ key: FlowKey) {
    guard let place = places.removeValue(forKey: key) else { return }
    keysOfUser[key.userID]?.remove(key)
    if keysOfUser[key.userID]?.isEmpty == true { keysOfUser[key.userID] = nil }
    backlogs[lines[place].set, default: 0] -= lines[place].backlog
    let last = keys.count - 1
    if place < last {
      keys[place] = keys[last]
      lines[place] = lines[last]
      heads[place] = heads[last]
      places[keys[place]] = place
    }
    keys.removeLast()
    lines.removeLast()
    heads.removeLast()
  }

  mutating func removeAll() { self = ClassLines() }
}
