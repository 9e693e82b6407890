"""The commands of the shell, by what they are for. What a command does not need is not imported."""
