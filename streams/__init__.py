"""What happens over time. `pipeline` shows the whole flow on one page."""
