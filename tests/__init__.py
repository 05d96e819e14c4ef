"""What the tests share is imported from here: `from tests.builders import fill`."""
