import Contracts
import DequeModule
import Logging
import Metering
import NIOConcurrencyHelpers
import ServiceKit
import ServiceLifecycle

/// What happens now, as this replica hears it: facts in, events for all open streams out.
///
/// While no stream is open, and none was within the last minutes, facts are only passed by.
final class LiveFeed: Service {
  /// A fact as it came from the log.
  struct Raw: Sendable {
    var offset: UInt64
    var type: MessageType
    var body: [UInt8]
  }

  private struct Inbox {
    var facts: Deque<Raw> = []
    var bytes = 0
    /// The newest fact that there was no room for.
    var lost: UInt64?
  }

  private struct State {
    var ring: EventRing
    var listeners = ListenerIndex()
    var signals: [UInt64: RefreshSignal] = [:]
    var lastListener: UInt64 = 0
    /// When the last stream ended.
    var quietSince: ContinuousClock.Instant?
  }

  /// What may lie in wait for owners to be found.
  private static let inboxLimit = (facts: 8_192, bytes: 32 * 1024 * 1024)
  /// How long facts are kept for streams that come back.
  private static let warmth = Duration.seconds(300)

  private let queue: QueueView
  private let owners: OwnerDirectory
  private let logger: Logger
  private let bell = RefreshSignal()
  private let inbox = NIOLockedValueBox(Inbox())
  private let state: NIOLockedValueBox<State>

  init(queue: QueueView, owners: OwnerDirectory, ring: EventRing = EventRing(), logger: Logger) {
    self.queue = queue
    self.owners = owners
    self.logger = logger
    state = NIOLockedValueBox(State(ring: ring))
  }

  // MARK: Facts in

  /// Takes the next fact of the log. Never waits: what is too much is left out, and streams that missed it end, to come
  /// back for it.
  func offer(_ fact: Raw) {
    inbox.withLockedValue { inbox in
      inbox.facts.append(fact)
      inbox.bytes += fact.body.count
      guard inbox.facts.count > Self.inboxLimit.facts || inbox.bytes > Self.inboxLimit.bytes else { return }
      inbox = Inbox(lost: inbox.facts.reduce(inbox.lost ?? 0) { max($0, $1.offset) })
    }
    bell.ring()
  }

  /// Works until shutdown.
  func run() async throws {
    await cancelWhenGracefulShutdown {
      var translator = FactTranslator(isLive: true)
      while !Task.isCancelled {
        let (facts, lost) = self.inbox.withLockedValue { inbox in
          let taken = (Array(inbox.facts.prefix(64)), inbox.lost)
          inbox.facts.removeFirst(taken.0.count)
          inbox.bytes -= taken.0.reduce(0) { $0 + $1.body.count }
          inbox.lost = nil
          return taken
        }
        if let lost { self.forget(to: lost) }
        guard !facts.isEmpty else {
          await self.bell.wait(atMost: .seconds(60))
          continue
        }
        if self.isWarm {
          await self.append(facts, &translator)
        } else if let last = facts.last {
          self.state.withLockedValue { $0.ring.skip(last.offset) }
        }
      }
    }
  }

  /// What was lost is skipped: whoever wanted any of it must not take what follows for the next fact.
  private func forget(to lost: UInt64) {
    logger.warning("Live events were too many; streams begin anew")
    let signals = state.withLockedValue { state in
      state.ring.skip(lost)
      return Array(state.signals.values)
    }
    for signal in signals { signal.ring() }
  }

  private func append(_ facts: [Raw], _ translator: inout FactTranslator) async {
    let live = await Self.live(facts, &translator, owners: owners, attempts: 3) { [queue] in queue.snapshot }
    let signals = state.withLockedValue { state in
      for fact in live { state.ring.append(fact) }
      return state.listeners.concerned(by: live).compactMap { state.signals[$0] }
    }
    for signal in signals { signal.ring() }
  }

  /// Translates facts, and finds out whose they are in one go. One that cannot be read says nothing.
  static func live(
    _ facts: [Raw], _ translator: inout FactTranslator, owners: OwnerDirectory, attempts: Int,
    queue: () -> QueueSnapshot
  ) async -> [LiveFact] {
    var drafts: [(offset: UInt64, drafts: [EventDraft])] = []
    for fact in facts {
      // The projector reports what cannot be read.
      drafts.append((fact.offset, (try? translator.drafts(fact.type, fact.body, queue: queue)) ?? []))
    }
    for case .message(let id, of: let user?) in drafts.flatMap({ $0.drafts.map(\.subject) }) {
      owners.note(id, of: user)
    }
    let unknown = Set(drafts.flatMap { $0.drafts.compactMap(\.ownerless) })
    let found = unknown.isEmpty ? [:] : await owners.owners(of: unknown, attempts: attempts)
    return drafts.map { offset, drafts in LiveFact(offset: offset, events: drafts.map { $0.event(found) }) }
  }

  // MARK: Events out

  /// The place behind what has been taken so far; `nil` before the first fact.
  var next: UInt64? { state.withLockedValue { $0.ring.next } }

  func page(from place: UInt64?, limit: Int) -> EventRing.Page {
    state.withLockedValue { $0.ring.page(from: place, limit: limit) }
  }

  /// Rings from now on when there is something that concerns a stream.
  /// - Returns: What to stop it by.
  func listen(_ signal: RefreshSignal, as view: StreamView) -> UInt64 {
    state.withLockedValue { state in
      state.lastListener += 1
      state.listeners.add(state.lastListener, view)
      state.signals[state.lastListener] = signal
      return state.lastListener
    }
  }

  func stopListening(_ id: UInt64) {
    state.withLockedValue { state in
      state.listeners.remove(id)
      state.signals[id] = nil
      state.quietSince = .now
    }
  }

  private var isWarm: Bool {
    state.withLockedValue { state in
      !state.signals.isEmpty || state.quietSince.map { .now - $0 < Self.warmth } ?? false
    }
  }
}
