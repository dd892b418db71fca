"""What a JSON Schema says: references, normal form, patterns and formats, for masks, repair and prompts."""
