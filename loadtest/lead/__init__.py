"""The process that leads a run: its phases, the generator processes, their clocks, the windows."""
