extension ServiceSettings {
  /// Reads the providers file that `SLUICE_PROVIDERS` names.
  /// - Throws: `ConfigurationError` without the setting, or with every mistake in the file by its path.
  public func loadProviders() throws -> ProvidersFile {
    guard let providersFile else { throw ConfigurationError(key: "SLUICE_PROVIDERS", message: "must be set") }
    return try ProvidersFile.load(path: providersFile)
  }
}
