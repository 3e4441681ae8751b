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
        for await delivery in consumer.deliveries { await take(delivery) }
      }
      for lane in lanes.values { await lane.stop() }
      // What was not claimed goes to other senders now; answers in flight are waited for without the broker.
      await consumer.close()
    }
  }

  private func take(_ delivery: AMQPDelivery) async {
    do {
      let command = try Wire.decode(SendCommand.self, from: delivery.body).body
      guard let lane = lanes[command.provider] else {
        throw WireError(code: .malformed, message: ".provider is not one of this sender's")
      }
      await lane.accept(
        command, receipt: CommandReceipt(delivery: delivery, attempts: command.attempts.count, consumer: consumer))
      if command.attempts.isEmpty { await consumer.acknowledge(delivery) }
    } catch {
      await poison.report(delivery, error: error, consumer: consumer)
    }
  }
}
