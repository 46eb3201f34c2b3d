"""One module for each outside system; each class is named after the port that it keeps."""
