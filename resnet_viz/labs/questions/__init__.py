"""The questions: one module each, which declares its lab as ``LAB``."""
