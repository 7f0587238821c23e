"""What a person sees and sets while a run is under way: Locust's page and the terminal's progress line."""
