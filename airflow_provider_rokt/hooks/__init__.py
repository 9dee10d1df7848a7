"""The hook that users import: a connection to Rokt, and runs through it. Imports most inner rooms."""
