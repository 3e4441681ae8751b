import Testing

@testable import AMQP

@Suite struct FrameAssemblerTests {
  private let method = FrameAssembler.Method.deliver(
    DeliverMethod(consumerTag: "s0", tag: 1, redelivered: false, exchange: "x", routingKey: "k"))

  private func header(_ size: UInt64) -> ContentHeader {
    ContentHeader(bodySize: size, properties: ContentProperties(messageID: "m"))
  }

  private func add(_ bytes: [UInt8], to assembler: inout FrameAssembler) throws -> FrameAssembler.Content? {
    try bytes.withUnsafeBytes { try assembler.body($0) }
  }

  @Test("A body in several frames is put together")
  func frames() throws {
    var assembler = FrameAssembler()
    try assembler.begin(method)
    #expect(try assembler.header(header(5)) == nil)
    #expect(try add([1, 2], to: &assembler) == nil)
    let content = try add([3, 4, 5], to: &assembler)
    #expect(content?.body == [1, 2, 3, 4, 5])
    #expect(content?.properties.messageID == "m")
    #expect(content?.method == method)
  }

  @Test("A message without a body is whole with its header")
  func empty() throws {
    var assembler = FrameAssembler()
    try assembler.begin(method)
    #expect(try assembler.header(header(0))?.body == [])
    try assembler.begin(method)
  }

  @Test("Frames out of order are errors")
  func disorder() throws {
    var assembler = FrameAssembler()
    #expect(throws: AMQPError.self) { try assembler.header(header(1)) }
    #expect(throws: AMQPError.self) { try add([1], to: &assembler) }
    try assembler.begin(method)
    #expect(throws: AMQPError.self) { try assembler.begin(method) }
    #expect(throws: AMQPError.self) { try assembler.header(header(1 << 40)) }
    _ = try assembler.header(header(1))
    #expect(throws: AMQPError.self) { try add([1, 2], to: &assembler) }
  }

  @Test("A reset forgets what was begun")
  func reset() throws {
    var assembler = FrameAssembler()
    try assembler.begin(method)
    assembler.reset()
    try assembler.begin(method)
  }
}
