import Testing

/// The suites that use servers, one test after another.
@Suite(.serialized, .timeLimit(.minutes(5))) enum ServerSuites {}
