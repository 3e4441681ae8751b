import Contracts

@testable import StatusProjector

extension FoldedBatch {
  /// The state of every unit, with what was cut off.
  var states: [UnitID: UnitState] {
    var states = units.mapValues(\.state.state)
    for (state, messages) in cuts {
      let version = UnitVersion.of(dispatch: 0, state: state)
      for (id, cut) in messages {
        for index in cut.fromIndex..<cut.total {
          let unit = UnitID(messageID: id, index: index)
          if units[unit]?.state.version ?? -1 < version { states[unit] = state }
        }
      }
    }
    return states
  }
}
