/// What is wrong with a file, collected while it is read.
final class FileProblems {
  private(set) var list: [ConfigurationError.Problem] = []

  func note(_ path: String, _ message: String) { list.append(.init(key: path, message: message)) }
}
