"""The window. Everything here runs on Tk's thread; modules without Tk say so."""
