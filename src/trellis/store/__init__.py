"""Replies kept on disk: a cache between runs, and the journal of a batch that may be killed and taken up again."""
