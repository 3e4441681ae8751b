import ArgumentParser
import Logging
import Postgres
import ServiceKit

struct RebuildCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "rebuild",
    abstract: "Make the read tables anew from the log, and put them in the place of the old ones.",
    discussion: """
      The projector and all readers may go on meanwhile. What is older than the log is copied. It ends with 0 once the new \
      tables are in place; before that, whatever happens to it, the old ones stay as they are.
      """)

  @Option(help: "How long the old tables stay for those who still read them.")
  var keepOld = "30s"

  func validate() throws {
    if DurationText.parse(keepOld) == nil { throw ValidationError("--keep-old must be a duration, such as 30s") }
  }

  func run() async throws {
    do {
      let settings = try ServiceSettings.load(service: "status-projector")
      let retention = try RetentionSettings.load()
      let logger = Logger(label: "rebuild") { label in
        settings.logFormat.handler(label: label, level: settings.logLevel)
      }
      let pool = PostgresPool(configuration: settings.database, logger: logger)
      do {
        try await Rebuild(
          pool: pool, amqp: settings.amqp.named("\(settings.instance) rebuild"), logger: logger,
          retention: retention, dropDelay: DurationText.parse(keepOld) ?? .zero
        ).run()
      } catch {
        await pool.close()
        logger.error("not rebuilt; the tables are as before", metadata: [LogKey.error: "\(error)"])
        throw ExitCode(ProcessExit.failure)
      }
      await pool.close()
    } catch let error as ConfigurationError {
      StandardErrorSink().write("status-projector: \(error)")
      throw ExitCode(ProcessExit.configuration)
    }
  }
}
