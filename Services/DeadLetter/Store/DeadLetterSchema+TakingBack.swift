extension DeadLetterSchema {
  /// What was taken back before it went is no replay that failed.
  static let takingBack = """
    ALTER TABLE dead_letter.letters ADD COLUMN taken_back_from integer[] NOT NULL DEFAULT '{}';
    COMMENT ON COLUMN dead_letter.letters.taken_back_from IS
      'Deaths whose replay was cancelled before anything of it went, each once.';
    COMMENT ON COLUMN dead_letter.request_letters.result IS
      'The unit''s state in the end, taken_back for what a cancellation kept from going, or why it was refused.';
    """
}
