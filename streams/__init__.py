"""What happens over time. `pipeline` tells the whole story on one page."""
