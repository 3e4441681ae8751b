/// How many streams there may be, how long and how far they go.
struct EventStreamLimits: Sendable {
  /// `SLUICE_EVENT_STREAMS`: open at once, of this replica.
  var streams = 500
  /// `SLUICE_EVENT_STREAMS_PER_USER`
  var streamsPerUser = 4
  /// Between two signs of life.
  var keepAlive = Duration.seconds(15)
  /// Between two looks at whether the token still works.
  var check = Duration.seconds(2)
  /// For one write to a client that does not read; whole seconds.
  var write = Duration.seconds(30)
  /// Streams that may read the log again at once.
  var catchUps = 8
  /// Between two such readings for one user.
  var catchUpPause = Duration.seconds(60)
  /// What one of them may read.
  var catchUpFacts = 100_000
  var catchUpTime = Duration.seconds(60)
  /// A client that comes from another replica may be ahead of this one: by how much at most, and for how long.
  var lead: UInt64 = 100_000
  var leadTime = Duration.seconds(10)
  /// From an event whose owner is not known to the first look at whose it was.
  var reloadDelay = Duration.seconds(1)
  /// Between two demands to load everything anew since owners are not known: at first, and when that goes on.
  var reloadPause = (first: Duration.seconds(5), last: Duration.seconds(60))
}
