import Testing

@testable import CommandLineClient

@Suite("Messages by status")
struct MessagesFilterTests {
  @Test("Only the coarse word that is no job status is asked for as status")
  func words() {
    let coarse = MessagesCommand.filter("sent")
    #expect(coarse == ("status", "sent"))
    for word in ["pending", "sending", "completed", "partial", "failed", "cancelled", "expired", "unconfirmed", "x"] {
      let exact = MessagesCommand.filter(word)
      #expect(exact == ("job_status", word))
    }
  }
}
