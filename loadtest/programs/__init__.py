"""Programs that a run starts beside itself, and who holds them: victims, a server, a faulty one, a cut network."""
