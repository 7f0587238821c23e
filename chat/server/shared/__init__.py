"""The log that several servers share, in Redis or Valkey: store, appender, reader, snapshots."""
