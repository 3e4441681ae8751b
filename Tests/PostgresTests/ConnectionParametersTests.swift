import Testing

@testable import Postgres

@Suite struct ConnectionParametersTests {
  @Test("Each host of a URL gets parameters of its own")
  func hosts() throws {
    let hosts = try ConnectionParameters.perHost(
      url: "postgresql://me:p%40ss@one:5001,two:5002/db?sslmode=require&target_session_attrs=read-write")
    #expect(hosts.map { $0["host"] } == ["one", "two"])
    #expect(hosts.map { $0["port"] } == ["5001", "5002"])
    #expect(hosts.allSatisfy { $0["password"] == "p@ss" && $0["sslmode"] == "require" })
  }

  @Test(
    "A faulty URL is refused without showing the password",
    arguments: [
      "postgresql://me:se%cret@host/db", "postgresql://me:secret@h/db?nonsense=1",
      "host=a,b hostaddr=1.2.3.4 password=secret",
    ])
  func faulty(url: String) {
    let error = #expect(throws: PostgresError.self) { try PostgresConfiguration(url: url) }
    #expect(error?.code == .configuration)
    #expect(!"\(String(reflecting: error))".contains("cret"))
  }

  @Test("Time limits go to the server, and the URL's own options win")
  func limits() throws {
    var configuration = try PostgresConfiguration(url: "postgresql://h/db?options=-c%20lock_timeout%3D7")
    configuration.statementTimeout = .milliseconds(1500)
    let options = try #require(configuration.hosts.first?.with(configuration)["options"])
    #expect(options.contains("-c statement_timeout=1500"))
    #expect(options.hasSuffix("-c lock_timeout=7"))
  }
}
