from loadtest import Scenario


class Lecture(Scenario):
    """Talk, silence, talk."""

    def course(self, run):
        run.window(10)
        run.pause(5)
        run.window(10)
