import Foundation
import Yams

/// The providers and the global rate, as an operator writes them in YAML.
public struct ProvidersFile: Sendable, Hashable {
  /// SMS a second over all providers, as a mean; `nil` without a limit (`rate: null`).
  public var globalRate: Double?
  public var providers: [ProviderSettings]

  public init(globalRate: Double? = 200, providers: [ProviderSettings]) {
    self.globalRate = globalRate
    self.providers = providers
  }

  public subscript(name: String) -> ProviderSettings? { providers.first { $0.name == name } }

  /// Reads a file.
  /// - Parameter environment: For `${NAME}` references and HKT's defaults.
  /// - Throws: `ConfigurationError` with every mistake by its path, such as `providers[0].rate`.
  public static func load(
    path: String, environment: [String: String] = ProcessInfo.processInfo.environment
  ) throws -> ProvidersFile {
    let text: String
    do {
      text = try String(contentsOfFile: path, encoding: .utf8)
    } catch {
      throw ConfigurationError(key: "SLUICE_PROVIDERS", message: "the file \(path) cannot be read")
    }
    return try parse(text, environment: environment)
  }

  /// Reads the text of a file.
  public static func parse(_ text: String, environment: [String: String]) throws -> ProvidersFile {
    let problems = FileProblems()
    let root = YAMLMapping(
      try node(text), path: "", references: ValueReference(environment: environment), problems: problems)
    let global = root.mapping("global")
    let globalRate = globalRate(global)
    global.finish()
    let reader = ProviderReader(environment: environment)
    let entries = root.mappings("providers")
    if entries.isEmpty { root.note("providers", "must list at least one provider") }
    var providers: [ProviderSettings] = []
    for entry in entries {
      let provider = reader.read(entry)
      if providers.contains(where: { $0.name == provider.name && !provider.name.isEmpty }) {
        entry.note("name", "is the name of another provider too")
      }
      providers.append(provider)
    }
    root.finish()
    guard problems.list.isEmpty else { throw ConfigurationError(problems.list) }
    return ProvidersFile(globalRate: globalRate, providers: providers)
  }

  private static func globalRate(_ mapping: YAMLMapping) -> Double? {
    let isUnlimited = mapping.isNull("rate")
    let rate = mapping.double("rate", default: 200, "a number above 0") { $0 > 0 }
    return isUnlimited ? nil : rate
  }

  private static func node(_ text: String) throws -> Node {
    do {
      return try Yams.compose(yaml: text) ?? Node([] as [(Node, Node)])
    } catch let error as YamlError {
      throw ConfigurationError(key: "file", message: "is not valid YAML: \(reason(error))")
    } catch {
      throw ConfigurationError(key: "file", message: "is not valid YAML")
    }
  }

  /// Where and what, without the file's text.
  private static func reason(_ error: YamlError) -> String {
    switch error {
    case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
      .composer(_, let problem, let mark, _):
      "\(problem) in line \(mark.line), column \(mark.column)"
    case .duplicatedKeysInMapping(let keys, _): "the key \(keys.joined(separator: ", ")) stands there twice"
    // The library has more kinds than a file of text can cause.
    default: "it cannot be read"
    }
  }
}
