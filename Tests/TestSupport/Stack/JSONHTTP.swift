// Tests look at answers with the same client that the command line uses.
@_exported import JSONHTTP
