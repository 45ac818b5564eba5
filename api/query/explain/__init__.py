"""Who is behind a number: any cell of an answer -> its customers, and for one of them the events that put him there."""
