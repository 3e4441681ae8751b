/// What a command does to one setting.
///
/// In JSON an absent field changes nothing, `null` goes back to the providers file, a value overrides it.
public enum SettingChange<Value: Codable & Sendable & Hashable>: Sendable, Hashable {
  case unchanged
  case file
  case value(Value)
}

extension KeyedDecodingContainer {
  func setting<Value>(_ key: Key) throws -> SettingChange<Value> {
    guard contains(key) else { return .unchanged }
    return try decodeNil(forKey: key) ? .file : .value(try decode(Value.self, forKey: key))
  }
}

extension KeyedEncodingContainer {
  mutating func encode<Value>(_ setting: SettingChange<Value>, for key: Key) throws {
    switch setting {
    case .unchanged: break
    case .file: try encodeNil(forKey: key)
    case .value(let value): try encode(value, forKey: key)
    }
  }
}

/// Overrides settings of one provider, now and after every restart, until they are set back to the file's.
public struct ProviderSet: Payload {
  public static let type = MessageType.providerSet

  public var provider: String
  /// SMS (or segments) per window; at least 1.
  public var rate: SettingChange<Int>
  /// Seconds, above 0. Overridden together with `rate`, or alone.
  public var windowSeconds: SettingChange<Double>
  /// The share between providers; above 0.
  public var weight: SettingChange<Double>
  /// True holds the provider back; false also lifts a pause after refused credentials.
  public var isPaused: SettingChange<Bool>

  public init(
    provider: String, rate: SettingChange<Int> = .unchanged, windowSeconds: SettingChange<Double> = .unchanged,
    weight: SettingChange<Double> = .unchanged, isPaused: SettingChange<Bool> = .unchanged
  ) {
    self.provider = provider
    self.rate = rate
    self.windowSeconds = windowSeconds
    self.weight = weight
    self.isPaused = isPaused
  }

  enum CodingKeys: String, CodingKey {
    case provider, rate, weight
    case windowSeconds = "window_s"
    case isPaused = "paused"
  }

  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    provider = try container.decode(String.self, forKey: .provider)
    rate = try container.setting(.rate)
    windowSeconds = try container.setting(.windowSeconds)
    weight = try container.setting(.weight)
    isPaused = try container.setting(.isPaused)
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(provider, forKey: .provider)
    try container.encode(rate, for: .rate)
    try container.encode(windowSeconds, for: .windowSeconds)
    try container.encode(weight, for: .weight)
    try container.encode(isPaused, for: .isPaused)
  }
}

/// Forgets what was learnt about providers.
public struct ProviderReset: Payload {
  public static let type = MessageType.providerReset

  public enum Subject: String, Codable, Sendable, Hashable {
    /// The failure window and the adaptive rate: the provider counts as healthy and gets its full rate.
    case health
    /// The counts of sent SMS.
    case distribution
  }

  /// Absent: all providers.
  public var provider: String?
  public var subject: Subject

  public init(provider: String?, subject: Subject) {
    self.provider = provider
    self.subject = subject
  }
}

/// Stops all sending until `sending.go`; what is outstanding still goes.
public struct SendingStop: Payload {
  public static let type = MessageType.sendingStop
  public init() {}
}

/// Sends again.
public struct SendingGo: Payload {
  public static let type = MessageType.sendingGo
  public init() {}
}
