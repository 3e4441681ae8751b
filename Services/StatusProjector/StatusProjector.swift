import ServiceKit

/// Folds the log of all facts into the tables that people read.
@main
struct StatusProjector {
  static func main() async {
    await ServiceRunner.run(service: "status-projector") { settings, logger in
      buildProjector(settings: settings, logger: logger).services
    }
  }
}
