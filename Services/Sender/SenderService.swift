import AMQP
import Contracts
import Logging
import ServiceKit
import ServiceLifecycle

/// Hands delivered send commands to the lanes of their providers.
struct SenderService: Service {
  var lanes: [String: ProviderLane]
  var consumer: AMQPConsumer
  var poison: PoisonReporter
  var logger: Logger

  func run() async throws {
    await withDiscardingTaskGroup { group in
      for lane in lanes.values { group.addTask { await lane.run() } }
      // Ends with the shutdown: what was delivered and not claimed goes back to the broker, for other senders.
      await cancelWhenGracefulShutdown {
        // Reported beside the deliveries, which wait for no confirmation; the prefetch bounds how many.
        await withDiscardingTaskGroup { reports in
          for await delivery in consumer.deliveries {
            guard let error = await take(delivery) else { continue }
            reports.addTask { await poison.report(delivery, error: error, consumer: consumer) }
          }
        }
      }
      for lane in lanes.values { await lane.stop() }
      // What was not claimed goes to other senders now; answers in flight are waited for without the broker.
      await consumer.close()
    }
  }

  /// - Returns: What is wrong with a delivery that no lane can take.
  private func take(_ delivery: AMQPDelivery) async -> (any Error)? {
    do {
      let command = try Wire.decode(SendCommand.self, from: delivery.body).body
      guard let lane = lanes[command.provider] else {
        throw WireError(code: .malformed, message: ".provider is not one of this sender's")
      }
      await lane.accept(
        command, receipt: CommandReceipt(delivery: delivery, attempts: command.attempts.count, consumer: consumer))
      if command.attempts.isEmpty { await consumer.acknowledge(delivery) }
      return nil
    } catch {
      return error
    }
  }
}
