import CRabbitMQ

extension amqp_bytes_t {
  static var none: amqp_bytes_t { amqp_bytes_t(len: 0, bytes: nil) }

  var buffer: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: bytes, count: bytes == nil ? 0 : len) }

  /// A copy as text; what is not UTF-8 is replaced.
  var string: String { String(decoding: buffer, as: UTF8.self) }
}

/// Memory for the arguments of one C call, taken back at once by `reset()`.
///
/// Confined to the thread of the connection that owns it.
final class ArgumentPool {
  private var pool = UnsafeMutablePointer<amqp_pool_t>.allocate(capacity: 1)

  init() { init_amqp_pool(pool, 8192) }

  deinit {
    empty_amqp_pool(pool)
    pool.deallocate()
  }

  func reset() { recycle_amqp_pool(pool) }

  func bytes(_ text: String) -> amqp_bytes_t {
    var text = text
    return text.withUTF8 { bytes(UnsafeRawBufferPointer($0)) }
  }

  func bytes(_ source: UnsafeRawBufferPointer) -> amqp_bytes_t {
    guard !source.isEmpty, let memory = amqp_pool_alloc(pool, source.count) else { return .none }
    memory.copyMemory(from: source.baseAddress ?? UnsafeRawPointer(memory), byteCount: source.count)
    return amqp_bytes_t(len: source.count, bytes: memory)
  }

  func array<Element>(of type: Element.Type, count: Int) -> UnsafeMutablePointer<Element>? {
    guard count > 0 else { return nil }
    return amqp_pool_alloc(pool, count * MemoryLayout<Element>.stride)?.bindMemory(to: type, capacity: count)
  }
}
