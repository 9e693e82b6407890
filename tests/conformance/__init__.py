"""What the store of every dialect must do; dialects elsewhere can inherit it."""
