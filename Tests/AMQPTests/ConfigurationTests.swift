import Testing

@testable import AMQP

@Suite struct ConfigurationTests {
  @Test("All parts of a URL are read")
  func whole() throws {
    let configuration = try AMQPConfiguration(url: "amqp://se%40nder:p%2Fw:d@a.example:5673,b,[::1]:7/slu%2Fice")
    #expect(configuration.username == "se@nder")
    #expect(configuration.password == "p/w:d")
    #expect(
      configuration.hosts == [.init(name: "a.example", port: 5673), .init(name: "b"), .init(name: "::1", port: 7)])
    #expect(configuration.virtualHost == "slu/ice")
    #expect(!"\(configuration)".contains("p/w"))
  }

  @Test("The virtual host is / when none or %2F is given", arguments: ["amqp://h", "amqp://h/", "amqp://h/%2F"])
  func virtualHost(url: String) throws {
    #expect(try AMQPConfiguration(url: url).virtualHost == "/")
  }

  @Test(
    "What is wrong is named, and the password is not",
    arguments: [
      ("http://u:secret@h", "amqp://"), ("amqps://u:secret@h", "TLS"), ("amqp://u:secret@h:0", "port"),
      ("amqp://u:secret@h:x", "port"), ("amqp://u:secret@", "host"), ("amqp://u:secret@h,,i", "host"),
      ("amqp://u:secret%2@h", "password"), ("amqp://u:secret@h/%zz", "virtual host"), ("amqp://u:secret@[::1", "["),
      ("amqp://u:secret@h/a/b", "%2F"), ("amqp://u:secret@h?heartbeat=1", "?"), ("amqp://u:secret%ff@h", "UTF-8"),
    ])
  func errors(url: String, word: String) {
    let error = #expect(throws: AMQPURLError.self) { try AMQPConfiguration(url: url) }
    #expect(error?.description.contains(word) == true, "\(error?.description ?? "")")
    #expect(error?.description.contains("secret") == false)
  }
}
