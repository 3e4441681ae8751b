import Hummingbird
import NIOConcurrencyHelpers

/// Room for long forms of people who are not logged in, from the first byte read to the last one answered.
///
/// Anybody may send one, and its answer holds all of it: without a bound, callers who do not read would fill the memory.
final class FormSlots: Sendable {
  /// The place of one form, given back when nobody holds it any more.
  final class Slot: Sendable {
    private let slots: FormSlots
    private let address: String

    fileprivate init(_ slots: FormSlots, _ address: String) {
      self.slots = slots
      self.address = address
    }

    deinit { slots.giveBack(address) }

    /// The same answer, which holds the place until it is written or given up.
    func holding(_ response: Response) -> Response {
      var response = response
      let body = response.body
      response.body = ResponseBody(contentLength: body.contentLength) { writer in
        try await body.write(writer)
        _ = self
      }
      return response
    }
  }

  private let limit: Int
  private let limitOfAddress: Int
  private let taken = NIOLockedValueBox<[String: Int]>([:])

  init(limit: Int, limitOfAddress: Int) {
    self.limit = limit
    self.limitOfAddress = limitOfAddress
  }

  /// - Parameter address: Who sends the form; all whose address is not known share their places.
  /// - Returns: `nil` when there is no room.
  func take(for address: String?) -> Slot? {
    let address = address ?? ""
    let isFree = taken.withLockedValue { taken in
      guard taken.values.reduce(0, +) < limit, taken[address, default: 0] < limitOfAddress else { return false }
      taken[address, default: 0] += 1
      return true
    }
    return isFree ? Slot(self, address) : nil
  }

  private func giveBack(_ address: String) {
    taken.withLockedValue { taken in
      let left = (taken[address] ?? 1) - 1
      taken[address] = left > 0 ? left : nil
    }
  }
}
