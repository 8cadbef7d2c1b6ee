"""The path language of conditions, as Go's gjson reads it."""
