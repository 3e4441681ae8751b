/// A stack could not do what a test asked; the text says why.
public struct StackError: Error, CustomStringConvertible {
  public let description: String
  public init(_ description: String) { self.description = description }
}
