import Contracts

/// Virtual time in ticks of 2⁻²⁴ SMS per unit of weight: whole numbers, so that sums are exact wherever they are formed.
public enum VirtualTime {
  /// Ticks that one SMS takes at weight 1.
  public static let unit: Int64 = 1 << 24

  /// Ticks that one SMS takes at this weight: 0.001 to 100,000.
  public static func step(weight: Double) -> Int64 {
    max(1, Int64((Double(unit) / min(max(weight, 0.001), 100_000)).rounded()))
  }
}

extension MessageClass {
  /// Ticks that one SMS of the class takes between the classes.
  var step: Int64 { VirtualTime.step(weight: weight) }
}
