import Foundation
import Testing

@testable import Postgres

@Suite struct QueryTests {
  @Test("Every interpolated value becomes a parameter, never text")
  func binds() {
    let name = "x'; DROP TABLE users; --"
    let query: PostgresQuery = "SELECT * FROM users WHERE name = \(name) AND age > \(7)"
    #expect(query.sql == "SELECT * FROM users WHERE name = $1 AND age > $2")
    #expect(query.parameters.map(\.content) == [.text(name), .text("7")])
    #expect(query.parameters.map(\.type) == [.text, .int8])
  }

  @Test("A fragment's parameters are numbered on")
  func fragments() {
    let filter: PostgresQuery = "AND a = \(1) AND b = \(2)"
    let query: PostgresQuery = "SELECT \(0) WHERE true \(filter) LIMIT \(3)"
    #expect(query.sql == "SELECT $1 WHERE true AND a = $2 AND b = $3 LIMIT $4")
    #expect(query.parameters.map(\.content) == [.text("0"), .text("1"), .text("2"), .text("3")])
  }

  @Test("Raw text has to look unsafe and is not bound")
  func raw() {
    let query: PostgresQuery = "SELECT * FROM \(unsafeRaw: "accounts.users") WHERE id = \(1)"
    #expect(query.sql == "SELECT * FROM accounts.users WHERE id = $1")
  }

  @Test("A missing value keeps its type and is NULL")
  func null() {
    let query: PostgresQuery = "SELECT \(Int32?.none), \([String?]?.none)"
    #expect(query.parameters.map(\.content) == [.null, .null])
    #expect(query.parameters.map(\.type) == [.int4, PostgresType.text.array])
  }

  @Test("A text that holds NUL is refused by the parameter's name", arguments: ["a\0b", "\0"])
  func nul(text: String) {
    for query: PostgresQuery in ["SELECT \(1), \(text)", "SELECT \(1), \([text])"] {
      let error = #expect(throws: PostgresError.self) { try Arguments(query.parameters) }
      #expect(error?.code == .parameter)
      #expect(error?.message.contains("$2") == true)
      #expect(error?.message.contains("NUL") == true)
    }
  }

  @Test("A date beyond all timestamps is refused by the parameter's name")
  func invalidDate() {
    let query: PostgresQuery = "SELECT \(Date(timeIntervalSince1970: .infinity))"
    let error = #expect(throws: PostgresError.self) { try Arguments(query.parameters) }
    #expect(error?.message.contains("$1") == true)
  }
}
