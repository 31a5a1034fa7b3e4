"""What a conference is. Pure: no clock, no SQL, no HTTP."""
