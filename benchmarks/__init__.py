"""What the provider costs beside a script somebody would write instead."""
