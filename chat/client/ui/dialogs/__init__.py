"""The windows beside the conversation: the connect form, and the small ones that open over it."""
