"""Programs to copy from. Each is explained on a page of docs/examples/, and runs by itself."""
