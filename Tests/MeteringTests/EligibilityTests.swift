import Metering
import Testing

@Suite("Eligibility")
struct EligibilityTests {
  private let all: Set<String> = ["a", "b", "c"]

  @Test("Only allowed providers are candidates, and a pin is stronger")
  func allowed() {
    #expect(Eligibility(allowed: ["a", "b"]).candidates(open: all, working: all) == ["a", "b"])
    #expect(Eligibility(allowed: ["a", "b"]).candidates(open: ["c"], working: all) == [])
    #expect(Eligibility().candidates(open: all, working: all) == all)
    #expect(Eligibility(pinned: "c", allowed: ["a"]).candidates(open: all, working: all) == ["c"])
  }

  @Test("What failed it is skipped while another that is allowed works, and only then")
  func avoided() {
    let eligibility = Eligibility(allowed: ["a", "b"], avoided: ["a"])
    #expect(eligibility.candidates(open: all, working: all) == ["b"])
    #expect(eligibility.candidates(open: ["a", "c"], working: all) == [])
    // That c works is of no use to it.
    #expect(eligibility.candidates(open: ["a", "c"], working: ["a", "c"]) == ["a"])
  }

  @Test("The order of the names makes no difference")
  func order() {
    #expect(Eligibility(allowed: ["b", "a", "b"]) == Eligibility(allowed: ["a", "b"]))
    #expect(Eligibility(allowed: ["a"]) != Eligibility(allowed: nil))
  }
}
