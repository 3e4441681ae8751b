import Foundation
import Testing

/// Which scenarios one run of the tests takes: `SLUICE_TEST_LANE` is `alone`, `beside` or, for all, not set.
///
/// A scenario that asserts times or rates needs the machine for itself. The others may run beside the tests of the
/// services. A suite with neither trait is part of every run.
private let lane = ProcessInfo.processInfo.environment["SLUICE_TEST_LANE"]

extension Trait where Self == ConditionTrait {
  /// The suite measures times or rates: nothing else runs meanwhile.
  public static var alone: Self { .enabled(if: lane != "beside", "part of the run with SLUICE_TEST_LANE=alone") }

  /// The suite holds on a busy machine.
  public static var beside: Self { .enabled(if: lane != "alone", "part of the run with SLUICE_TEST_LANE=beside") }
}
