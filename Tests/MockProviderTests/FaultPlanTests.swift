import Testing

@testable import MockProvider

@Suite struct FaultPlanTests {
  /// A mutating call cannot stand within `#expect`.
  private func check(_ condition: Bool, at location: SourceLocation = #_sourceLocation) {
    #expect(condition, sourceLocation: location)
  }

  @Test("The last digits of the number choose the fault, the first rule wins")
  func suffix() {
    var plan = FaultPlan([
      Fault(trigger: .suffix("99"), effect: .cut), Fault(trigger: .suffix("9"), effect: .status(500)),
    ])
    check(plan.effect(number: "85291234599", draw: 0) == .cut)
    check(plan.effect(number: "+85291234589", draw: 0) == .status(500))
    check(plan.effect(number: "85291234580", draw: 0) == nil)
  }

  @Test("Percentages lie side by side")
  func percent() {
    var plan = FaultPlan([
      Fault(trigger: .percent(10), effect: .timeout), Fault(trigger: .percent(5), effect: .garbage),
    ])
    check(plan.effect(number: "1", draw: 9.99) == .timeout)
    check(plan.effect(number: "1", draw: 10) == .garbage)
    check(plan.effect(number: "1", draw: 14.99) == .garbage)
    check(plan.effect(number: "1", draw: 15) == nil)
  }

  @Test("A rule with a count applies that many times")
  func times() {
    var plan = FaultPlan([Fault(trigger: .suffix("1"), effect: .status(503), times: 2)])
    let effects = (0..<4).map { _ in plan.effect(number: "1", draw: 0) }
    #expect(effects == [.status(503), .status(503), nil, nil])
  }

  @Test("Closing before the body is read needs no number")
  func beforeReading() {
    var plan = FaultPlan([Fault(trigger: .percent(50), effect: .closeBeforeRead)])
    check(plan.closesBeforeReading(draw: 49) == true)
    check(plan.closesBeforeReading(draw: 50) == false)
  }
}
