"""What questions cost over 50 million events, side by side with the same question on PostHog's table."""
