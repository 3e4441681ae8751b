/// What the gate remembers of refusals, in columns.
enum ThrottleSchema {
  static let sql = """
    ALTER TABLE sender.gates
      ADD COLUMN refused_number integer,
      ADD COLUMN refused_at timestamptz,
      ADD COLUMN is_refused_widely boolean NOT NULL DEFAULT false,
      ADD CONSTRAINT gates_refused_check CHECK ((refused_number IS NULL) = (refused_at IS NULL));
    COMMENT ON COLUMN sender.gates.refused_number IS
      '16 bits of a hash of the number that was throttled last: to tell another number from the same one.';
    COMMENT ON COLUMN sender.gates.is_refused_widely IS 'Several numbers were throttled and none accepted since.';
    ALTER TABLE sender.ledger ADD COLUMN throttle_scope text
      CONSTRAINT ledger_throttle_check CHECK (throttle_scope IN ('number', 'provider'));
    """
}
