"""Pydantic models of what is asked and answered, a module for each of `routes`."""
