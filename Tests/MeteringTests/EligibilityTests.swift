import Metering
import Testing

@Suite("Eligibility")
struct EligibilityTests {
  private let all: Set<String> = ["a", "b", "c"]

  private func permitted(_ eligibility: Eligibility, working: Set<String>) -> Set<String> {
    all.filter { eligibility.permits($0, working: working) }
  }

  @Test("Only allowed providers may carry it, and a pin is a set of one")
  func allowed() {
    #expect(permitted(Eligibility(allowed: ["a", "b"]), working: all) == ["a", "b"])
    #expect(permitted(Eligibility(), working: all) == all)
    #expect(permitted(Eligibility(allowed: ["c"], avoided: ["c"]), working: all) == ["c"])
  }

  @Test("What failed it is skipped while another that is allowed works, and only then")
  func avoided() {
    let eligibility = Eligibility(allowed: ["a", "b"], avoided: ["a"])
    #expect(permitted(eligibility, working: all) == ["b"])
    // That c works is of no use to it.
    #expect(permitted(eligibility, working: ["a", "c"]) == ["a", "b"])
  }

  @Test("What does not work is no reason to give up waiting for what does")
  func notWorking() {
    let eligibility = Eligibility(allowed: ["a", "b", "c"], avoided: ["a"])
    #expect(permitted(eligibility, working: ["a", "b"]) == ["b"])
  }

  @Test("The order of the names makes no difference")
  func order() {
    #expect(Eligibility(allowed: ["b", "a", "b"]) == Eligibility(allowed: ["a", "b"]))
    #expect(Eligibility(allowed: ["a"]) != Eligibility(allowed: nil))
  }
}
