extension DeadLetterSchema {
  /// When a closed letter lost its number and text.
  static let redaction = """
    ALTER TABLE dead_letter.letters
      ADD COLUMN redacted_at timestamptz,
      ADD CONSTRAINT letters_redacted_check CHECK (redacted_at IS NULL OR closed_at IS NOT NULL);
    COMMENT ON COLUMN dead_letter.letters.redacted_at IS 'When its text, number and answers were taken out.';
    CREATE INDEX letters_redactable_idx ON dead_letter.letters (accepted_at)
      WHERE closed_at IS NOT NULL AND redacted_at IS NULL;
    """
}
