"""What tests run against: brokers, endpoints, and the fixtures that start them."""
