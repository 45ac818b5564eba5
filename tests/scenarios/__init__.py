"""The whole system as its users start it: processes, a log, a store, HTTP. One `house` for each pair of machines."""
