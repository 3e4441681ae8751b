import Contracts
import DequeModule
import Metering

/// What waits in each flow, as far as it is in memory: a page of messages, and the units that came back.
///
/// The order between flows is the fair queue's; this holds the order within one. Pure.
struct Backlog: Sendable {
  /// Messages of one flow that are held in memory; the rest is read as needed.
  static let pageSize = 64

  struct Flow: Sendable {
    var id: Int64
    var front: Deque<ReturnedUnit> = []
    var page: Deque<MessageSpan> = []
    /// Units of messages that lie only in the store, all behind the page.
    var unloaded = 0
    /// The first number of the last message that was ever on the page.
    var lastLoaded: Int64 = -1
  }

  private var flows: [FlowKey: Flow] = [:]

  /// Adds a message at the end of its flow; it stays in the store if the page is full.
  mutating func append(_ span: MessageSpan, to key: FlowKey, id: Int64) {
    var flow = flows.removeValue(forKey: key) ?? Flow(id: id)
    if flow.unloaded == 0, flow.page.count < Self.pageSize {
      flow.page.append(span)
      flow.lastLoaded = span.firstNumber
    } else {
      flow.unloaded += span.total - span.cursor
    }
    flows[key] = flow
  }

  /// Notes units that lie in the store when a leader starts; pages are read when their turn comes.
  mutating func note(unloaded count: Int, in key: FlowKey, id: Int64) {
    flows[key, default: Flow(id: id)].unloaded += count
  }

  /// Puts a unit that came back to the front of its flow.
  mutating func putBack(_ unit: ReturnedUnit, in key: FlowKey, id: Int64) {
    flows[key, default: Flow(id: id)].front.prepend(unit)
  }

  /// Where to read the next page of a flow, if its next unit is not in memory.
  func missingPage(of key: FlowKey) -> (flowID: Int64, after: Int64)? {
    guard let flow = flows[key], flow.front.isEmpty, flow.page.isEmpty, flow.unloaded > 0 else { return nil }
    return (flow.id, flow.lastLoaded)
  }

  /// Takes in a page that was read.
  /// - Returns: False when there is less in the store than was counted: memory and store are out of step.
  mutating func fill(_ key: FlowKey, with spans: [MessageSpan]) -> Bool {
    guard var flow = flows.removeValue(forKey: key) else { return false }
    defer { flows[key] = flow }
    for span in spans {
      flow.page.append(span)
      flow.unloaded -= span.total - span.cursor
      flow.lastLoaded = span.firstNumber
    }
    return !spans.isEmpty && flow.unloaded >= 0
  }

  /// What the next unit of a flow takes of a provider's limit in segments; `nil` when it is not in memory.
  func nextSegments(of key: FlowKey) -> Int? {
    guard let flow = flows[key] else { return nil }
    return flow.front.first?.segments ?? flow.page.first?.segments
  }

  /// Takes the next unit of a flow.
  mutating func take(from key: FlowKey) -> DispatchPick.Source? {
    guard var flow = flows.removeValue(forKey: key) else { return nil }
    defer { flows[key] = flow }
    if let returned = flow.front.popFirst() { return .returned(returned) }
    guard var span = flow.page.popFirst() else { return nil }
    let unit = UnitID(messageID: span.messageID, index: span.cursor)
    span.cursor += 1
    if span.cursor < span.total { flow.page.prepend(span) }
    return .fresh(unit)
  }

  /// A flow's number in the store.
  func id(of key: FlowKey) -> Int64? { flows[key]?.id }
}
