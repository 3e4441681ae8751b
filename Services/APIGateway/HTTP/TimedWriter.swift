import HTTPTypes
import Hummingbird
import NIOCore

/// Writes an answer of any length piece by piece, and closes the connection under a caller who does not take a piece in
/// time: whoever reads slowly gets all of it, and whoever does not read is not waited for.
struct TimedWriter: ResponseBodyWriter {
  private var writer: any ResponseBodyWriter
  private let context: GatewayContext
  /// For each piece.
  private let limit: TimeAmount

  /// With the limit it says how slow a caller may be: for 60 s about 1 KiB a second.
  private static let piece = 65_536

  init(_ writer: any ResponseBodyWriter, _ context: GatewayContext, limit: TimeAmount) {
    self.writer = writer
    self.context = context
    self.limit = limit
  }

  mutating func write(_ buffer: ByteBuffer) async throws {
    var rest = buffer
    while let piece = rest.readSlice(length: min(Self.piece, rest.readableBytes)), piece.readableBytes > 0 {
      let deadline = context.closeConnection(in: limit)
      defer { deadline.cancel() }
      try await writer.write(piece)
    }
  }

  consuming func finish(_ trailingHeaders: HTTPFields?) async throws {
    let deadline = context.closeConnection(in: limit)
    defer { deadline.cancel() }
    try await writer.finish(trailingHeaders)
  }
}
